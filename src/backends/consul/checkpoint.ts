// Checkpoints in Consul: a text for each name, written only while the claim that writes it stands. Owns that a write
// which arrives late never replaces a later one, not even of the same holder.
import type { Claim } from '../../backend.ts'
import { SessionGoneError, UnavailableError } from '../../errors.ts'
import type { Known, Protocol } from './claims.ts'
import type { Layout } from './layout.ts'
import type { Operation, Transport } from './transport.ts'

/**
 * Each write also writes the key by which the claim holds, and is refused unless it finds that key as the last write
 * left it: so of two writes in flight, one is refused, looks again and goes last.
 */
export class Checkpoints {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #sent = new WeakMap<Claim, number>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Writes if the claim still stands, and says whether it does. */
  async write(known: Known, protocol: Protocol, text: string, signal: AbortSignal): Promise<boolean> {
    const { claim, held, keys } = known
    if (!held) return false
    const { key, flags, session } = held
    const operations: Operation[] = [
      { verb: 'check-index', key, index: held.modified },
      { verb: 'set', key: keys.checkpoint, value: text },
      { verb: 'lock', key, value: this.#unlikeBefore(claim), flags, session },
    ]
    const outcome = await this.#transport.txn(operations, signal).catch((error) => {
      // The slot's own session: the client's, and all else it holds, lives on.
      if (error instanceof SessionGoneError && session !== claim.session) return undefined
      throw error
    })
    if (!outcome?.applied) {
      if (!(await protocol.verify(known, signal))) return false
      throw new UnavailableError('another checkpoint of this hold came first; ask again')
    }
    const own = outcome.entries.findLast((entry) => entry.key === key)
    held.modified = own?.modifyIndex ?? held.modified
    return true
  }

  /** Reads what no stale server can answer. */
  async read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { entries } = await this.#transport.read({ key: this.#layout.keys(name).checkpoint }, signal)
    return entries[0]?.value
  }

  /** The claim's value, followed by blanks that count: Consul takes a write of what is there already for none. */
  #unlikeBefore(claim: Claim): string {
    const sent = (this.#sent.get(claim) ?? 0) + 1
    this.#sent.set(claim, sent)
    return `${claim.value}${sent.toString(2).replaceAll('0', ' ').replaceAll('1', '\\t')}`
  }
}
