// Many runs of drawn plans against one simulated store. Owns what is done with the first that fails: it is shrunk, kept, and
// told along with how to replay it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Kind, playOf } from './kinds.ts'
import { type StoreName, stores } from './stores.ts'

/** What to explore. */
export interface Expedition<P> {
  readonly store: StoreName
  /** What the plans are for; locks, if it is not said. */
  readonly kind?: Kind
  readonly plans: fc.Arbitrary<P>
  readonly runs: number
  /** Another one each time, if it is not given. */
  readonly seed?: number | undefined
  /** Stop after so many ms, however many runs that were. */
  readonly limitMs?: number | undefined
  /** How many smaller plans are tried when one has failed. */
  readonly shrinks?: number | undefined
}

/** What was found. */
export interface Report {
  readonly runs: number
  /** What was seen in all runs, and how often. */
  readonly marks: ReadonlyMap<string, number>
  readonly seed: number
  /** What went wrong, with the plan, its story, and how to replay it; undefined if nothing did. */
  readonly failure: string | undefined
}

/** Runs plan after plan until one fails. */
export async function explore<P>(expedition: Expedition<P>): Promise<Report> {
  const {
    store,
    kind = 'locks',
    plans,
    runs,
    limitMs,
    shrinks = Number(process.env.LEASEHOLD_SHRINKS ?? 300),
    seed = Math.floor(Math.random() * 2 ** 31),
  } = expedition
  const marks = new Map<string, number>()
  let failed = 0
  const property = fc.asyncProperty(plans, async (plan) => {
    if (failed > shrinks) return // enough: the smallest so far will do
    const verdict = await playOf<P>(kind)(stores[store], plan)
    for (const [mark, count] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + count)
    if (failed > 0 || verdict.violations.length > 0) failed += 1
    if (verdict.violations.length > 0) throw new Error(verdict.violations.join('\n'))
  })
  const permits = limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }
  const details = await fc.check(property, { numRuns: runs, seed, ...permits })
  const [plan] = details.counterexample ?? []
  const failure = plan ? await tell(expedition, plan, seed, details.numRuns) : undefined
  return { runs: details.numRuns, marks, seed, failure }
}

/** Runs a plan once more, with its story; keeps it in a file. */
async function tell<P>(expedition: Expedition<P>, plan: P, seed: number, runs: number): Promise<string> {
  const { store, kind = 'locks' } = expedition
  const { violations, story, digest } = await playOf<P>(kind)(stores[store], plan, { log: true })
  const folder = join('.cache', 'failures')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${store}-${digest}.json`)
  writeFileSync(file, `${JSON.stringify({ store, kind, violations, runs, plan }, undefined, 2)}\n`)
  const replay = `LEASEHOLD_PLAN=${file} npm test -- test/property/replay.test.ts`
  return [`seed ${seed} on ${store}:`, ...violations, story, `replay it: ${replay}`].join('\n')
}
