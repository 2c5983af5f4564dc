// Many runs of drawn plans, several at a time, since they take real time. Owns the treatment of the first failure: it
// is made smaller, kept, and reported together with its replay command.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { tellViolation, type Violation } from '../invariants.ts'
import { etcdMethods } from './grpc.ts'
import { type StreamPlan, streamPlans } from './plan.ts'
import { runStreamPlan, type StreamVerdict } from './run.ts'

/** How many runs wait for their peers at a time. */
const atATime = 12

/** The result. */
export interface StreamReport {
  /** The states that all runs have seen, with their counts. */
  readonly marks: ReadonlyMap<string, number>
  /** The invariants that the first failing plan broke. */
  readonly violations: readonly Violation[]
  /** The violations with the plan and its story; undefined if there are none. */
  readonly failure: string | undefined
}

/** Runs as many plans as are drawn from this seed, until one fails. */
export async function exploreStreams(seed: number, runs: number): Promise<StreamReport> {
  const methods = etcdMethods()
  const marks = new Map<string, number>()
  const plans = fc.sample(streamPlans, { seed, numRuns: runs })
  let failed: Found | undefined
  const complaints = new Complaints()
  const worker = async (first: number): Promise<void> => {
    for (let index = first; index < plans.length && failed === undefined; index += atATime) {
      const plan = plans[index] as StreamPlan
      const verdict = await runStreamPlan(methods, plan)
      for (const [mark, count] of verdict.marks) marks.set(mark, (marks.get(mark) ?? 0) + count)
      if (verdict.violations.length > 0) failed ??= { plan, verdict, index }
    }
  }
  await Promise.all(Array.from({ length: atATime }, (_, first) => worker(first)))
  await new Promise(setImmediate) // Node reports unhandled rejections before its next macrotask
  complaints.detach()
  if (failed === undefined && complaints.violations.length === 0)
    return { marks, violations: [], failure: undefined }
  const found = failed && (await smaller(methods, seed, failed))
  const violations = [...(found?.verdict.violations ?? []), ...complaints.violations]
  return { marks, violations, failure: tell(seed, violations, found) }
}

/** Runs one plan by itself. */
export async function replayStreams(plan: StreamPlan): Promise<StreamVerdict> {
  const complaints = new Complaints()
  const verdict = await runStreamPlan(etcdMethods(), plan)
  await new Promise(setImmediate)
  complaints.detach()
  return { ...verdict, violations: [...verdict.violations, ...complaints.violations] }
}

/** Unhandled errors: in production each would end the process. */
class Complaints {
  readonly violations: Violation[] = []
  readonly #hear = (error: unknown): void => {
    const what = `nobody caught: ${error instanceof Error ? error.stack : String(error)}`
    this.violations.push({ invariant: 'no-stray-error', what })
  }

  constructor() {
    process.on('uncaughtException', this.#hear).on('unhandledRejection', this.#hear)
  }

  detach(): void {
    process.off('uncaughtException', this.#hear).off('unhandledRejection', this.#hear)
  }
}

interface Found {
  readonly plan: StreamPlan
  readonly verdict: StreamVerdict
  readonly index: number
}

/**
 * The smallest of some tried plans that still fails. The original one if none fails again, since runs take real time.
 */
async function smaller(methods: ReturnType<typeof etcdMethods>, seed: number, first: Found): Promise<Found> {
  const { index } = first
  let found = first
  let tries = Number(process.env.LEASEHOLD_SHRINKS ?? 100) + 1
  const property = fc.asyncProperty(streamPlans, async (plan) => {
    tries -= 1
    if (tries < 0) return
    const verdict = await runStreamPlan(methods, plan)
    if (verdict.violations.length === 0) return
    found = { plan, verdict, index }
    throw new Error(verdict.violations[0]?.what)
  })
  await fc.check(property, { seed, path: String(index), numRuns: 1 })
  return found
}

function tell(seed: number, violations: readonly Violation[], found: Found | undefined): string {
  const folder = join('.cache', 'failures')
  const file = join(folder, `streams-${seed}-${found?.index ?? 'any'}.json`)
  const kept = {
    store: 'streams',
    kind: 'streams',
    violations,
    runs: found && found.index + 1,
    plan: found?.plan,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`)
  const replay = found ? `replay it: LEASEHOLD_STREAM_PLAN=${file} npm test -- test/property/streams` : ''
  return [`seed ${seed}:`, ...violations.map(tellViolation), found?.verdict.story ?? '', replay].join('\n')
}
