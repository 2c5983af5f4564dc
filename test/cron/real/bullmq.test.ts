// The example of docs/cron.md with BullMQ, on a real Redis for its queue and a real etcd for the lock; and two workers that
// get one job, as after a stall.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../../src/index.ts'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { startEtcd } from '../../../tools/servers/run.mjs'
import { blocksOf, compileBlocks, needsRedis } from '../../documents.ts'

const run = promisify(execFile)
const blocks = blocksOf('docs/cron.md').filter(needsRedis)
let redis: Awaited<ReturnType<typeof startRedis>>
let etcd: Awaited<ReturnType<typeof startEtcd>>

beforeAll(async () => {
  ;[redis, etcd] = await Promise.all([startRedis(), startEtcd({ unsafeNoFsync: true })])
}, 120_000)
afterAll(() => Promise.all([redis?.close(), etcd?.close()]))

test('the example runs a tick, ends by itself, and warns of nothing', async () => {
  expect(blocks).toHaveLength(1)
  const programOf = compileBlocks(blocks, 'docs-redis')
  const env = { ...process.env, LEASEHOLD_URL: etcd.url('docs'), REDIS_URL: redis.url }
  for (const block of blocks) {
    const { stdout, stderr } = await run(process.execPath, [programOf(block)], { env, timeout: 20_000 })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^digest \d{4}-\d\d-\d\dT[\d:]+\.000Z \d+n$/m)
  }
}, 60_000)

test('a job that stalls is given to another worker, and its tick runs once', async () => {
  const connection = { url: redis.url }
  const clients = await Promise.all([0, 1].map(() => connect(etcd.url('stall'))))
  const ran: number[] = []
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const queue = new Queue('stall', { connection })
  const outcomes: string[] = []
  const workers = clients.map((client, index) => {
    const guard = client.cron('stall', {})
    // The first worker does not renew its lock on the job, as if it stood still.
    const settings = {
      connection,
      lockDuration: 1_000,
      lockRenewTime: 60_000,
      stalledInterval: 500,
      autorun: false,
    }
    const worker = new Worker(
      'stall',
      async (job) => {
        const options = { tick: new Date(job.timestamp), waitMs: 10_000 }
        const result = await guard.run(async () => {
          ran.push(index)
          await released
        }, options)
        const outcome = result.ran ? 'ran' : result.reason
        outcomes.push(outcome)
        if (outcome !== 'ran') release()
        return outcome
      },
      settings,
    )
    worker.on('error', () => {}) // the first one is told that the job is not its own any more
    return worker
  })
  const [first, second] = workers as [Worker, Worker]
  await queue.add('tick', {})
  void first.run()
  await expect.poll(() => ran, { timeout: 10_000 }).toEqual([0])
  void second.run()
  await expect.poll(() => outcomes.length, { timeout: 20_000 }).toBe(2)
  expect(outcomes).toEqual(['taken', 'ran'])
  expect(ran).toEqual([0])
  await Promise.all(workers.map((worker) => worker.close()))
  await queue.close()
  await Promise.all(clients.map((client) => client.close()))
}, 60_000)
