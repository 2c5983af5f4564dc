// Many runs of drawn plans against one simulated store. Owns the treatment of the first failure: it is shrunk, kept,
// and reported together with its replay command.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, type RunnerTestCase } from 'vitest'
import { Digest, type Draw, drawFor, isReplay, parametersOf, replayOf, reportRuns } from './draw.ts'
import { tellViolation, type Violation } from './invariants.ts'
import { type Kind, playOf } from './kinds.ts'
import { type StoreName, stores } from './stores.ts'

/** One exploration. */
export interface Expedition<P> {
  readonly store: StoreName
  /** The kind of the plans; by default locks. */
  readonly kind?: Kind
  readonly plans: fc.Arbitrary<P>
  readonly runs: number
  /** Stop after this many ms, after any number of runs. Only for a soak, since two runs then differ. */
  readonly limitMs?: number | undefined
  /** How many smaller plans are tried after a failure. */
  readonly shrinks?: number | undefined
}

/** The result. */
export interface Report {
  readonly runs: number
  /** The states that all runs have seen, with their counts. */
  readonly marks: ReadonlyMap<string, number>
  /** The digest of all runs up to a failure. */
  readonly digest: string
  /** The invariants that the first failing plan broke, when it was as small as could be. */
  readonly violations: readonly Violation[]
  /** The violations with the plan, its story, and how to replay it; undefined if there are none. */
  readonly failure: string | undefined
}

/**
 * Explores for one test. Fails with the story of the smallest plan that breaks a property. Also fails if a state of
 * `mustSee` was in no run, since runs without events prove nothing.
 */
export async function holdsInAllRuns<P>(
  task: RunnerTestCase,
  expedition: Expedition<P>,
  mustSee: readonly string[] = [],
): Promise<void> {
  const { violations, failure, marks, runs, digest } = await explore(expedition, drawFor(task))
  reportRuns(task, runs, digest)
  expect(violations, failure).toEqual([])
  if (isReplay() || isCutShort()) return
  const unseen = mustSee.filter((state) => !marks.get(state))
  expect(unseen, `not seen in ${runs} runs; replay them: ${replayOf(task)}`).toEqual([])
}

/** Whether LEASEHOLD_RUNS asks for another number of runs, as the mutants do: a few runs need not see every state. */
function isCutShort(): boolean {
  return process.env.LEASEHOLD_RUNS !== undefined
}

/** Runs plan after plan until one fails. */
export async function explore<P>(expedition: Expedition<P>, draw: Draw): Promise<Report> {
  const { store, kind = 'locks', plans, runs, limitMs } = expedition
  const shrinks = expedition.shrinks ?? Number(process.env.LEASEHOLD_SHRINKS ?? 300)
  const marks = new Map<string, number>()
  const digest = new Digest()
  let failed = 0
  const property = fc.asyncProperty(plans, async (plan) => {
    if (failed > shrinks) return // enough: keep the smallest plan so far
    const verdict = await playOf<P>(kind)(stores[store], plan)
    if (failed === 0) digest.add(verdict.digest)
    for (const [mark, count] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + count)
    if (failed > 0 || verdict.violations.length > 0) failed += 1
    if (verdict.violations.length > 0) throw new Error(verdict.violations.map(tellViolation).join('\n'))
  })
  const permits = limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }
  const details = await withoutStacks(() =>
    fc.check(property, { numRuns: runs, ...parametersOf(draw), ...permits }),
  )
  const [plan] = details.counterexample ?? []
  const replay = draw.replay(details.counterexamplePath ?? '')
  const found = plan
    ? await tell(expedition, plan, details.numRuns, replay)
    : { violations: [], failure: undefined }
  return { runs: details.numRuns, marks, digest: String(digest), ...found }
}

/** Errors of simulated faults are many, and nobody reads their stacks, which take a twentieth of the processor time. */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return await work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Runs a plan once more, with its story; keeps it in a file. */
async function tell<P>(
  expedition: Expedition<P>,
  plan: P,
  runs: number,
  replay: string,
): Promise<Pick<Report, 'violations' | 'failure'>> {
  const { store, kind = 'locks' } = expedition
  const { violations, story, digest } = await playOf<P>(kind)(stores[store], plan, { log: true })
  const folder = join('.cache', 'failures')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${store}-${digest}.json`)
  writeFileSync(file, `${JSON.stringify({ store, kind, violations, runs, plan }, undefined, 2)}\n`)
  const failure = [
    `on ${store}:`,
    ...violations.map(tellViolation),
    story,
    `its plan, to be kept in test/property/plans/: ${file}`,
    `replay it: ${replay}`,
  ].join('\n')
  return { violations, failure }
}
