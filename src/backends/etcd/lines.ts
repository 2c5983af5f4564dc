// The lines of claims, as requests of one client show them. Owns which reads belong to one line, and the checks that may need
// a read of their own. line.ts has the rules.
import type { ITxnResponse } from 'etcd3'
import type { Layout } from './layout.ts'
import { checkCount, checkKind, checkLeases, type Line, maybeUnleased, readLine } from './line.ts'
import { count, leases, look, read, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** Reads lines for one client. */
export class Lines {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  /** The line that `look` read. `place` is the place of its keys in the answer; the records stand behind them. */
  of({ claim, keys }: ClaimState, { header, responses }: ITxnResponse, place: number, before?: bigint): Line {
    const [revision, range] = [BigInt(header.revision), read(responses, place)]
    const records = keys.records && read(responses, place + 1)
    return readLine(this.#layout, claim.name, { revision, range, before, records })
  }

  /** Reads the whole line, for the rare case that its last few keys all belong to other names. */
  async whole(state: ClaimState, signal: AbortSignal): Promise<Line> {
    return this.of(state, await this.#transport.txn(txn([], look(state.keys, 0)), signal), 0)
  }

  /**
   * Throws ConflictError if the claim cannot stand in this line. etcd since 3.7 does not name the leases of the claims
   * ahead, so they are read separately: once for each claim, since no key is ever put ahead of an older one.
   */
  async check(state: ClaimState, line: Line, signal: AbortSignal): Promise<void> {
    const { claim, keys, created, checked } = state
    const unsure = maybeUnleased(line)
    const [newest, oldest] = [unsure[0], unsure.at(-1)]
    if (newest && oldest && (created === undefined || checked !== created)) {
      const ask = leases(keys.line, oldest.created, newest.created)
      const { responses } = await this.#transport.txn(txn([], [ask]), signal)
      checkLeases(unsure, read(responses, 0), claim)
      state.checked = created
    }
    checkKind(line, claim)
  }

  /** Throws ConflictError if too many keys are below a name: then the next question would take as long as a late one. */
  async checkCrowd(lines: readonly KeyRange[], signal: AbortSignal): Promise<void> {
    const { responses } = await this.#transport.txn(txn([], lines.map(count)), signal)
    for (const [place, line] of lines.entries()) checkCount(line, read(responses, place))
  }
}
