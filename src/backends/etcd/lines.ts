// The lines of claims, as requests of one client show them. Owns which reads belong to one line, and which keys need not be read.
// line.ts has the rules, line-checks.ts the checks, and known-line.ts the knowledge that a client keeps.
import type { ITxnResponse } from 'etcd3'
import { cohortPermits } from '../../base/shapes.ts'
import type { KnownLine } from './known-line.ts'
import type { KnownLines } from './known-lines.ts'
import type { Layout } from './layout.ts'
import { type Line, lineOf, readKeys, type StandingKey } from './line.ts'
import { look, read, type Span, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

/** Reads lines for one client. */
export class Lines {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #known: KnownLines

  constructor(transport: Transport, layout: Layout, known: KnownLines) {
    this.#transport = transport
    this.#layout = layout
    this.#known = known
  }

  /** The revision after which a claim that joins has to read the keys of its line; 0 if it has to read all that it needs. */
  after(state: ClaimState): bigint {
    return this.#knownTo(state)?.upTo ?? 0n
  }

  /**
   * The line that `look` read, as the claim has to wait for it. `place` is the place of its keys in the answer; the records stand
   * behind them. If the rest of the line is no longer known, the line is not complete, and nobody stands in it.
   */
  of(state: ClaimState, response: ITxnResponse, place: number, span: Span = {}): Line {
    return seenBy(state, this.all(state, response, place, span))
  }

  /** The same with the mark, and with the claims of every form. */
  all(
    state: ClaimState,
    { header, responses }: ITxnResponse,
    place: number,
    { before, after = 0n }: Span = {},
  ): Line {
    const { claim, keys } = state
    const [revision, range] = [BigInt(header.revision), read(responses, place)]
    const found = readKeys(this.#layout, claim.name, range)
    const known = range.more ? undefined : this.#knownTo(state)
    const isTaken = known?.take({ found, after, upTo: (before ?? revision) - 1n, revision })
    if (after > 0n) return (isTaken && presentIn(known, before ?? revision)) || unknown(revision)
    const records = keys.records && read(responses, place + 1)
    return lineOf(found, { revision, before, records, complete: !range.more })
  }

  /** The line of a claim that stands, as events have shown it since it was read. Undefined if that is not known. */
  present(state: ClaimState): Line | undefined {
    const { created } = state
    const line = created === undefined ? undefined : presentIn(this.#knownTo(state), created)
    return line && seenBy(state, line)
  }

  /** The line of a claim that stands: as this answer has it, or as events have shown it since. */
  latest(state: ClaimState, answered: Line): Line {
    const known = this.present(state)
    return known && known.revision > answered.revision ? known : answered
  }

  /** Remembers that these keys have a lease, so that no other claim of this client asks for it. */
  leased(state: ClaimState, keys: readonly StandingKey[]): void {
    this.#knownTo(state)?.leased(keys)
  }

  /** Reads the whole line, for the rare case that its last few keys all belong to other names. */
  async whole(state: ClaimState, signal: AbortSignal): Promise<Line> {
    return this.of(state, await this.#transport.txn(txn([], look(state.keys, 0)), signal), 0)
  }

  /** A mutex reads a few keys in any case. With a lock-delay a claim reads the records of all claims. */
  #knownTo({ claim, keys }: ClaimState): KnownLine | undefined {
    return claim.permits === 1 || keys.records ? undefined : this.#known.of(keys.line)
  }
}

function presentIn(known: KnownLine | undefined, before: bigint): Line | undefined {
  const now = known?.before(before)
  return now && lineOf(now.keys, { revision: now.revision, before, complete: true })
}

/** A line of which an answer has only the latest keys. The claim has to read it as a whole. */
function unknown(revision: bigint): Line {
  return { revision, ahead: [], complete: false, dead: [] }
}

/** For a claim with `handoff` the mark of its name is no claim, and no claim of another form can hold behind it. */
function seenBy({ claim, keys }: ClaimState, line: Line): Line {
  if (claim.permits !== cohortPermits) return line
  const isAhead = ({ key, permits = cohortPermits }: StandingKey): boolean =>
    permits === cohortPermits && key !== keys.mark
  return { ...line, ahead: line.ahead.filter(isAhead) }
}
