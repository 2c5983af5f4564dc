// What a holder writes into Consul, and only while it holds: its checkpoint, and the value that others read. Owns that a
// write which arrives late never replaces a later one, not even of the same holder.

import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'
import type { Held, Known, Protocol } from './claims.ts'
import type { Layout } from './layout.ts'
import type { Entry, Operation, Transport } from './wire/transport.ts'

/**
 * Each write also writes the key by which the claim holds, and is refused unless it finds that key as the last write
 * left it: so of two writes in flight, one is refused, looks again and goes last.
 */
export class FencedWrites {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #sent = new WeakMap<Claim, number>()
  /** The indexes of the checkpoints that candidates wrote. */
  readonly #stored = new WeakMap<Claim, number>()

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** Stores a checkpoint if the claim still stands, and says whether it does. */
  async checkpoint(known: Known, protocol: Protocol, text: string, signal: AbortSignal): Promise<boolean> {
    const { claim, held, keys } = known
    if (!held) return false
    if (claim.candidate) return this.#candidates(known, protocol, text, signal)
    const store: Operation = { verb: 'set', key: keys.checkpoint, value: text }
    const entries = await this.#write(known, protocol, [store, own(held, this.#unlikeBefore(claim))], signal)
    if (!entries) return false
    held.modified = indexOf(entries, held.key) ?? held.modified
    return true
  }

  /** Replaces the value of the key by which the claim holds. */
  async proclaim(known: Known, protocol: Protocol, value: string, signal: AbortSignal): Promise<boolean> {
    const { held } = known
    if (!held) return false
    const entries = await this.#write(known, protocol, [own(held, value)], signal)
    if (!entries) return false
    held.modified = indexOf(entries, held.key) ?? held.modified
    return true
  }

  /** Reads what no stale server can answer. */
  async read(name: string, signal: AbortSignal): Promise<string | undefined> {
    const { entries } = await this.#transport.read({ key: this.#layout.keys(name).checkpoint }, signal)
    return entries[0]?.value
  }

  /** What a candidate says is for others to read as it is: here the checkpoint itself must be as it was left. */
  async #candidates(known: Known, protocol: Protocol, text: string, signal: AbortSignal): Promise<boolean> {
    const { claim, keys } = known
    const index = this.#stored.get(claim) ?? (await this.#index(keys.checkpoint, signal))
    this.#stored.delete(claim)
    const store: Operation = { verb: 'cas', key: keys.checkpoint, value: text, index }
    const entries = await this.#write(known, protocol, [store], signal)
    if (!entries) return false
    this.#stored.set(claim, indexOf(entries, keys.checkpoint) ?? index)
    return true
  }

  async #index(key: string, signal: AbortSignal): Promise<number> {
    const { entries } = await this.#transport.read({ key }, signal)
    return entries[0]?.modifyIndex ?? 0
  }

  /** What was written, or undefined where the claim no longer stands. */
  async #write(
    known: Known,
    protocol: Protocol,
    writes: readonly Operation[],
    signal: AbortSignal,
  ): Promise<readonly Entry[] | undefined> {
    const { key, modified, session } = known.held as Held
    const stands: Operation = { verb: 'check-index', key, index: modified }
    const outcome = await this.#transport.txn([stands, ...writes], signal).catch((error) => {
      // The slot's own session: the client's, and all else it holds, lives on.
      if (error instanceof SessionGoneError && session !== known.claim.session) return undefined
      throw error
    })
    if (outcome?.applied) return outcome.entries
    if (!(await protocol.verify(known, signal))) return undefined
    throw new UnavailableError('another write of this hold came first; ask again')
  }

  /** The claim's value, followed by blanks that count: Consul takes a write of what is there already for none. */
  #unlikeBefore(claim: Claim): string {
    const sent = (this.#sent.get(claim) ?? 0) + 1
    this.#sent.set(claim, sent)
    return `${claim.value}${sent.toString(2).replaceAll('0', ' ').replaceAll('1', '\t')}`
  }
}

function own({ key, flags, session }: Held, value: string): Operation {
  return { verb: 'lock', key, value, flags, session }
}

function indexOf(entries: readonly Entry[], wanted: string): number | undefined {
  return entries.findLast(({ key }) => key === wanted)?.modifyIndex
}
