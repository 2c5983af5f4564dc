// The lines of claims, as requests of one client show them. Owns which reads belong to one line, and which keys need not be read.
// line.ts has the rules, line-checks.ts the checks, and known-line.ts the knowledge that a client keeps.
import type { IRangeResponse, ITxnResponse } from 'etcd3'
import { cohortPermits } from '../../base/shapes.ts'
import type { KnownLine } from './known-line.ts'
import type { KnownLines } from './known-lines.ts'
import type { Layout } from './layout.ts'
import { keysToRead, type Line, lineOf, readKeys, type StandingKey } from './line.ts'
import { glance, look, read, type Span, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

/** The keys of a line that an answer has. */
export interface Found {
  /** The revision of the store at which they were read. */
  readonly revision: bigint
  /** The latest first. */
  readonly keys: readonly StandingKey[]
  /** Whether there are more, before these. */
  readonly more: boolean
  readonly records?: IRangeResponse | undefined
}

/** The keys that were asked for, and the revision up to which an answer has all of them if that is later than the claim. */
interface Reading extends Span {
  readonly upTo?: bigint | undefined
}

/** Reads lines for one client. */
export class Lines {
  readonly #transport: Transport
  readonly #layout: Layout
  readonly #known: KnownLines
  /** How many claims of this client join each line at this moment. */
  readonly #joining = new Map<string, number>()

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
   * How many keys of its line a claim reads as it joins, and a function that says that it has joined. If other claims of this client join
   * the same line, they look at it together afterwards, unless it is short.
   */
  join({ claim, keys }: ClaimState): readonly [most: number, joined?: () => void] {
    if (claim.permits === 1) return [glance]
    if (keys.records) return [0]
    const { key } = keys.line
    const others = this.#joining.get(key) ?? 0
    this.#joining.set(key, others + 1)
    const joined = (): void => {
      const left = (this.#joining.get(key) ?? 1) - 1
      if (left === 0) this.#joining.delete(key)
      else this.#joining.set(key, left)
    }
    return [others > 0 ? glance : keysToRead(claim), joined]
  }

  /** The keys that `look` read. `place` is their place in the answer; the records stand behind them. */
  found({ claim, keys }: ClaimState, { header, responses }: ITxnResponse, place: number): Found {
    const range = read(responses, place)
    return {
      revision: BigInt(header.revision),
      keys: readKeys(this.#layout, claim.name, range),
      more: range.more,
      records: keys.records && read(responses, place + 1),
    }
  }

  /**
   * The line of these keys, as the claim has to wait for it. If only a part of it was read, and the rest is no longer known, the line is
   * not complete, and nobody stands in it.
   */
  of(state: ClaimState, found: Found, reading: Reading = {}): Line {
    return seenBy(state, this.all(state, found, reading))
  }

  /** The same with the mark, and with the claims of every form. */
  all(state: ClaimState, found: Found, { before, after = 0n, upTo }: Reading = {}): Line {
    const { revision, keys, more, records } = found
    const known = more ? undefined : this.#knownTo(state)
    const part = { found: keys, after, upTo: upTo ?? (before ?? revision) - 1n, revision }
    const isTaken = known?.take(part)
    if (after > 0n) return (isTaken && presentIn(known, before ?? revision)) || unknown(revision)
    return lineOf(keys, { revision, before, records, complete: !more })
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
    const answer = await this.#transport.txn(txn([], look(state.keys, 0)), signal)
    return this.of(state, this.found(state, answer, 0))
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
