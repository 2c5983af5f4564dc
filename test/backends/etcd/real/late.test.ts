// Requests that arrive late or twice, or whose answers are lost. Each leaves one claim or none, never a claim without
// an owner.
import { expect, test } from 'vitest'
import type { Hold, Leasehold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { type Link, openLink } from '../../../servers/link.ts'
import { callsOf } from '../../../servers/metrics.ts'

const etcd = useEtcd()
const records = '\0leasehold/'

/** A client with two links to the same server. It uses the second one when the first does not answer. */
async function twoWays(): Promise<{ namespace: string; client: Leasehold; first: Link; second: Link }> {
  const [endpoint = ''] = etcd.cluster.endpoints
  const [first, second] = [await openLink(endpoint), await openLink(endpoint)]
  const namespace = freshNamespace()
  const client = await open(`etcd://${first.address},${second.address}/${namespace}`, { ttlMs: 3_000 })
  return { namespace, client, first, second }
}

/** Holds the next request back, and hides the client's later requests from the server. */
function keepNext(link: Link, namespace: string): () => Promise<void> {
  link.hold('up')
  return async () => {
    const describe = (): string => 'a request under way'
    await until(async () => link.holds('up', namespace), { describe, everyMs: 1 })
    link.drop('up')
  }
}

/** Lets a held request arrive, and resolves once the server has processed it. */
async function arrive(link: Link): Promise<void> {
  const before = await callsOf(etcd.cluster, 'Txn', 'handled')
  link.pass()
  const describe = (): string => 'the late request at the server'
  await until(async () => (await callsOf(etcd.cluster, 'Txn', 'handled')) > before, { describe, everyMs: 5 })
}

async function claims(namespace: string): Promise<string[]> {
  const keys = await etcd.keys(namespace)
  return keys.map(({ key }) => key).filter((key) => !key.startsWith(`${namespace}${records}`))
}

test.for(['acquire', 'tryAcquire'] as const)(
  'an %s whose answer was lost is sent again and finds its own claim',
  async (verb) => {
    const { namespace, client, first } = await twoWays()

    first.drop('down')
    const hold = (await client.mutex('a')[verb]()) as Hold

    expect(await claims(namespace)).toHaveLength(1)
    await hold.verify()
    expect((await etcd.keys(`${namespace}a/`))[0]?.created).toBeLessThanOrEqual(hold.token)
    await hold.release()
    expect(await claims(namespace)).toEqual([])
  },
)

test('a semaphore whose answer was lost takes one permit', async () => {
  const { namespace, client, first } = await twoWays()
  const semaphore = client.semaphore('a', { permits: 2 })

  first.drop('down')
  const hold = await semaphore.tryAcquire()

  expect(await claims(namespace)).toHaveLength(1)
  await hold?.release()
  expect(await claims(namespace)).toEqual([])
})

const kinds = {
  mutex: (client: Leasehold) => client.mutex('a'),
  semaphore: (client: Leasehold) => client.semaphore('a', { permits: 2 }),
}
const cases = [
  ['mutex', 'acquire'],
  ['mutex', 'tryAcquire'],
  ['semaphore', 'acquire'],
  ['semaphore', 'tryAcquire'],
] as const

test.for(cases)('of a %s, an %s that was aborted and arrives later takes nothing', async ([kind, verb]) => {
  const { namespace, client, first } = await twoWays()
  const underWay = keepNext(first, namespace)
  const abort = new AbortController()

  const given = kinds[kind](client)[verb]({ signal: abort.signal })
  await underWay()
  abort.abort(new Error('no longer wanted'))
  await expect(given).rejects.toThrow('no longer wanted')
  // The next caller in this client's local line has its turn once the first claim is withdrawn.
  await (
    await client
      .mutex('a')
      .acquire()
      .catch(() => undefined)
  )?.release()
  await until(async () => (await etcd.keys(`${namespace}${records}withdrawn/`)).length > 0, {
    describe: () => 'the withdrawal',
  })
  await arrive(first)

  expect(await claims(namespace)).toEqual([])
})

test.for(cases)(
  'of a %s, the first of two requests of an %s takes nothing if it arrives late',
  async ([kind, verb]) => {
    const { namespace, client, first } = await twoWays()
    const underWay = keepNext(first, namespace)

    const granted = kinds[kind](client)[verb]()
    await underWay()
    const hold = await granted
    expect(hold?.held).toBe(true)
    await hold?.release()
    await arrive(first)

    expect(await claims(namespace)).toEqual([])
  },
)

test('the late request of one claim does not disturb a later claim of the same client', async () => {
  const { namespace, client, first } = await twoWays()
  const underWay = keepNext(first, namespace)

  const granted = client.mutex('a').acquire()
  await underWay()
  await (await granted).release()
  const second = await client.mutex('a').acquire()
  await arrive(first)

  await second.verify()
  await second.release()
  expect(await claims(namespace)).toEqual([])
})

test('a late release does not release a later claim of the same client', async () => {
  const { namespace, client, first } = await twoWays()
  const hold = await client.mutex('a').acquire()
  const underWay = keepNext(first, namespace)

  const released = hold.release()
  await underWay()
  await released
  const second = await client.mutex('a').acquire()
  await arrive(first)

  await second.verify()
  expect(await claims(namespace)).toHaveLength(1)
})

test('a checkpoint that arrives late does not replace a later one', async () => {
  const { namespace, client, first } = await twoWays()
  const hold = await client.mutex('a').acquire()
  const underWay = keepNext(first, namespace)

  const written = hold.checkpoint('first')
  await underWay()
  await written
  await hold.checkpoint('second')
  await arrive(first)

  expect(await client.mutex('a').readCheckpoint()).toBe('second')
})

test('of two checkpoints under way the later one stays, even if both are sent again', async () => {
  const { namespace, client, first } = await twoWays()
  const hold = await client.mutex('a').acquire()
  const underWay = keepNext(first, namespace)

  const earlier = hold.checkpoint('first')
  await underWay()
  const later = hold.checkpoint('second')
  await Promise.all([earlier, later])

  expect(await client.mutex('a').readCheckpoint()).toBe('second')
})

test('two checkpoints at once are written in the order of the calls', async () => {
  const client = await etcd.client(freshNamespace())
  const hold = await client.mutex('a').acquire()

  await Promise.all(['1', '2', '3', '4'].map((text) => hold.checkpoint(text)))

  expect(await client.mutex('a').readCheckpoint()).toBe('4')
})

test('the checkpoint of a stale holder is refused', async () => {
  const namespace = freshNamespace()
  const [stale, next] = [await etcd.client(namespace), await etcd.client(namespace)]
  const hold = await stale.mutex('a').acquire()
  await hold.checkpoint('by the first')
  await etcd.cluster.etcdctl(['del', (await etcd.line(namespace, 'a', 1))[0]?.key ?? ''])
  const newer = await next.mutex('a').acquire()
  await newer.checkpoint('by the second')

  const error = await hold.checkpoint('too late').catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
  expect(hold.held).toBe(false)
  expect(await next.mutex('a').readCheckpoint()).toBe('by the second')
})
