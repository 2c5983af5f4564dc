// The promises that every store keeps, as a suite for any backend: tested through the public API if users can see a
// promise, otherwise through the contract. Owns how a case runs; each other file has the cases about one theme. The facts
// of a store are the only parameters: no backend gets cases of its own.

import { systemClock } from '../../base/clock.ts'
import type { BackendSource, Facts } from '../../contract.ts'
import type { Draft } from './case.ts'
import { checkpoints } from './checkpoints.ts'
import { contract } from './contract.ts'
import { elections } from './elections.ts'
import { givingUp } from './giving-up.ts'
import { groups } from './groups.ts'
import { handoff } from './handoff.ts'
import { holding } from './holding.ts'
import { keeping } from './keeping.ts'
import { losing } from './losing.ts'
import { names } from './names.ts'
import { operator } from './operator.ts'
import { order } from './order.ts'
import { overtaking } from './overtaking.ts'
import { replacing } from './replacing.ts'
import { sessions } from './sessions.ts'
import { shapes } from './shapes.ts'
import { Stage } from './stage.ts'
import { slackMs } from './timing.ts'
import { unanswered } from './unanswered.ts'
import { within } from './wait.ts'

/** One promise of the contract, and a check whether a backend keeps it. */
export interface ConformanceCase {
  /** The promise, in words. Unique within the suite. */
  readonly title: string
  /** The time limit of `run`, in ms, for the test runner. Sound backends take far less. */
  readonly withinMs: number
  /**
   * Resolves if the backend kept the promise. If not, rejects with an AssertionError that says what was seen. A case has
   * its own names, which no other case uses, and its own clients. It settles within `withinMs` even if the backend hangs.
   */
  run(): Promise<void>
}

const drafts: readonly Draft[] = [
  ...order,
  ...names,
  ...givingUp,
  ...holding,
  ...losing,
  ...checkpoints,
  ...sessions,
  ...elections,
  ...contract,
  ...unanswered,
  ...operator,
  ...overtaking,
  ...shapes,
  ...keeping,
  ...groups,
  ...replacing,
  ...handoff,
]
const closingMs = 10_000

/**
 * The conformance suite for a backend, as cases for any test runner. Every client that the source opens must see the
 * same locks. Opens the store once, reads its facts, and closes it again. Rejects as `source.open` does.
 * The cases share only the store: run some or all of them in any order, one at a time. Give them a namespace of their
 * own, since a few use names like `..` and `%2f`.
 *
 * With node:test:
 *
 *     import { test } from 'node:test'
 *     import { backendConformance } from 'leasehold/testing'
 *     for (const { title, withinMs, run } of await backendConformance(source)) {
 *       test(title, { timeout: withinMs }, run)
 *     }
 *
 * With vitest:
 *
 *     import { test } from 'vitest'
 *     import { backendConformance } from 'leasehold/testing'
 *     for (const { title, withinMs, run } of await backendConformance(source)) {
 *       test(title, run, withinMs)
 *     }
 *
 * A case also says what must not have happened yet, and by when something must: a waiter has to learn of a change within
 * 5 s, and of a session that was not renewed within twice its time to live, the lock-delay and 5 s. No case compares the
 * words of an error, only its class.
 *
 * Some facts cannot be seen from within one process, so write your own tests for them: that locks are free when a
 * process dies (`facts.freesOnCrash`), and what happens while the store is down or cut off.
 */
export async function backendConformance(source: BackendSource): Promise<ConformanceCase[]> {
  const backend = await source.open(systemClock())
  const { facts } = backend
  await backend.close()
  return drafts.map((draft) => caseOf(source, draft, facts))
}

function caseOf(source: BackendSource, draft: Draft, facts: Facts): ConformanceCase {
  const limitMs = slackMs + (draft.takesMs?.(facts) ?? 0)
  return {
    title: draft.title,
    withinMs: limitMs + 2 * closingMs,
    run: () => play(source, draft, limitMs),
  }
}

async function play(source: BackendSource, { title, run }: Draft, limitMs: number): Promise<void> {
  const clock = systemClock()
  const stage = await within(clock, closingMs / 2, 'opening the store', Stage.open(source))
  const close = (): Promise<void> => within(clock, closingMs, 'closing the store', stage.close())
  try {
    await within(clock, limitMs, `"${title}"`, run(stage))
  } catch (error) {
    await close().catch(() => {}) // the first failure says more
    throw error
  }
  await close()
}
