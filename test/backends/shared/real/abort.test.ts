// An acquire that is given up at any moment leaves no key, no session and no lock-delay, and blocks no other claim. So
// does close.
import { describe, expect, test, vi } from 'vitest'
import { connect, type Leasehold } from '../../../../src/index.ts'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { moments } from '../../../servers/moments.ts'
import { ClientProcess } from '../../../servers/process.ts'
import { realStores } from '../../../servers/real-stores.ts'

const gone = new Error('given up')
const built = useBuild()

const after = [
  ...Array.from({ length: 40 }, (_, n) => ['microtasks', n] as const),
  ...Array.from({ length: 20 }, (_, n) => ['macrotasks', n] as const),
  ...[0, 1, 2, 3, 4, 5, 7, 10, 15, 25].map((n) => ['milliseconds', n] as const),
]
const afterTurns = after.filter(([unit]) => unit !== 'microtasks')
const verbs = ['acquire', 'tryAcquire'] as const
const kinds = [
  { kind: 'mutex', permits: 1, lockOf: (client: Leasehold) => client.mutex('a') },
  {
    kind: 'semaphore',
    permits: 2,
    lockOf: (client: Leasehold) => client.semaphore('a', { permits: 2 }),
  },
] as const
const both = kinds.flatMap((kind) => verbs.map((verb) => ({ verb, ...kind })))

/** Releases what an acquire that may have been given up brought. */
async function give(outcome: unknown, when: string): Promise<void> {
  if (outcome === gone) return
  expect(outcome, when).toMatchObject({ held: true })
  await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
}
const fault = (error: unknown): unknown => error
const name = (error: Error): string => error.name

describe.for(realStores)('on $title', ({ use }) => {
  const store = use()

  /** Closes the clients of a namespace and expects that nothing of them is left. */
  async function expectNothingLeft(namespace: string, ...clients: Leasehold[]): Promise<void> {
    await Promise.all(clients.map((client) => client.close()))
    expect(await store.names(namespace)).toEqual([])
    expect(await store.sessions()).toEqual([])
  }
  const three = (namespace: string): Promise<[Leasehold, Leasehold, Leasehold]> =>
    Promise.all([store.client(namespace), store.client(namespace), store.client(namespace)])

  test.for(both)('a $verb of a free $kind that is aborted at any moment leaves nothing', async (asked) => {
    const { verb, lockOf } = asked
    const namespace = freshNamespace()
    const [client, other, third] = await three(namespace)
    for (const [unit, n] of after) {
      const abort = new AbortController()
      const given = lockOf(client)[verb]({ signal: abort.signal })
      await moments[unit](n)
      abort.abort(gone)
      await give(await given.catch(fault), `${n} ${unit}`)
      // The aborted calls block no claim, neither elsewhere nor here.
      for (const each of [other, client]) await (await lockOf(each).acquire({ waitMs: 4_000 })).release()
    }
    await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]), {
      timeout: 10_000,
      interval: 10,
    })
    await expectNothingLeft(namespace, client, other, third)
  })

  test.for(kinds)(
    'an acquire of a $kind that waits and is aborted at any moment leaves the line',
    async (kind) => {
      const { permits, lockOf } = kind
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
      await store.line(namespace, 'a', { holders: permits, waiters: 1 })
      await holds[0]?.release()

      await (await waiting).verify()
      await expectNothingLeft(namespace, holder, quitter, behind)
    },
  )

  test.for(kinds)('an acquire of a $kind that is aborted during the hand-over passes it on', async (kind) => {
    const { permits, lockOf } = kind
    const namespace = freshNamespace()
    const [holder, quitter, behind] = await three(namespace)
    const rest = permits === 2 ? await lockOf(holder).acquire() : undefined
    for (const [unit, n] of afterTurns) {
      const hold = await lockOf(holder).acquire()
      const abort = new AbortController()
      const asked = lockOf(quitter).acquire({ signal: abort.signal }).catch(fault)
      await store.line(namespace, 'a', { holders: permits, waiters: 1 })
      const waiting = lockOf(behind).acquire()
      await store.line(namespace, 'a', { holders: permits, waiters: 2 })
      const released = hold.release()
      await moments[unit](n)
      abort.abort(gone)
      await give(await asked, `${n} ${unit}`)
      await Promise.all([released, waiting.then((next) => next.release())])
    }
    await rest?.release()
    await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]), {
      timeout: 10_000,
      interval: 10,
    })
    await expectNothingLeft(namespace, holder, quitter, behind)
  })

  test('an acquire behind another one of the same client is aborted without a request', async () => {
    const namespace = freshNamespace()
    const { client, transactions } = await store.counted(namespace)
    const hold = await client.mutex('a').acquire()
    const held = await store.names(namespace)
    const abort = new AbortController()
    const asked = client.mutex('a').acquire({ signal: abort.signal })
    const late = client.mutex('a').acquire({ waitMs: 50 }).catch(fault)
    const behind = client.mutex('a').acquire()
    await transactions()

    abort.abort(gone)
    await expect(asked).rejects.toBe(gone)
    expect(await transactions()).toBe(0)
    expect(await late).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
    expect(await store.names(namespace)).toEqual(held)
    await hold.release()

    await (await behind).release()
    await expectNothingLeft(namespace, client)
  })

  test('an acquire that is not served in time names the holder, and leaves the line', async () => {
    const namespace = freshNamespace()
    const [holder, waiter, other] = await three(namespace)
    await holder.mutex('a').acquire()

    // Within this time the store has to answer, even on a busy machine.
    const error = await waiter.mutex('a').acquire({ waitMs: 1_000 }).catch(fault)

    expect(error).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
    expect((error as Error).message).toContain(`pid ${process.pid}`)
    await store.line(namespace, 'a', { holders: 1, waiters: 0 })
    await expectNothingLeft(namespace, holder, waiter, other)
  })

  test.for(kinds)('close rejects the acquires that wait for a $kind, and leaves nothing', async (kind) => {
    const { permits, lockOf } = kind
    const namespace = freshNamespace()
    const [holder, waiter, other] = await three(namespace)
    const holds = [await lockOf(holder).acquire()]
    if (permits === 2) holds.push(await lockOf(holder).acquire())
    const held = await store.names(namespace)
    const waiting = [1, 2, 3].map(() => lockOf(waiter).acquire().catch(name))
    // The client sends as many claims at a time as the lock has permits.
    await store.line(namespace, 'a', { holders: permits, waiters: permits })

    await waiter.close()

    expect(await Promise.all(waiting)).toEqual(['ClosedError', 'ClosedError', 'ClosedError'])
    expect(await store.names(namespace)).toEqual(held)
    await expect(lockOf(waiter).acquire()).rejects.toThrow('closed')
    await Promise.all(holds.map((hold) => hold.release()))
    await expectNothingLeft(namespace, holder, other)
  })

  test.for(kinds)(
    'close at any moment of an acquire of a $kind leaves it free for others at once',
    async (kind) => {
      const { lockOf } = kind
      const namespace = freshNamespace()
      const other = await store.client(namespace)
      await (await lockOf(other).acquire()).release()
      const sessions = await store.sessions()
      for (const [unit, n] of after) {
        const client = await connect(store.source(namespace), { ttlMs: store.ttlMs })
        const asked = lockOf(client).acquire().catch(name)
        await moments[unit](n)
        await client.close()
        const outcome = await asked
        const when = `${n} ${unit}`
        if (outcome !== 'ClosedError') expect(outcome, when).toMatchObject({ held: false })
        expect(await store.names(namespace), when).toEqual([])
        expect(await store.sessions(), when).toEqual(sessions)
        const next = await lockOf(other).tryAcquire()
        expect(next, `free after close, ${when}`).toBeDefined()
        await next?.release()
      }
    },
  )

  test('close at any moment of a release leaves the lock free for others at once', async () => {
    const namespace = freshNamespace()
    const other = await store.client(namespace)
    for (const [unit, n] of afterTurns) {
      const client = await connect(store.source(namespace), { ttlMs: store.ttlMs })
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
    await store.line(namespace, 'taken', { holders: 1, waiters: 1 })

    const began = performance.now()
    child.say('close')
    expect(await child.exited).toBe(0)
    expect(performance.now() - began).toBeLessThan(10_000) // not when some timer of the session ends

    expect(child.stderr).toBe('')
    expect(await store.names(`${namespace}free/`)).toEqual([])
    await hold.release()
    await expectNothingLeft(namespace, holder)
  })
})
