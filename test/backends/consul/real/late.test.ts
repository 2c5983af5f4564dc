// One request that arrives late, twice, or whose answer is lost: it leaves one claim or none, never a ghost.
import { expect, test, vi } from 'vitest'
import type { Leasehold } from '../../../../src/index.ts'
import { impatientClock, lockOf } from '../../../servers/astray.ts'
import { type Kind, openNetwork, type TestConsul, useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, open } from '../../../servers/etcd.ts'

const store: TestConsul = useConsul()
const gone = new Error('given up')
const clock = impatientClock

/** Two clients, of which the first has an unreliable network. */
async function pair() {
  const namespace = freshNamespace()
  const network = openNetwork(store, clock)
  const client = await open(network.source(namespace), { clock })
  return { namespace, network, client, other: await store.client(namespace) }
}

/** The purpose of a write, and the call that makes it. */
interface Case {
  readonly permits: 1 | 2
  /** Whether somebody else holds all there is when the client asks. */
  readonly taken: boolean
}

const asking = {
  take: { permits: 1, taken: false },
  join: { permits: 1, taken: true },
  'take from the line': { permits: 1, taken: true },
  slot: { permits: 2, taken: false },
  'slot from the line': { permits: 2, taken: true },
} satisfies Partial<Record<Kind, Case>>
const asks = [
  ...(Object.entries(asking) as [Kind, Case][]),
  ['join', { permits: 2, taken: true }] as [Kind, Case],
].map(([kind, how]) => ({ kind, ...how, what: how.permits === 1 ? 'a mutex' : 'a semaphore' }))

/** Takes all permits, if the case says so. The returned function releases them. */
async function occupy(client: Leasehold, { permits, taken }: Case): Promise<() => Promise<unknown>> {
  const holds = await Promise.all(
    Array.from({ length: taken ? permits : 0 }, () => lockOf(client, permits).acquire()),
  )
  return () => Promise.all(holds.map((hold) => hold.release()))
}

const isTaking = (kind: Kind): boolean => kind !== 'join'

test.for(asks)(
  'when the answer to a $kind of $what is lost, it is asked again and there is one claim',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'unanswered')

    const acquired = lockOf(client, how.permits).acquire()
    if (!isTaking(kind)) await came
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    const hold = await acquired

    await came
    await hold.verify()
    await lockOf(client, how.permits)
      .tryAcquire()
      .then((second) => second?.release())
    await hold.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for(asks)(
  'a $kind of $what that was given up and arrives later takes nothing',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'hanging')
    const abort = new AbortController()

    const given = lockOf(client, how.permits).acquire({ signal: abort.signal })
    given.catch(() => {})
    if (isTaking(kind) && how.taken) await store.line(namespace, 'a', 1)
    if (isTaking(kind)) await free()
    await came
    abort.abort(gone)
    await expect(given).rejects.toBe(gone)
    if (!isTaking(kind)) await free()
    await vi.waitFor(() => expect(network.log.join()).toContain('burial'), { timeout: 10_000, interval: 10 })
    await (await lockOf(client, how.permits).acquire()).release()
    await network.arrive()

    expect(network.log.join()).toContain('arrived, applied: false')
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for(asks)(
  'the late first of two requests for a $kind of $what does not disturb the next claim of the client',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'late')

    const acquired = lockOf(client, how.permits).acquire()
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    await (await acquired).release()
    await came
    const second = await lockOf(client, how.permits).acquire()
    const before = await store.names(namespace)
    await network.arrive()

    await second.verify()
    expect(await store.names(namespace)).toEqual(before)
    await second.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

const giving = [
  { kind: 'release', permits: 1, taken: false },
  { kind: 'release from the line', permits: 1, taken: true },
  { kind: 'give up slot', permits: 2, taken: true },
] as const

test.for(giving)(
  'a $kind that arrives late gives back nothing of a later claim of the client',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const acquired = lockOf(client, how.permits).acquire()
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    const hold = await acquired
    const came = network.next(kind, 'late')

    await hold.release()
    await came
    const later = await lockOf(client, how.permits).acquire()
    await network.arrive()

    await later.verify()
    expect(later.held).toBe(true)
    if (how.permits === 1) expect(await other.mutex('a').tryAcquire()).toBeUndefined()
    await later.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test('a late request does not delete the key of a line that has new waiters', async () => {
  const { namespace, network, client, other } = await pair()
  const first = await other.mutex('a').acquire()
  const waiting = client.mutex('a').acquire()
  await store.line(namespace, 'a', 1)
  await first.release()
  const came = network.next('tidying', 'late')
  await (await waiting).release() // asked a second time, it was tidied
  await came

  const hold = await other.mutex('a').acquire()
  const next = client.mutex('a').acquire()
  await store.line(namespace, 'a', 1)
  await network.arrive()

  expect(await store.names(namespace)).toContain(`${namespace}a/.line`)
  await hold.release()
  await (await next).release()
  expect(await store.names(namespace)).toEqual([])
})

test('a waiter whose answer was lost has the slot at once that became free meanwhile', async () => {
  const { namespace, network, client, other } = await pair()
  const free = await occupy(other, { permits: 2, taken: true })
  const came = network.next('join', 'unanswered')

  const acquired = lockOf(client, 2).acquire({ waitMs: 3_000 })
  let isFree = false
  await came
  network.hears = () => isFree // not before the slots are free, or it would see that it has to wait
  await store.line(namespace, 'a', 1)
  await free()
  isFree = true

  await (await acquired).release()
  expect(await store.names(namespace)).toEqual([])
})

test.for([1, 2])(
  'of a name with %d holders at a time nothing is left when the last in line is done',
  async (permits) => {
    const { namespace, client, other } = await pair()
    const free = await occupy(other, { permits: permits as 1 | 2, taken: true })
    const waiting = lockOf(client, permits).acquire()
    await store.line(namespace, 'a', 1)

    await free()
    await (await waiting).release()

    expect(await store.names(namespace)).toEqual([])
  },
)

test.for([1, 2])(
  'a checkpoint that arrives late does not replace a later one (%d holders)',
  async (permits) => {
    const { namespace, network, client, other } = await pair()
    const hold = await lockOf(client, permits).acquire()
    const came = network.next('checkpoint', 'late')

    await hold.checkpoint('first')
    await came
    await hold.checkpoint('second')
    await network.arrive()

    expect(await lockOf(other, permits).readCheckpoint()).toBe('second')
    await hold.verify()
    await hold.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for([1, 2])('a checkpoint that arrives after the release is refused (%d holders)', async (permits) => {
  const { network, client, other } = await pair()
  const hold = await lockOf(client, permits).acquire()
  await hold.checkpoint('first')
  void network.next('checkpoint', 'hanging')

  const written = hold.checkpoint('late').catch((error: unknown) => error)
  await vi.waitFor(() => expect(network.log.join()).toContain('checkpoint: hanging'), {
    timeout: 10_000,
    interval: 10,
  })
  await hold.release()
  const next = await lockOf(client, permits).acquire()
  await network.arrive()

  expect(await lockOf(other, permits).readCheckpoint()).toBe('first')
  await next.verify()
  expect(await written).toMatchObject({ code: expect.stringMatching('LEASEHOLD_') })
})

test.for(['unsent', 'unanswered', 'late'] as const)(
  'a client works when the answer to the first request for its session was %s',
  async (fate) => {
    const namespace = freshNamespace()
    const network = openNetwork(store, clock)
    void network.next('session', fate)
    const client = await open(network.source(namespace), { clock })
    const hold = await client.mutex('a').acquire()
    await network.arrive()

    await hold.verify()
    await client.close()
    expect(await store.names(namespace)).toEqual([])
  },
)

test('the end of a session that arrives late frees nothing that another client holds since', async () => {
  const namespace = freshNamespace()
  const network = openNetwork(store, clock)
  const client = await open(network.source(namespace), { clock })
  await client.mutex('a').acquire()
  void network.next('end of session', 'late')
  await client.close()
  const hold = await (await store.client(namespace)).mutex('a').acquire()

  await network.arrive()

  await hold.verify()
})
