// The names that are allowed, data that blocks a name, and that a name serves one kind of lock.
import { describe, expect, test } from 'vitest'
import type { Leasehold } from '../../../../src/index.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { etcdLines } from '../../../servers/lines.ts'

const etcd = useEtcd()

const odd = [
  'with space',
  ' ',
  'Ünïcödé ☂ 🔒',
  '/leading',
  'trailing/',
  '//',
  '%2F',
  '"quoted" \\ $(x)',
  'a.2.1',
  'x'.repeat(512),
  'é'.repeat(256),
]

test.for(odd)('a lock may be called %j, and means the same to etcdctl', async (name) => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
  const hold = await one.mutex(name).acquire()

  expect(await other.mutex(name).tryAcquire()).toBeUndefined()
  const waiting = other.mutex(name).acquire()
  const keys = await etcd.line(namespace, name, 2)
  const prefix = ['get', '--prefix', '--keys-only', '--', `${namespace}${name}/`]
  expect((await etcd.cluster.etcdctl(prefix)).stdout.trim().split(/\n+/)).toHaveLength(2)
  expect(keys.every(({ key }) => /^[0-9a-f]+$/.test(key.slice(`${namespace}${name}/`.length)))).toBe(true)
  await hold.checkpoint(name)
  await hold.release()

  await (await waiting).verify()
  expect(await other.mutex(name).readCheckpoint()).toBe(name)
})

const ways = {
  'acquire of a mutex': (client: Leasehold, name: string) => client.mutex(name).acquire({ waitMs: 4_000 }),
  'tryAcquire of a mutex': (client: Leasehold, name: string) => client.mutex(name).tryAcquire(),
  'acquire of a semaphore': (client: Leasehold, name: string) =>
    client.semaphore(name, { permits: 2 }).acquire({ waitMs: 4_000 }),
  'tryAcquire of a semaphore': (client: Leasehold, name: string) =>
    client.semaphore(name, { permits: 2 }).tryAcquire(),
}

test.for(Object.entries(ways))(
  '%s a is not blocked by locks called a/b and a/b/c, nor by data under them',
  async ([, way]) => {
    const namespace = freshNamespace()
    const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
    await etcd.put(`${namespace}a/b/config`, 'data')
    // More keys than a mutex reads of its line at once.
    for (let i = 0; i < 12; i += 1) await one.mutex(`a/${i}`).acquire()
    await one.mutex('a/b/c').acquire()

    const hold = await way(other, 'a')
    await hold?.verify()
    expect(hold?.held).toBe(true)
    const inner = await way(other, 'a/x')
    expect(inner?.held).toBe(true)
    await hold?.release()
  },
)

test('a waiter for a holds after the waiters before it, with any traffic under a/', async () => {
  const namespace = freshNamespace()
  const [one, other, third] = await Promise.all([1, 2, 3].map(() => etcd.client(namespace)))
  const hold = await one?.mutex('a').acquire()
  for (let i = 0; i < 12; i += 1) await third?.mutex(`a/${i}`).acquire()
  let held = false
  const waiting = other
    ?.mutex('a')
    .acquire()
    .finally(() => {
      held = true
    })
  await etcd.line(namespace, 'a', 14)

  await third?.close()
  await hold?.verify()
  expect(held).toBe(false)
  await hold?.release()

  await (await waiting)?.verify()
})

const uses = {
  'a mutex': (client: Leasehold) => client.mutex('a'),
  'a semaphore with 2 permits': (client: Leasehold) => client.semaphore('a', { permits: 2 }),
  'a semaphore with 3 permits': (client: Leasehold) => client.semaphore('a', { permits: 3 }),
}
type Use = keyof typeof uses
const conflicts: [Use, Use][] = [
  ['a mutex', 'a semaphore with 2 permits'],
  ['a semaphore with 2 permits', 'a mutex'],
  ['a semaphore with 2 permits', 'a semaphore with 3 permits'],
  ['a semaphore with 3 permits', 'a semaphore with 2 permits'],
]

test.for(conflicts)('a name in use as %s is refused as %s, and nothing is left', async ([used, asked]) => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
  const hold = await uses[used](one).acquire()

  for (const verb of ['acquire', 'tryAcquire'] as const) {
    for (const client of [one, other]) {
      const error = await uses[asked](client)
        [verb]()
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
      expect((error as Error).message).toContain(used)
      expect((error as Error).message).toContain(asked)
    }
  }
  await etcd.line(namespace, 'a', 1)
  await hold.release()

  const next = await uses[asked](other).acquire()
  await next.verify()
})

test('a new client with the wrong kind of lock does not disturb the waiters', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all([1, 2, 3].map(() => etcd.client(namespace)))
  const [one, other, wrong] = clients as [Leasehold, Leasehold, Leasehold]
  const hold = await one.mutex('a').acquire()
  const waiting = other.mutex('a').acquire()
  await etcd.line(namespace, 'a', 2)
  const refused = Array.from({ length: 5 }, () =>
    wrong
      .semaphore('a', { permits: 9 })
      .acquire()
      .catch((error) => error.code),
  )

  expect(await Promise.all(refused)).toEqual(Array(5).fill('LEASEHOLD_CONFLICT'))
  await etcd.line(namespace, 'a', 2)
  await hold.release()
  await (await waiting).verify()
})

describe.for(etcdLines)('with a server of etcd %s', ({ line }) => {
  const own = useEtcd({ line })

  test.for(Object.entries(ways))(
    '%s is refused if a key without a lease would block it for ever',
    async ([, way]) => {
      const namespace = freshNamespace()
      const client = await own.client(namespace)
      await own.put(`${namespace}a/config`, 'data')

      const error = await way(client, 'a').catch((reason: unknown) => reason)

      expect(error).toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
      expect((error as Error).message).toContain(`${namespace}a/config`)
      await own.line(namespace, 'a', 1)
      expect((await own.keys(`${namespace}a/`))[0]?.value).toBe('data')
    },
  )
})
