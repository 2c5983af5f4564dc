// Random sequences that a simulated server and a real one have to answer alike. Owns how many are tried, in how many lanes
// at a time, and how a failure is repeated.
import fc from 'fast-check'

/** What to try. */
export interface Trial<Sequence> {
  readonly sequences: fc.Arbitrary<Sequence>
  readonly runs: number
  /** How many sequences are under way at a time. */
  readonly lanes?: number
  /** Rejects where the two servers differ. */
  readonly compare: (sequence: Sequence) => Promise<void>
}

/** For one sequence, and for all, with the search for a smaller one once one has failed. */
const scope = { timeout: 10_000, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true }

/**
 * Tries fresh sequences, and fails with the smallest that shows a difference, its seed and its path. To repeat a failure
 * set LEASEHOLD_SEED to the seed, which also makes one lane of all: the first sequences are those that failed.
 */
export async function tryAll<Sequence>(trial: Trial<Sequence>): Promise<void> {
  const given = process.env.LEASEHOLD_SEED
  const lanes = given ? 1 : (trial.lanes ?? 1)
  const first = given ? Number(given) : Math.floor(Math.random() * 2 ** 30)
  const property = fc.asyncProperty(trial.sequences, trial.compare)
  const numRuns = Math.ceil(trial.runs / lanes)
  const tried = Array.from({ length: lanes }, (_, lane) =>
    fc.check(property, { ...scope, numRuns, seed: first + lane }),
  )
  const failed = (await Promise.all(tried)).find((details) => details.failed)
  if (failed) throw new Error(await fc.asyncDefaultReportMessage(failed), { cause: failed.errorInstance })
}

/** How often each kind of answer was seen: a comparison that never saw it proves nothing of it. */
export class Seen {
  readonly #counts = new Map<string, number>()

  add(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  /** Which of these were seen too seldom. */
  lacking(kinds: readonly string[], least = 10): string[] {
    return kinds.filter((kind) => (this.#counts.get(kind) ?? 0) < least)
  }
}

/** An answer, or the kind of its error: all that Leasehold goes by. */
export async function answerOf<T>(ask: () => Promise<T>): Promise<T | { readonly error: string }> {
  try {
    return await ask()
  } catch (error) {
    return { error: (error as Error).name }
  }
}
