// The lines of claims, as requests of one client show them. Owns which reads belong to one line. line.ts has the
// rules, and line-checks.ts the checks.
import type { ITxnResponse } from 'etcd3'
import type { Layout } from './layout.ts'
import { type Line, readLine } from './line.ts'
import { look, read, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

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
}
