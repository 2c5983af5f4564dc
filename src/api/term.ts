// A term of a leader as a caller sees it, alone and under `lead`. Types only; election/term.ts is the implementation.
import type { AskOptions } from './ask.ts'
import type { Hold } from './hold.ts'

/**
 * A term of leadership. It is a Hold: `token`, `held`, `assertHeld`, `verify` and `checkpoint` are those of a lock. Its
 * `signal` aborts when it is time to stop: the term was lost (a HoldLostError), it was resigned, or, under `lead`, the
 * caller wants an end.
 */
export interface Term extends Hold {
  /** Whether the work has to stop: the same as `signal.aborted`. The lock may still be held then. */
  readonly stopping: boolean
  /** The text about this leader that others read: the value of its campaign, or the last one that the store has taken since. */
  readonly value: string
  /** The store's id of the session that leads, as `leader`, `candidates` and `leasehold ls` show it. */
  readonly session: string
  /**
   * Hands over to the waiting candidate with this value or session: it overtakes all waiting claims ahead of it, then
   * this term is resigned (under `lead`: the work is asked to stop, as by `stepDown`). Costs two requests more than
   * `resign`. Rejects with RangeError if no such candidate waits, and with ConflictError if a claim without a priority,
   * or with a higher one, waits before it; then nothing has changed. Otherwise rejects as `verify` does.
   */
  handOver(to: string, options?: AskOptions): Promise<void>
  /**
   * Replaces the value that `leader` and `observe` return. The store refuses it unless this term still stands; of two
   * calls the later one wins. Costs one request. Rejects with HoldLostError when refused or after the end of the term,
   * with TypeError or RangeError for a bad value, and with UnavailableError if the store did not answer.
   */
  proclaim(value: string, options?: AskOptions): Promise<void>
  /**
   * Gives leadership back; the next candidate leads after one more event. First end the work that the term protects:
   * from the call on `held` is false and `signal` is aborted. It is the same as `release`.
   */
  resign(): Promise<void>
}

/** How to step down. */
export interface StepDownOptions {
  /** How long, in ms, this candidate stays out of the line afterwards; 0 by default. */
  readonly awayMs?: number | undefined
}

/**
 * The term that `lead` passes to its work. The work cannot give it up while it runs: `stepDown` asks `lead` to do so when
 * the work has ended.
 */
export interface LedTerm extends Omit<Term, 'resign' | 'release' | typeof Symbol.asyncDispose> {
  /**
   * Asks for the end of this term: `signal` aborts, `lead` waits until the work has ended (for `graceMs`), gives
   * leadership up, and stands for election again after `awayMs`. Returns at once, and sends nothing. Throws TypeError or
   * RangeError for a bad option.
   */
  stepDown(options?: StepDownOptions): void
}
