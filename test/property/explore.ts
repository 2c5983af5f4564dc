// Many runs of drawn plans against one simulated store. Owns what is done with the first that fails: it is shrunk, kept, and
// told along with how to replay it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, type RunnerTestCase } from 'vitest'
import { Digest, type Draw, drawFor, isReplay, parametersOf, replayOf, reportRuns } from './draw.ts'
import { tellViolation, type Violation } from './invariants.ts'
import { type Kind, playOf } from './kinds.ts'
import { type StoreName, stores } from './stores.ts'

/** What to explore. */
export interface Expedition<P> {
  readonly store: StoreName
  /** What the plans are for; locks, if it is not said. */
  readonly kind?: Kind
  readonly plans: fc.Arbitrary<P>
  readonly runs: number
  /** Stop after so many ms, however many runs that were: for a soak, since it makes no two runs alike. */
  readonly limitMs?: number | undefined
  /** How many smaller plans are tried when one has failed. */
  readonly shrinks?: number | undefined
}

/** What was found. */
export interface Report {
  readonly runs: number
  /** What was seen in all runs, and how often. */
  readonly marks: ReadonlyMap<string, number>
  /** Of all runs until one failed. */
  readonly digest: string
  /** The invariants that the first failing plan broke, when it was as small as could be. */
  readonly violations: readonly Violation[]
  /** The violations with the plan, its story, and how to replay it; undefined if there are none. */
  readonly failure: string | undefined
}

/**
 * Explores for one test: fails with the story of the smallest plan that breaks a property, or if some of `mustSee` was not
 * seen in any run, since runs in which nothing happens prove nothing.
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
    if (failed > shrinks) return // enough: the smallest so far will do
    const verdict = await playOf<P>(kind)(stores[store], plan)
    if (failed === 0) digest.add(verdict.digest)
    for (const [mark, count] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + count)
    if (failed > 0 || verdict.violations.length > 0) failed += 1
    if (verdict.violations.length > 0) throw new Error(verdict.violations.map(tellViolation).join('\n'))
  })
  const permits = limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }
  const details = await fc.check(property, { numRuns: runs, ...parametersOf(draw), ...permits })
  const [plan] = details.counterexample ?? []
  const replay = draw.replay(details.counterexamplePath ?? '')
  const found = plan
    ? await tell(expedition, plan, details.numRuns, replay)
    : { violations: [], failure: undefined }
  return { runs: details.numRuns, marks, digest: String(digest), ...found }
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
