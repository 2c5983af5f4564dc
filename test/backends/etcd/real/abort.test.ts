// An acquire that is aborted at any moment leaves no key and no lease, and blocks nobody.
import { expect, test } from 'vitest'
import { connect, type Leasehold } from '../../../../src/index.ts'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { moments } from '../../../servers/moments.ts'
import { ClientProcess } from '../../../servers/process.ts'

const etcd = useEtcd()
const gone = new Error('given up')
const built = useBuild()

/** Closes the clients of a namespace and expects that nothing of them is left. */
async function expectNothingLeft(namespace: string, ...clients: Leasehold[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()))
  expect(await etcd.keys(namespace)).toEqual([])
  expect(await etcd.leases()).toEqual([])
}

const after = [
  ...Array.from({ length: 40 }, (_, n) => ['microtasks', n] as const),
  ...Array.from({ length: 20 }, (_, n) => ['macrotasks', n] as const),
  ...[0, 1, 2, 3, 4, 5, 7, 10, 15, 25].map((n) => ['milliseconds', n] as const),
]
const verbs = ['acquire', 'tryAcquire'] as const

test.for(verbs)('an %s of a free lock that is aborted at any moment leaves nothing', async (verb) => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  for (const [unit, n] of after) {
    const abort = new AbortController()
    const asked = client.mutex('a')[verb]({ signal: abort.signal })
    await moments[unit](n)
    abort.abort(gone)
    const outcome = await asked.catch((error: unknown) => error)
    if (outcome !== gone) expect(outcome, `${n} ${unit}`).toMatchObject({ held: true })
    // The next caller, in this process or another, is not blocked by the aborted acquire.
    if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
    const next = await client.mutex('a').acquire({ waitMs: 4_000 })
    await next.release()
  }
  await expectNothingLeft(namespace, client)
})

test('an acquire that waits and is aborted at any moment leaves the line', async () => {
  const namespace = freshNamespace()
  const clients = [
    await etcd.client(namespace),
    await etcd.client(namespace),
    await etcd.client(namespace),
  ] as const
  const [holder, quitter, behind] = clients
  const hold = await holder.mutex('a').acquire()
  for (const [unit, n] of after) {
    const abort = new AbortController()
    const asked = quitter.mutex('a').acquire({ signal: abort.signal })
    await moments[unit](n)
    abort.abort(gone)
    await expect(asked).rejects.toBe(gone)
  }
  const waiting = behind.mutex('a').acquire()
  await etcd.line(namespace, 'a', 2)
  await hold.release()

  await (await waiting).verify()
  await expectNothingLeft(namespace, ...clients)
})

test('an acquire that is aborted during the hand-over passes the lock on', async () => {
  const namespace = freshNamespace()
  const clients = [
    await etcd.client(namespace),
    await etcd.client(namespace),
    await etcd.client(namespace),
  ] as const
  const [holder, quitter, behind] = clients
  for (const [unit, n] of after.filter(([unit]) => unit !== 'microtasks')) {
    const hold = await holder.mutex('a').acquire()
    const abort = new AbortController()
    const asked = quitter
      .mutex('a')
      .acquire({ signal: abort.signal })
      .catch((error: unknown) => error)
    await etcd.line(namespace, 'a', 2)
    const waiting = behind.mutex('a').acquire()
    await etcd.line(namespace, 'a', 3)
    const released = hold.release()
    await moments[unit](n)
    abort.abort(gone)
    const outcome = await asked
    if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
    await Promise.all([released, waiting.then((next) => next.release())])
  }
  await expectNothingLeft(namespace, ...clients)
})

test('an acquire behind another one of the same client is aborted without a request', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const hold = await client.mutex('a').acquire()
  const abort = new AbortController()
  const asked = client.mutex('a').acquire({ signal: abort.signal })
  const late = client.mutex('a').acquire({ waitMs: 50 })
  const behind = client.mutex('a').acquire()
  const revision = await etcd.revision()

  abort.abort(gone)
  await expect(asked).rejects.toBe(gone)
  await expect(late).rejects.toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
  expect(await etcd.revision()).toBe(revision)
  await hold.release()

  await (await behind).release()
  await expectNothingLeft(namespace, client)
})

test('an acquire that is not served in time names the holder, and leaves the line', async () => {
  const namespace = freshNamespace()
  const [holder, waiter] = [await etcd.client(namespace), await etcd.client(namespace)]
  await holder.mutex('a').acquire()

  const error = await waiter
    .mutex('a')
    .acquire({ waitMs: 100 })
    .catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
  expect((error as Error).message).toContain(`pid ${process.pid}`)
  await etcd.line(namespace, 'a', 1)
  await expectNothingLeft(namespace, holder, waiter)
})

test('close rejects waiting acquires, and leaves nothing', async () => {
  const namespace = freshNamespace()
  const [holder, waiter] = [await etcd.client(namespace), await etcd.client(namespace)]
  const hold = await holder.mutex('a').acquire()
  const waiting = [1, 2, 3].map(() =>
    waiter
      .mutex('a')
      .acquire()
      .catch((error: Error) => error.name),
  )
  await etcd.line(namespace, 'a', 2)

  await waiter.close()

  expect(await Promise.all(waiting)).toEqual(['ClosedError', 'ClosedError', 'ClosedError'])
  expect(await etcd.keys(`${namespace}a/`)).toHaveLength(1)
  await expect(waiter.mutex('a').acquire()).rejects.toThrow('closed')
  await hold.release()
  await expectNothingLeft(namespace, holder)
})

test('close at any moment of an acquire leaves nothing', async () => {
  const namespace = freshNamespace()
  for (const [unit, n] of after) {
    const client = await connect(etcd.cluster.url(namespace), { ttlMs: 5_000 })
    const asked = client
      .mutex('a')
      .acquire()
      .catch((error: Error) => error.name)
    await moments[unit](n)
    await client.close()
    const outcome = await asked
    if (outcome !== 'ClosedError') expect(outcome, `${n} ${unit}`).toMatchObject({ held: false })
    expect(await etcd.keys(namespace), `${n} ${unit}`).toEqual([])
    expect(await etcd.leases(), `${n} ${unit}`).toEqual([])
  }
})

test('a process whose acquire was aborted exits by itself after close', async () => {
  const namespace = freshNamespace()
  const holder = await etcd.client(namespace)
  await holder.mutex('taken').acquire()
  const child = new ClientProcess(built.index, etcd.cluster.url(namespace))
  await child.hear()
  child.say('acquire', 'free')
  await child.hear()
  child.say('abandon', 'taken', '50')
  expect(await child.hear()).toEqual({ abandoned: 'TimeoutError' })
  child.say('acquire', 'taken')
  await etcd.line(namespace, 'taken', 2)

  child.say('close')
  expect(await child.exited).toBe(0)

  expect(child.stderr).toBe('')
  expect(await etcd.keys(`${namespace}free/`)).toEqual([])
  await expectNothingLeft(namespace, holder)
})
