// The lines of claims, as requests of one client show them. Owns which reads belong to one line. line.ts has the
// rules, and line-checks.ts the checks.
import type { ITxnResponse } from 'etcd3'
import { cohortPermits } from '../../base/shapes.ts'
import type { Layout } from './layout.ts'
import { type Line, readLine, type StandingKey } from './line.ts'
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

  /**
   * The line that `look` read, as the claim has to wait for it. `place` is the place of its keys in the answer; the records stand
   * behind them. For a claim with `handoff` the mark of its name is no claim, and no claim of another form can hold behind it.
   */
  of(state: ClaimState, response: ITxnResponse, place: number, before?: bigint): Line {
    const line = this.all(state, response, place, before)
    if (state.claim.permits !== cohortPermits) return line
    const isAhead = ({ key, permits = cohortPermits }: StandingKey): boolean =>
      permits === cohortPermits && key !== state.keys.mark
    return { ...line, ahead: line.ahead.filter(isAhead) }
  }

  /** The same with the mark, and with the claims of every form. */
  all(
    { claim, keys }: ClaimState,
    { header, responses }: ITxnResponse,
    place: number,
    before?: bigint,
  ): Line {
    const [revision, range] = [BigInt(header.revision), read(responses, place)]
    const records = keys.records && read(responses, place + 1)
    return readLine(this.#layout, claim.name, { revision, range, before, records })
  }

  /** Reads the whole line, for the rare case that its last few keys all belong to other names. */
  async whole(state: ClaimState, signal: AbortSignal): Promise<Line> {
    return this.of(state, await this.#transport.txn(txn([], look(state.keys, 0)), signal), 0)
  }
}
