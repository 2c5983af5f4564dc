// The line of a semaphore as the watch of one client keeps it up to date. Owns which keys of the line need not be read again: a claim
// that joins reads only those that came since. known-lines.ts has the watches, and ARCHITECTURE.md the argument.
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { StandingKey } from './line.ts'
import type { Change } from './wire/transport.ts'

/** How long events alone keep a line up to date, in ms. A server may lose an event, and then a key seems to stand. */
const believedMs = 5_000
/** How many deletions are remembered for answers that are still under way. */
const goneMost = 256

/** The keys of a line that one answer has. */
export interface Part {
  /** The latest first. */
  readonly found: readonly StandingKey[]
  /** It has each key that was created after the first of these revisions, up to the second one. After 0 it is the whole line. */
  readonly after: bigint
  readonly upTo: bigint
  /** The revision of the store at which it was read. */
  readonly revision: bigint
}

/** The keys of one line. Some may be gone already, if their events are late or lost. None that stands is missing. */
export class KnownLine {
  readonly #clock: Clock
  /** The oldest first. Undefined until an answer had the whole line. */
  #keys: Map<string, StandingKey> | undefined
  /** When the whole line was read last, and at which revision. */
  #wholeAt: Mark
  #wholeRevision = 0n
  /** Each key that was created up to this revision was read. */
  #upTo = 0n
  /** Every deletion after this revision is still to come. Undefined before the watch has begun. */
  #revision: bigint | undefined
  /** The deletions after `#goneAfter`, by their keys. */
  readonly #gone = new Map<string, bigint>()
  #goneAfter = 0n

  constructor(clock: Clock) {
    this.#clock = clock
    this.#wholeAt = clock.mark()
  }

  /** The watch tells every deletion after this revision. */
  created(revision: bigint): void {
    this.#revision = revision
    this.#goneAfter = revision
  }

  /** Forgets keys that were deleted. */
  deleted(changes: readonly Change[]): void {
    for (const { key, revision } of changes) {
      const known = this.#keys?.get(key)
      if (known && known.created < revision) this.#keys?.delete(key)
      this.#gone.delete(key)
      this.#gone.set(key, revision)
      if (revision > (this.#revision ?? 0n)) this.#revision = revision
    }
    for (const [key, revision] of this.#gone) {
      if (this.#gone.size <= goneMost) return
      this.#gone.delete(key)
      this.#goneAfter = revision
    }
  }

  /** The revision after which a claim that joins now has to read keys; 0 if it has to read the whole line. */
  get upTo(): bigint {
    const isBelieved = this.#keys && leastElapsedMs(this.#wholeAt, this.#clock.mark()) < believedMs
    return isBelieved ? this.#upTo : 0n
  }

  /**
   * Takes the keys of an answer. Returns false, and changes nothing, if the answer is older than the deletions that are remembered, or
   * if it has a part of the line alone, and the keys before that part are no longer known.
   */
  take(part: Part): boolean {
    const { after, upTo, revision } = part
    if (this.#revision === undefined || revision < this.#goneAfter) return false
    if (after === 0n && revision === this.#wholeRevision) return true
    if (after === 0n) {
      this.#wholeRevision = revision
      this.#keys = new Map()
      this.#wholeAt = this.#clock.mark()
      this.#upTo = 0n
    }
    if (!this.#keys || after > this.#upTo) return false
    for (const key of part.found.toReversed()) if (key.created > this.#upTo) this.#add(key)
    if (upTo > this.#upTo) this.#upTo = upTo
    return true
  }

  /** The keys that were created before this revision, the latest first. Undefined unless all of them were read. */
  before(revision: bigint): { readonly keys: readonly StandingKey[]; readonly revision: bigint } | undefined {
    if (!this.#keys || this.#revision === undefined || this.#upTo < revision - 1n) return undefined
    const keys = [...this.#keys.values()].filter(({ created }) => created < revision)
    return { keys: keys.reverse(), revision: this.#revision }
  }

  /** Remembers that these keys have a lease, so that no other claim asks for it. */
  leased(found: readonly StandingKey[]): void {
    for (const { key, created } of found) {
      const known = this.#keys?.get(key)
      if (known?.created === created) this.#keys?.set(key, { ...known, leased: true })
    }
  }

  /** A key may be made anew, and is then the latest. */
  #add(key: StandingKey): void {
    this.#keys?.delete(key.key)
    if ((this.#gone.get(key.key) ?? 0n) < key.created) this.#keys?.set(key.key, key)
  }
}
