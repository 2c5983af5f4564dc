// Plans that failed once run every time, and LEASEHOLD_PLAN replays one with its story.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CronPlan } from './cron/plan.ts'
import { runCronPlan } from './cron/run.ts'
import { type Kind, playOf } from './kinds.ts'
import type { Plan } from './locks/plan.ts'
import { runPlan } from './locks/run.ts'
import { type StoreName, stores } from './stores.ts'

const folder = join('test', 'property', 'plans')
const kept = existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : []
const { LEASEHOLD_PLAN: wanted } = process.env
const files = wanted ? [wanted] : kept

interface Kept {
  readonly store: StoreName
  readonly kind?: Kind
  readonly plan: unknown
}

test.each(files)('a plan that failed once holds: %s', async (file) => {
  const { store, kind = 'locks', plan }: Kept = JSON.parse(readFileSync(file, 'utf8'))
  const { violations, story } = await playOf(kind)(stores[store], plan, { log: true })
  if (wanted) process.stdout.write(story)
  expect(violations).toEqual([])
})

test('one plan gives the same run, event by event, every time', async () => {
  const jobs = Array.from({ length: 8 }, (_, index) => ({
    process: index,
    atMs: 500 * index,
    name: 0,
    workMs: 700,
    patience: 'wait' as const,
    checkpoint: true,
  }))
  const troubles = [
    { kind: 'storm' as const, atMs: 1_000, process: 0, forMs: 4_000 },
    { kind: 'freeze' as const, atMs: 2_000, process: 1, forMs: 8_000 },
  ]
  const plan: Plan = { seed: 7, processes: 4, permits: 1, drift: [1, -2, 30, -40], jobs, troubles }
  for (const store of Object.keys(stores) as StoreName[]) {
    const [one, other] = [await runPlan(stores[store], plan), await runPlan(stores[store], plan)]
    expect(other.digest).toBe(one.digest)
    expect((await runPlan(stores[store], { ...plan, seed: 8 })).digest).not.toBe(one.digest)
  }
})

test('an error that names the machine and process of a host gives the same run in any process', async () => {
  const plan: CronPlan = {
    ...{ seed: 7, skewsMs: [0, 0], wrongMs: -3_652 * 86_400_000, minutes: 3, every: 1, jobMs: 10 },
    ...{ retry: false, catchUp: false, troubles: [] },
  }
  const { story } = await runCronPlan(stores.etcd, plan, { log: true })
  expect(story).toContain('ClockError: "n0": the tick')
  expect(story).toContain('taken by somebody when')
  expect(story).not.toContain(`pid ${process.pid}`)
})
