// A holder learns that it has lost before the store can give its lock away, whether the server hangs or dies.
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { etcdLines } from '../../../servers/lines.ts'
import { ClientProcess } from '../../../servers/process.ts'

const ttlMs = 2_000
/** How late a timer may be on a busy machine. */
const slackMs = 150
const built = useBuild()
const nobody = new Int32Array(new SharedArrayBuffer(4))

/** The clock that all processes of a machine share. */
const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

async function lostAfter(hold: Hold, since: number): Promise<number> {
  if (!hold.signal.aborted) await once(hold.signal, 'abort')
  expect(hold.signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
  expect(hold.held).toBe(false)
  return now() - since
}

describe.for(etcdLines)('etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })

  test('when the server hangs, a holder knows that it lost before the time to live is over', async () => {
    const client = await etcd.client(freshNamespace(), { ttlMs })
    const hold = await client.mutex('a').acquire()
    const [member] = etcd.cluster.members

    const stopped = now()
    await freeze(member)
    const tookMs = await lostAfter(hold, stopped)

    expect(tookMs).toBeLessThan(ttlMs)
  })

  test('when the server is killed, a holder knows that it lost before the time to live is over', async () => {
    const client = await etcd.client(freshNamespace(), { ttlMs })
    const hold = await client.mutex('a').acquire()
    const [member] = etcd.cluster.members
    onTestFinished(() => member.restart())

    const killed = now()
    await member.kill()

    expect(await lostAfter(hold, killed)).toBeLessThan(ttlMs)
  })

  test('when the server is back soon, a holder goes on holding', async () => {
    const client = await etcd.client(freshNamespace(), { ttlMs: 4_000 })
    const hold = await client.mutex('a').acquire()
    await etcd.cluster.members[0].restart()

    const before = hold.remainingMs
    await until(async () => hold.remainingMs > before, { describe: () => 'a renewal', everyMs: 5 })

    await hold.verify()
  })

  test('a process that was stopped for longer than the time to live sees the loss on its first line', async () => {
    const namespace = freshNamespace()
    const holder = new ClientProcess(built.index, etcd.cluster.url(namespace), { ttlMs })
    await holder.hear()
    holder.say('acquire', 'a')
    await holder.hear()
    holder.say('spin', 'a', String(ttlMs - 500))
    await holder.hear()

    holder.child.kill('SIGSTOP')
    const next = await etcd.client(namespace)
    const hold = await next.mutex('a').acquire() // so the store has given the lock away
    holder.child.kill('SIGCONT')

    expect(await holder.hear()).toMatchObject({ lost: expect.any(Number), code: 'LEASEHOLD_HOLD_LOST' })
    expect(await holder.hear()).toMatchObject({ aborted: true, held: false, left: 0 })
    await hold.verify()
  })

  test('an event loop that was blocked for longer than the time to live sees the loss on the next line', async () => {
    const holder = new ClientProcess(built.index, etcd.cluster.url(freshNamespace()), { ttlMs })
    await holder.hear()
    holder.say('acquire', 'a')
    await holder.hear()

    holder.say('block', 'a', String(ttlMs))

    expect(await holder.hear()).toMatchObject({ lost: expect.any(Number) })
    expect(await holder.hear()).toMatchObject({ aborted: true, held: false, left: 0 })
  })

  test('an event loop that is blocked again and again for a short time loses nothing', async () => {
    const client = await etcd.client(freshNamespace(), { ttlMs })
    const hold = await client.mutex('a').acquire()
    const end = now() + 2 * ttlMs

    while (now() < end) {
      Atomics.wait(nobody, 0, 0, ttlMs / 10) // blocks the event loop, but leaves the core to others
      await new Promise(setImmediate)
      await until(async () => true, { describe: () => 'a moment for the others' })
    }

    expect(hold.held).toBe(true)
  })

  test('after a holder was killed the next one holds within the time to live and a second', async () => {
    const namespace = freshNamespace()
    const holder = new ClientProcess(built.index, etcd.cluster.url(namespace), { ttlMs })
    await holder.hear()
    holder.say('acquire', 'a')
    await holder.hear()
    const next = await etcd.client(namespace, { ttlMs })
    const waiting = next.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)

    const killed = now()
    holder.child.kill('SIGKILL')
    const hold = await waiting

    expect(now() - killed).toBeLessThan(ttlMs + 1_000)
    await hold.verify()
  })

  test('a waiting process that was stopped beyond its time to live stands in line again', async () => {
    const namespace = freshNamespace()
    const holder = await etcd.client(namespace)
    const hold = await holder.mutex('a').acquire()
    const waiter = new ClientProcess(built.index, etcd.cluster.url(namespace), { ttlMs })
    await waiter.hear()
    waiter.say('acquire', 'a')
    const [, claim] = await etcd.line(namespace, 'a', 2)

    waiter.child.kill('SIGSTOP')
    await etcd.line(namespace, 'a', 1)
    waiter.child.kill('SIGCONT')
    const [, again] = await etcd.line(namespace, 'a', 2)
    expect(again?.lease).not.toBe(claim?.lease)
    await hold.release()

    expect(await waiter.hear()).toMatchObject({ held: expect.any(Number) })
  })

  test.for([0.05, 0.25])(
    'the last moment counts: %s of the time to live after the last renewal',
    async (share) => {
      const client = await etcd.client(freshNamespace(), { ttlMs })
      const hold = await client.mutex('a').acquire()
      const [member] = etcd.cluster.members
      // Wait for a renewal, and then for the time to pass: the deadline must count from it.
      let left = hold.remainingMs
      await until(async () => hold.remainingMs > left || !(left = hold.remainingMs), {
        describe: () => 'a renewal',
        everyMs: 1,
      })
      const full = hold.remainingMs
      await until(async () => hold.remainingMs < full - share * ttlMs * 0.9, {
        describe: () => 'time passing',
        everyMs: 1,
      })

      const deadline = now() + hold.remainingMs
      await freeze(member)
      const stopped = now()
      await lostAfter(hold, stopped)

      expect(now()).toBeLessThan(Math.max(deadline + slackMs, stopped + ttlMs - 250 + slackMs))
    },
  )
})
