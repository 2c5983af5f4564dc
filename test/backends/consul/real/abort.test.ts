// An acquire that is given up, at whatever moment: it leaves no key, no session, no lock-delay and nobody blocked
// behind it. So does close.
import { beforeEach, expect, test, vi } from 'vitest'
import { consul } from '../../../../src/backends/consul/index.ts'
import { connect, type Leasehold } from '../../../../src/index.ts'
import { useBuild } from '../../../servers/build.ts'
import { type TestConsul, useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { moments } from '../../../servers/moments.ts'
import { ClientProcess } from '../../../servers/process.ts'

const store: TestConsul = useConsul()
const gone = new Error('given up')
const built = useBuild()

/** Closes the clients of a name space and expects that nothing of them is left. */
async function expectNothingLeft(namespace: string, ...clients: Leasehold[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()))
  expect(await store.names(namespace)).toEqual([])
  expect(await sessions()).toEqual([])
}

const earlier = new Set<string>()
beforeEach(async () => {
  for (const { ID } of await store.sessions()) earlier.add(ID)
})

/** The sessions that were created since the test began. */
async function sessions(): Promise<string[]> {
  const ids = (await store.sessions()).map(({ ID }) => ID)
  return ids.filter((id) => !earlier.has(id))
}

function three(namespace: string): Promise<[Leasehold, Leasehold, Leasehold]> {
  const client = (): Promise<Leasehold> => store.client(namespace)
  return Promise.all([client(), client(), client()])
}

const after = [
  ...Array.from({ length: 30 }, (_, n) => ['microtasks', n] as const),
  ...Array.from({ length: 20 }, (_, n) => ['macrotasks', n] as const),
  ...[0, 1, 2, 3, 4, 5, 7, 10, 15, 25].map((n) => ['milliseconds', n] as const),
]
const verbs = ['acquire', 'tryAcquire'] as const
const locks = {
  mutex: { permits: 1, lockOf: (client: Leasehold) => client.mutex('a') },
  semaphore: { permits: 2, lockOf: (client: Leasehold) => client.semaphore('a', { permits: 2 }) },
}
const kinds = Object.entries(locks)
const both = kinds.flatMap(([kind, lock]) => verbs.map((verb) => ({ kind, verb, ...lock })))

test.for(both)('a $verb of a free $kind that is aborted at any moment leaves nothing', async (asked) => {
  const { verb, lockOf } = asked
  const namespace = freshNamespace()
  const [client, other] = await three(namespace)
  for (const [unit, n] of after) {
    const abort = new AbortController()
    const given = lockOf(client)[verb]({ signal: abort.signal })
    await moments[unit](n)
    abort.abort(gone)
    const outcome = await given.catch((error: unknown) => error)
    if (outcome !== gone) expect(outcome, `${n} ${unit}`).toMatchObject({ held: true })
    if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
    // The aborted calls block nobody, neither elsewhere nor here.
    for (const each of [other, client]) await (await lockOf(each).acquire({ waitMs: 4_000 })).release()
  }
  await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]))
})

test.for(kinds)(
  'an acquire of a %s that waits and is aborted at any moment leaves the line',
  async (kind) => {
    const [, { permits, lockOf }] = kind
    const namespace = freshNamespace()
    const [holder, quitter, behind] = await three(namespace)
    const holds = [await lockOf(holder).acquire()]
    if (permits === 2) holds.push(await lockOf(holder).acquire())
    for (const [unit, n] of after) {
      const abort = new AbortController()
      const asked = lockOf(quitter).acquire({ signal: abort.signal })
      await moments[unit](n)
      abort.abort(gone)
      await expect(asked).rejects.toBe(gone)
    }
    const waiting = lockOf(behind).acquire()
    await store.line(namespace, 'a', 1)
    await holds[0]?.release()

    await (await waiting).verify()
    await expectNothingLeft(namespace, holder, quitter, behind)
  },
)

test.for(kinds)('an acquire of a %s that is aborted while it is handed over gives it on', async (kind) => {
  const [, { permits, lockOf }] = kind
  const namespace = freshNamespace()
  const [holder, quitter, behind] = await three(namespace)
  const rest = permits === 2 ? await lockOf(holder).acquire() : undefined
  for (const [unit, n] of after.filter(([unit]) => unit !== 'microtasks')) {
    const hold = await lockOf(holder).acquire()
    const abort = new AbortController()
    const asked = lockOf(quitter)
      .acquire({ signal: abort.signal })
      .catch((error: unknown) => error)
    await store.line(namespace, 'a', 1)
    const waiting = lockOf(behind).acquire()
    await store.line(namespace, 'a', 2)
    const released = hold.release()
    await moments[unit](n)
    abort.abort(gone)
    const outcome = await asked
    if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
    await Promise.all([released, waiting.then((next) => next.release())])
  }
  await rest?.release()
  await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]))
  await expectNothingLeft(namespace, holder, quitter, behind)
})

test('a second permit that is given up while it is asked for leaves no session behind', async () => {
  const namespace = freshNamespace()
  const client = await store.client(namespace)
  const pool = client.semaphore('a', { permits: 3 })
  const first = await pool.acquire()
  for (const [unit, n] of after) {
    const abort = new AbortController()
    const asked = pool.acquire({ signal: abort.signal })
    await moments[unit](n)
    abort.abort(gone)
    const outcome = await asked.catch((error: unknown) => error)
    if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
  }
  await vi.waitFor(async () => expect(await sessions()).toHaveLength(1))
  await first.verify()
})

test('an acquire that is not served in time names the holder, and leaves the line', async () => {
  const namespace = freshNamespace()
  const [holder, waiter, other] = await three(namespace)
  await holder.mutex('a').acquire()

  const error = await waiter
    .mutex('a')
    .acquire({ waitMs: 1_000 }) // within which the store has to answer, however busy the machine is
    .catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
  expect((error as Error).message).toContain(`pid ${process.pid}`)
  await store.line(namespace, 'a', 0)
  await expectNothingLeft(namespace, holder, waiter, other)
})

test.for(kinds)('close rejects what waits for a %s, and leaves nothing', async (kind) => {
  const [, { permits, lockOf }] = kind
  const namespace = freshNamespace()
  const [holder, waiter, other] = await three(namespace)
  const holds = [await lockOf(holder).acquire()]
  if (permits === 2) holds.push(await lockOf(holder).acquire())
  const waiting = [1, 2, 3].map(() =>
    lockOf(waiter)
      .acquire()
      .catch((error: Error) => error.name),
  )
  await store.line(namespace, 'a', permits)

  await waiter.close()

  expect(await Promise.all(waiting)).toEqual(['ClosedError', 'ClosedError', 'ClosedError'])
  expect((await store.names(namespace)).filter((key) => key.includes('/.line'))).toEqual([])
  await expect(lockOf(waiter).acquire()).rejects.toThrow('closed')
  await Promise.all(holds.map((hold) => hold.release()))
  await expectNothingLeft(namespace, holder, other)
})

test.for(kinds)(
  'close at any moment of an acquire of a %s leaves it free for others at once',
  async (kind) => {
    const [, { lockOf }] = kind
    const namespace = freshNamespace()
    const other = await store.client(namespace)
    for (const [unit, n] of after) {
      const client = await connect(consul({ endpoints: store.endpoints, namespace }))
      const asked = lockOf(client)
        .acquire()
        .catch((error: Error) => error.name)
      await moments[unit](n)
      await client.close()
      const outcome = await asked
      if (outcome !== 'ClosedError') expect(outcome, `${n} ${unit}`).toMatchObject({ held: false })
      expect(await store.names(namespace), `${n} ${unit}`).toEqual([])
      expect(await sessions(), `${n} ${unit}`).toHaveLength(1)
      const next = await lockOf(other).tryAcquire()
      expect(next, `free after close, ${n} ${unit}`).toBeDefined()
      await next?.release()
    }
  },
)

test('close at any moment of a hold leaves its lock free for others at once', async () => {
  const namespace = freshNamespace()
  const other = await store.client(namespace)
  for (const [unit, n] of after.filter(([unit]) => unit !== 'microtasks')) {
    const client = await connect(consul({ endpoints: store.endpoints, namespace }))
    const hold = await client.mutex('a').acquire()
    const released = hold.release()
    await moments[unit](n)
    await client.close()
    await released
    const next = await other.mutex('a').tryAcquire()
    expect(next, `free after close, ${n} ${unit}`).toBeDefined()
    await next?.release()
  }
  await expectNothingLeft(namespace, other)
})

test('a process whose acquire was aborted exits by itself after close', async () => {
  const namespace = freshNamespace()
  const holder = await store.client(namespace)
  const hold = await holder.mutex('taken').acquire()
  const child = new ClientProcess(built.index, store.url(namespace))
  await child.hear()
  child.say('acquire', 'free')
  await child.hear()
  child.say('abandon', 'taken', '50')
  expect(await child.hear()).toEqual({ abandoned: 'TimeoutError' })
  child.say('acquire', 'taken')
  await store.line(namespace, 'taken', 1)

  const began = performance.now()
  child.say('close')
  expect(await child.exited).toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000) // not when some timer of the session's ends

  expect(child.stderr).toBe('')
  expect(await store.names(`${namespace}free/`)).toEqual([])
  await hold.release()
  await expectNothingLeft(namespace, holder)
})

test.for(both)(
  'a $verb of a $kind aborted while the server hangs ends at once, leaves nothing',
  async (asked) => {
    const { verb, lockOf } = asked
    const namespace = freshNamespace()
    const client = await store.client(namespace)
    const [member] = store.cluster.members
    await freeze(member)
    const abort = new AbortController()

    const given = lockOf(client)[verb]({ signal: abort.signal })
    await moments.macrotasks(2) // long enough for the request to be sent
    const began = performance.now()
    abort.abort(gone)
    await expect(given).rejects.toBe(gone)
    expect(performance.now() - began).toBeLessThan(500)
    member.cont()

    await (await lockOf(client).acquire()).release()
    await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]))
    await expectNothingLeft(namespace, client)
  },
)

test('a limited wait for a server that hangs ends as an outage, not as a lock that is taken', async () => {
  const client = await store.client(freshNamespace(), { ttlMs: 10_000 })
  const [member] = store.cluster.members
  await freeze(member)

  // Beyond the first request (3 s), so that it ends while it asks again.
  const error = await client
    .mutex('a')
    .acquire({ waitMs: 3_500 })
    .catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
})

test('close takes a few seconds at most when the server hangs, whatever is under way', async () => {
  const namespace = freshNamespace()
  const client = await connect(consul({ endpoints: store.endpoints, namespace }), { ttlMs: 10_000 })
  const other = await store.client(namespace)
  const theirs = await other.mutex('theirs').acquire()
  await client.mutex('held').acquire()
  const waiting = client
    .mutex('theirs')
    .acquire()
    .catch((error: Error) => error.name)
  await store.line(namespace, 'theirs', 1)
  const [member] = store.cluster.members
  await freeze(member)
  const asking = client
    .mutex('free')
    .acquire()
    .catch((error: Error) => error.name)
  await moments.macrotasks(2)

  const began = performance.now()
  await client.close()

  expect(performance.now() - began).toBeLessThan(7_000) // two requests of 3 s, and some
  expect(await Promise.all([waiting, asking])).toEqual(['ClosedError', 'ClosedError'])
  member.cont()
  await theirs.release()
})
