// Many runs of drawn plans against one simulated store. Owns the treatment of the first failure: it is shrunk, kept,
// and reported together with its replay command.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, type RunnerTestCase } from 'vitest'
import { Digest, type Draw, drawFor, isReplay, parametersOf, replayOf, reportRuns } from './draw.ts'
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
  /** The failure, with the plan, its story and its replay command. Undefined if nothing failed. */
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
  const { failure, marks, runs, digest } = await explore(expedition, drawFor(task))
  reportRuns(task, runs, digest)
  expect(failure ?? 'nothing failed').toBe('nothing failed')
  if (isReplay()) return
  const unseen = mustSee.filter((state) => !marks.get(state))
  expect(unseen, `not seen in ${runs} runs; replay them: ${replayOf(task)}`).toEqual([])
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
    if (verdict.violations.length > 0) throw new Error(verdict.violations.join('\n'))
  })
  const permits = limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }
  const details = await fc.check(property, { numRuns: runs, ...parametersOf(draw), ...permits })
  const [plan] = details.counterexample ?? []
  const replay = draw.replay(details.counterexamplePath ?? '')
  const failure = plan ? await tell(expedition, plan, details.numRuns, replay) : undefined
  return { runs: details.numRuns, marks, digest: String(digest), failure }
}

/** Runs a plan once more, with its story; keeps it in a file. */
async function tell<P>(expedition: Expedition<P>, plan: P, runs: number, replay: string): Promise<string> {
  const { store, kind = 'locks' } = expedition
  const { violations, story, digest } = await playOf<P>(kind)(stores[store], plan, { log: true })
  const folder = join('.cache', 'failures')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${store}-${digest}.json`)
  writeFileSync(file, `${JSON.stringify({ store, kind, violations, runs, plan }, undefined, 2)}\n`)
  return [
    `on ${store}:`,
    ...violations,
    story,
    `its plan, to be kept in test/property/plans/: ${file}`,
    `replay it: ${replay}`,
  ].join('\n')
}
