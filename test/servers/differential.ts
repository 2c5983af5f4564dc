// Random sequences that a simulated server and a real one must answer alike. Owns how many are tried, in how many
// lanes at a time, and the digest of all of them.
import fc from 'fast-check'
import type { RunnerTestCase } from 'vitest'
import { Digest, holdsForAll, isReplay, reportRuns, wantedLane } from '../property/draw.ts'

/** One comparison. */
export interface Trial<Sequence> {
  readonly sequences: fc.Arbitrary<Sequence>
  readonly runs: number
  /** How many sequences run at a time. The number is the same on every machine, since each lane draws for itself. */
  readonly lanes: number
  /** Resolves with the answers of the simulated server. Rejects if the real one differs. */
  readonly compare: (sequence: Sequence) => Promise<string>
}

/** The time limit of one sequence. */
const timeout = 10_000

/**
 * Tries the sequences of this run's seed. Fails with the smallest one that shows a difference, and the command that
 * replays it.
 */
export async function tryAll<Sequence>(task: RunnerTestCase, trial: Trial<Sequence>): Promise<void> {
  const lanes = Array.from({ length: trial.lanes }, (_, lane) => lane)
  const wanted = wantedLane()
  const numRuns = Math.ceil(trial.runs / trial.lanes)
  const digests = lanes.map(() => new Digest())
  const tryLane = (lane: number): Promise<void> => {
    const property = fc.asyncProperty(trial.sequences, async (sequence) => {
      digests[lane]?.add(await trial.compare(sequence))
    })
    return holdsForAll(task, property, { lane, numRuns, timeout })
  }
  await Promise.all(lanes.filter((lane) => lane === (wanted ?? lane)).map(tryLane))
  const all = new Digest()
  for (const digest of digests) all.add(String(digest))
  reportRuns(task, numRuns * trial.lanes, String(all))
}

/** The count of each kind of answer: a comparison that never saw a kind proves nothing about it. */
export class Seen {
  readonly #counts = new Map<string, number>()

  add(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  /** The kinds that were seen too seldom. None if one sequence is replayed. */
  lacking(kinds: readonly string[], least = 10): string[] {
    if (isReplay()) return []
    return kinds.filter((kind) => (this.#counts.get(kind) ?? 0) < least)
  }
}

/** An answer, or the kind of its error: the parts that Leasehold uses. */
export async function answerOf<T>(ask: () => Promise<T>): Promise<T | { readonly error: string }> {
  try {
    return await ask()
  } catch (error) {
    return { error: (error as Error).name }
  }
}
