// Turns one number into all plans and sequences that the tests try, so that two runs of one commit try the same. Owns
// the seed of each test, the command that replays one case, and the digest that two runs compare.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { RunnerTestCase } from 'vitest'
import { currentSeed } from './seed.mjs'

declare module 'vitest' {
  interface TaskMeta {
    /** The counts that tools/tally.mjs sums over all tests. */
    simulated?: { readonly runs: number; readonly digest: string }
  }
}

/** The origin of a test's cases. */
export interface Draw {
  /** The seed for fast-check. */
  readonly seed: number
  /** The only wanted case, as fast-check's path to it. Undefined if all are wanted. */
  readonly only: string | undefined
  /** The command that runs only the case with this path again, on any machine with this commit. */
  readonly replay: (path: string) => string
}

/**
 * The draw of a test: different for each title, and the same in every run with the same seed. A test that draws in
 * several lanes at once numbers them. `only` is then undefined unless the wanted case is in this lane, see
 * `wantedLane`.
 */
export function drawFor(task: RunnerTestCase, lane?: number): Draw {
  const title = titleOf(task)
  const prefix = lane === undefined ? '' : `${lane}/`
  const { LEASEHOLD_CASE: wanted } = process.env
  const options = (path: string): string => `--seed ${currentSeed()} --case ${prefix}${path}`
  return {
    seed: seedFrom(currentSeed(), title, prefix),
    only: wanted?.startsWith(prefix) ? wanted.slice(prefix.length) : undefined,
    replay: (path) => `npm test -- ${options(path)} ${selecting(task, title)}`,
  }
}

/** The command that runs a whole test again with the seed of this run. */
export function replayOf(task: RunnerTestCase): string {
  return `npm test -- --seed ${currentSeed()} ${selecting(task, titleOf(task))}`
}

/** Whether one case is replayed. Then it is pointless to check which states all cases have seen. */
export function isReplay(): boolean {
  return process.env.LEASEHOLD_CASE !== undefined
}

/** The lane of the wanted case; undefined when all lanes are wanted. */
export function wantedLane(): number | undefined {
  const { LEASEHOLD_CASE: wanted } = process.env
  return wanted === undefined ? undefined : Number.parseInt(wanted, 10)
}

/** A seed for one purpose, from the seed of the run. */
export function seedFrom(seed: number, ...purpose: readonly string[]): number {
  const hash = createHash('sha256').update(JSON.stringify([seed, ...purpose]))
  return hash.digest().readUInt32BE() >>> 1
}

/** The draw as parameters of fast-check. If one case is wanted, they override `numRuns` of the caller. */
export function parametersOf({
  seed,
  only,
}: Draw): Pick<fc.Parameters, 'seed' | 'path' | 'numRuns' | 'endOnFailure'> {
  return only === undefined ? { seed } : { seed, path: only, numRuns: 1, endOnFailure: true }
}

/** The search for a smaller case ends before the test's own limit. Trying fewer values than asked for is a failure. */
const tooLong = { interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true }

/**
 * Tries a property on `numRuns` drawn values. Throws with the smallest value that breaks it, and the command that
 * replays it. With `timeout`, a value that takes longer, in ms, also breaks it.
 */
export async function holdsForAll<Ts>(
  task: RunnerTestCase,
  property: fc.IRawProperty<Ts>,
  { lane, ...scope }: { numRuns?: number; timeout?: number; lane?: number } = {},
): Promise<void> {
  const draw = drawFor(task, lane)
  const details = await fc.check(property, { ...scope, ...tooLong, ...parametersOf(draw) })
  if (!details.failed) return
  const report = await fc.asyncDefaultReportMessage(details)
  const path = details.counterexamplePath
  const replay = path === null ? replayOf(task) : draw.replay(path)
  throw new Error(`${report}\nreplay it: ${replay}`, { cause: details.errorInstance })
}

/** The digest of many runs: the hashes of the runs in the order in which they were drawn. */
export class Digest {
  readonly #hash = createHash('sha256')
  runs = 0

  /** Adds one run, by data that is the same in every repetition. */
  add(trace: string): void {
    this.runs += 1
    this.#hash.update(`${trace}\n`)
  }

  toString(): string {
    return this.#hash.copy().digest('hex').slice(0, 16)
  }
}

/** Gives the digest of a test's runs to the reporter. Call it once in a test. */
export function reportRuns(task: RunnerTestCase, runs: number, digest: string): void {
  task.meta.simulated = { runs, digest }
}

/** The title as vitest's -t sees it. */
function titleOf(task: RunnerTestCase): string {
  const names = [task.name]
  for (let { suite } = task; suite; suite = suite.suite) names.unshift(suite.name)
  return names.join(' ')
}

/** The arguments that choose just this test, for a shell. */
function selecting({ file }: RunnerTestCase, title: string): string {
  const pattern = `^${title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`
  return `${file.name} -t '${pattern.replaceAll("'", "'\\''")}'`
}
