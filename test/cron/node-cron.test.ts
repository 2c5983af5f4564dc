// node-cron's own timer with this project's coordinator: two hosts, each with a client of its own, and a task every second.
import { once } from 'node:events'
import { createTask, type ScheduledTask, type TaskContext, type TaskFn } from 'node-cron'
import { afterEach, expect, test } from 'vitest'
import { runCoordinator } from '../../src/cron/node-cron.ts'
import { connect, type Leasehold } from '../../src/index.ts'
import { FaultyStore } from '../core/faulty.ts'

const tasks: ScheduledTask[] = []
const clients: Leasehold[] = []
const quiet = { info() {}, warn() {}, error() {}, debug() {} }

afterEach(async () => {
  for (const task of tasks.splice(0)) await task.destroy()
  await Promise.all(clients.splice(0).map((client) => client.close()))
})

/** One host's node-cron, which runs `job` every second if the coordinator lets it. */
async function host(store: FaultyStore, job: TaskFn, name = 'billing:report'): Promise<ScheduledTask> {
  const client = await connect(store.source)
  clients.push(client)
  const options = { name, distributed: true, runCoordinator: runCoordinator(client), logger: quiet }
  const task = createTask('* * * * * *', job, options)
  tasks.push(task)
  return task
}

/** Resolves with the context of the next such event. */
const next = (task: ScheduledTask, event: 'execution:skipped' | 'execution:finished'): Promise<TaskContext> =>
  new Promise((resolve) => task.once(event, resolve))

test('each fire runs on exactly one of two hosts, and the other one hears that it was not elected', async () => {
  const store = new FaultyStore()
  const ran: number[] = []
  const skipped: number[] = []
  const reasons = new Set<string | undefined>()
  const hosts = await Promise.all([0, 1].map(() => host(store, ({ date }) => ran.push(date.getTime()))))
  const settled = new Promise<void>((resolve) => {
    for (const task of hosts) {
      task.on('execution:skipped', ({ date, reason }) => {
        reasons.add(reason)
        if (skipped.push(date.getTime()) === 4) resolve()
      })
    }
  })
  for (const task of hosts) task.start()
  await settled
  expect([...reasons]).toEqual(['not-elected'])
  expect(new Set(ran).size).toBe(ran.length)
  expect(skipped.slice(0, 3).filter((date) => !ran.includes(date))).toEqual([])
})

test('the host holds the lock of the task while it runs, until it is complete', async () => {
  const store = new FaultyStore()
  const other = await connect(store.source)
  clients.push(other)
  const task = await host(store, () => other.line('billing:report'))
  const finished = next(task, 'execution:finished')
  task.start()
  const { execution } = await finished
  expect(execution?.result).toMatchObject([{ held: true }])
  await task.stop()
  expect((await other.mutex('billing:report').acquire({ waitMs: 5_000 })).held).toBe(true)
})

test('a task that fails is complete, and the next fire runs', async () => {
  const store = new FaultyStore()
  let runs = 0
  const task = await host(store, () => {
    runs += 1
    if (runs === 1) throw new Error('no disk')
  })
  const finished = next(task, 'execution:finished')
  task.start()
  await finished
  expect(runs).toBe(2)
})

test('two tasks of different names do not stand in one another’s way', async () => {
  const store = new FaultyStore()
  const one = await host(store, () => {}, 'one')
  const two = await host(store, () => {}, 'two')
  const both = Promise.all([next(one, 'execution:finished'), next(two, 'execution:finished')])
  one.start()
  two.start()
  await both
})

test('a store that refuses is a coordinator-error: the fire is skipped, and the next one runs', async () => {
  const store = new FaultyStore()
  const task = await host(store, () => {})
  store.faults.set('readCheckpoint', 'forbid')
  const skipped = next(task, 'execution:skipped')
  task.start()
  expect((await skipped).reason).toBe('coordinator-error')
  store.faults.clear()
  await next(task, 'execution:finished')
})

test('a lock that is lost while the task runs is a warning of the process', async () => {
  const store = new FaultyStore()
  let finish = (): void => {}
  const begun = new Promise<void>((resolve) => {
    void host(store, () => {
      resolve()
      return new Promise<void>((end) => (finish = end))
    }).then((task) => task.start())
  })
  await begun
  const warned = once(process, 'warning')
  const operator = await connect(store.source)
  const [state] = await operator.survey('billing:report')
  await operator.break('billing:report', state?.claims[0]?.token ?? 0n)
  await operator.close()
  finish()
  expect(String((await warned)[0])).toMatch(/HoldLostError|lost|removed/)
})
