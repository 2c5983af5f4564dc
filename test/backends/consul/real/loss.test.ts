// A holder learns that it has lost before Consul can give its lock away, whatever hangs or dies; and Consul gives it
// away after twice the time to live, not before.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { useBuild } from '../../../servers/build.ts'
import { type TestConsul, useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { moments } from '../../../servers/moments.ts'
import { ClientProcess } from '../../../servers/process.ts'

const store: TestConsul = useConsul()
/** The shortest that Consul takes, and how much earlier a client gives up. */
const [ttlMs, marginMs] = [10_000, 1_000]
/** How late a timer may be on a busy machine. */
const slackMs = 150
const built = useBuild()
let undelayed = ''

/** A URL does not say how long a lock-delay is, so the processes here have a `connect` that wants none. */
beforeAll(async () => {
  undelayed = join(dirname(built.index), 'undelayed.mjs')
  const code = `
    import { connect as open } from './index.js'
    import { consul } from './backends/consul/index.js'
    export function connect(url, options) {
      const [, endpoints, namespace] = /^consul:..([^/]*).(.*)/.exec(url)
      return open(consul({ endpoints: endpoints.split(','), namespace, lockDelayMs: 0, unsafeTwoMayHold: true }), options)
    }`
  await writeFile(undelayed, code)
})

/** The clock that all processes of a machine share. */
const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000

async function lostAfter(hold: Hold, since: number): Promise<number> {
  if (!hold.signal.aborted) await once(hold.signal, 'abort')
  expect(hold.signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
  expect(hold.held).toBe(false)
  return now() - since
}

/** Resolves right after a renewal. */
async function renewal(hold: Hold): Promise<void> {
  let left = hold.remainingMs
  const look = (): void => {
    const before = left
    left = hold.remainingMs
    expect(left).toBeGreaterThan(before)
  }
  await vi.waitFor(look, { timeout: ttlMs, interval: 2 })
}

async function held(child: ClientProcess, name: string): Promise<bigint> {
  await child.hear()
  child.say('acquire', name)
  return BigInt(String((await child.hear()).token))
}

test.for(['hangs', 'is killed'] as const)(
  'when Consul %s, a holder knows that it lost before the time to live is over',
  async (mishap) => {
    const client = await store.client(freshNamespace(), { ttlMs, lockDelayMs: 0, unsafeTwoMayHold: true })
    const hold = await client.mutex('a').acquire()
    const [member] = store.cluster.members
    if (mishap === 'hangs') await renewal(hold)
    const deadline = now() + hold.remainingMs
    if (mishap === 'hangs') await freeze(member)
    else await member.kill()
    onTestFinished(() => (mishap === 'hangs' ? member.cont() : member.restart()))

    const tookMs = await lostAfter(hold, now())

    expect(tookMs).toBeLessThan(ttlMs - marginMs + slackMs)
    expect(now()).toBeGreaterThan(deadline - 5)
    expect(now()).toBeLessThan(deadline + slackMs)
    if (mishap === 'is killed') return
    // Its session ends as soon as Consul gets the request, not after twice the time to live.
    member.cont()
    const again = await client.mutex('a').acquire({ waitMs: ttlMs / 2 })
    await again.verify()
    expect(again.token).toBeGreaterThan(hold.token)
  },
)

test('when Consul hangs for less than that, a holder goes on holding', async () => {
  const client = await store.client(freshNamespace(), { ttlMs })
  const hold = await client.mutex('a').acquire()
  const [member] = store.cluster.members
  await freeze(member)
  await moments.milliseconds(0.7 * ttlMs) // so that a renewal fails, and has to be sent again
  const left = hold.remainingMs
  member.cont()

  await vi.waitFor(() => expect(hold.remainingMs).toBeGreaterThan(left), { timeout: ttlMs, interval: 5 })

  await hold.verify()
  await hold.release()
})

test.for([1, 2])(
  'when Consul is killed and comes back, holders hold on and waiters get their turn (%d holders)',
  async (permits) => {
    const namespace = freshNamespace()
    const clients = await Promise.all([1, 2, 3].map(() => store.client(namespace, { ttlMs })))
    const locks = clients.map((client) => client.semaphore('a', { permits: permits }))
    const holds = await Promise.all(Array.from({ length: permits }, () => locks[0]?.acquire()))
    const waiting = locks.slice(1).map(async (lock) => {
      const hold = await lock.acquire()
      await hold.verify()
      await hold.release()
      return hold.token
    })
    await store.line(namespace, 'a', 2)

    await store.cluster.members[0].restart()
    for (const hold of holds) await hold?.verify()
    await Promise.all(holds.map((hold) => hold?.release()))

    const first = holds.map((hold) => hold?.token ?? 0n).reduce((one, other) => (one > other ? one : other))
    for (const token of await Promise.all(waiting)) expect(token).toBeGreaterThan(first)
    await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]), {
      timeout: 10_000,
      interval: 10,
    })
  },
)

test('a process that is stopped or killed is followed after twice the time to live, and sees it on its first line', async () => {
  const namespace = freshNamespace()
  const start = (): ClientProcess => new ClientProcess(undelayed, store.url(namespace), { ttlMs })
  const [stopped, killed] = [start(), start()]
  const tokens = await Promise.all([held(stopped, 'a'), held(killed, 'b')])
  const next = await store.client(namespace, { ttlMs })
  stopped.say('spin', 'a', String(ttlMs - 500))
  await stopped.hear()
  const waiting = ['a', 'b'].map((name) => next.mutex(name).acquire())
  await store.line(namespace, 'a', 1)
  await store.line(namespace, 'b', 1)

  const harmed = now()
  stopped.child.kill('SIGSTOP')
  killed.child.kill('SIGKILL')
  const holds = await Promise.all(waiting)
  const tookMs = now() - harmed
  stopped.child.kill('SIGCONT')

  expect(tookMs).toBeGreaterThan(ttlMs)
  expect(tookMs).toBeLessThan(2 * ttlMs + 2_000)
  expect(await stopped.hear()).toMatchObject({ lost: expect.any(Number), code: 'LEASEHOLD_HOLD_LOST' })
  expect(await stopped.hear()).toMatchObject({ aborted: true, held: false, left: 0 })
  for (const [index, hold] of holds.entries()) {
    await hold.verify()
    expect(hold.token).toBeGreaterThan(tokens[index] as bigint)
  }
})

test('an event loop that was blocked for longer than the time to live sees it on the next line', async () => {
  const holder = new ClientProcess(undelayed, store.url(freshNamespace()), { ttlMs })
  await held(holder, 'a')

  holder.say('block', 'a', String(ttlMs))

  expect(await holder.hear()).toMatchObject({ lost: expect.any(Number) })
  expect(await holder.hear()).toMatchObject({ aborted: true, held: false, left: 0 })
})

test('of a client with several permits, the session of one ending costs that one alone', async () => {
  const namespace = freshNamespace()
  const [client, other] = [await store.client(namespace, { ttlMs }), await store.client(namespace, { ttlMs })]
  const pool = client.semaphore('a', { permits: 3 })
  const mutex = await client.mutex('b').acquire()
  const [first, second, third] = [await pool.acquire(), await pool.acquire(), await pool.acquire()]
  const waiting = other.semaphore('a', { permits: 3 }).acquire()
  await store.line(namespace, 'a', 1)
  const slots = (await store.keys(`${namespace}a/`)).filter(({ Key, Session = '' }) =>
    Key.endsWith(`/${Session}`),
  )
  const own = slots.find(({ CreateIndex }) => BigInt(CreateIndex) === second.token)

  const began = now()
  await store.destroy(own?.Session ?? '')
  const tookMs = await lostAfter(second, began)

  expect(tookMs).toBeLessThan(ttlMs / 2)
  const next = await waiting
  for (const hold of [first, third, mutex, next]) await hold.verify()
  expect(next.token).toBeGreaterThan(third.token)
  // The client lives on: it is renewed, and takes permits.
  await renewal(first)
  await first.release()
  await (await pool.acquire()).release()
  await mutex.verify()
})

test("of a client with several permits, the client's session ending costs all of them", async () => {
  const namespace = freshNamespace()
  const client = await store.client(namespace, { ttlMs })
  const pool = client.semaphore('a', { permits: 2 })
  const holds = [await pool.acquire(), await pool.acquire()]
  const keys = await store.keys(`${namespace}a/`)
  const slots = keys.filter(({ Key, Session = '' }) => Key.endsWith(`/${Session}`))
  const first = slots.find(({ CreateIndex }) => BigInt(CreateIndex) === holds[0]?.token)

  const began = now()
  await store.destroy(first?.Session ?? '')

  const tookMs = await Promise.all(holds.map((hold) => lostAfter(hold, began)))
  expect(Math.max(...tookMs)).toBeLessThan(ttlMs / 2)
  const again = await pool.acquire()
  await again.verify()
})
