// Random sequences that a simulated server and a real one have to answer alike. Owns how many are tried, in how many lanes
// at a time, and what they are known by afterwards.
import fc from 'fast-check'
import type { RunnerTestCase } from 'vitest'
import { Digest, holdsForAll, isReplay, reportRuns, wantedLane } from '../property/draw.ts'

/** What to try. */
export interface Trial<Sequence> {
  readonly sequences: fc.Arbitrary<Sequence>
  readonly runs: number
  /** How many sequences are under way at a time; as many on each machine, since each lane draws its own. */
  readonly lanes: number
  /** Resolves with what the simulated server answered; rejects where the real one differs. */
  readonly compare: (sequence: Sequence) => Promise<string>
}

/** What one sequence may take. */
const timeout = 10_000

/**
 * Tries the sequences that belong to the seed of this run. Fails with the smallest that shows a difference, and the command
 * that replays it.
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

/** How often each kind of answer was seen: a comparison that never saw it proves nothing of it. */
export class Seen {
  readonly #counts = new Map<string, number>()

  add(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  /** Which of these were seen too seldom; none where one sequence is replayed. */
  lacking(kinds: readonly string[], least = 10): string[] {
    if (isReplay()) return []
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
