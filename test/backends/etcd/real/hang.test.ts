// A server that hangs, with or without having applied the request, and does not answer. No caller has to wait for it.
import { expect, test } from 'vitest'
import { connect } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { openLink } from '../../../servers/link.ts'
import { moments } from '../../../servers/moments.ts'

const etcd = useEtcd()
const gone = new Error('given up')
const verbs = ['acquire', 'tryAcquire'] as const

test('an acquire that is aborted while the server hangs ends at once and leaves nothing', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const [member] = etcd.cluster.members

  for (const verb of verbs) {
    const abort = new AbortController()
    await freeze(member)
    const asked = client.mutex('a')[verb]({ signal: abort.signal })
    await moments.macrotasks(1)
    abort.abort(gone)
    await expect(asked).rejects.toBe(gone)
    member.cont()
    await (await client.mutex('a').acquire()).release()
  }

  expect((await etcd.keys(`${namespace}a/`)).length).toBe(0)
  await client.close()
  expect(await etcd.keys(namespace)).toEqual([])
  expect(await etcd.leases()).toEqual([])
})

test('a limited wait for a server that hangs ends as an outage, not as a lock that is taken', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs: 4_000 })
  const [member] = etcd.cluster.members
  await freeze(member)

  // Longer than the first request (1.2 s), so that the time is over during a repetition.
  const error = await client
    .mutex('a')
    .acquire({ waitMs: 1_800 })
    .catch((reason: unknown) => reason)

  expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
})

test.for(['a word', Symbol('sign'), undefined, null, 7, new TypeError('of its own')])(
  'an acquire that asks a hanging server again rejects with exactly the reason of the abort: %s',
  async (reason) => {
    const client = await etcd.client(freshNamespace(), { ttlMs: 2_000 })
    const [member] = etcd.cluster.members
    const abort = new AbortController()
    await freeze(member)

    const asked = client.mutex('a').acquire({ signal: abort.signal })
    await moments.milliseconds(800) // the first request takes at most 583 ms
    abort.abort(reason)

    await expect(asked.catch((error: unknown) => error)).resolves.toBe(abort.signal.reason)
  },
)

test('close takes a few seconds at most when the server hangs, also while a session is opened', async () => {
  const client = await connect(etcd.cluster.url(freshNamespace()), { ttlMs: 3_000 })
  const hold = await client.mutex('a').acquire()
  const [member] = etcd.cluster.members
  await freeze(member)
  await until(async () => !hold.held, { describe: () => 'the loss' })
  const pending = client
    .mutex('a')
    .acquire()
    .catch((error: Error) => error.name)
  await moments.milliseconds(50)

  const began = performance.now()
  await client.close()

  expect(performance.now() - began).toBeLessThan(2_500) // two requests of 900 ms, and a little more
  expect(await pending).toBe('ClosedError')
})

test('over a way of 320 ms a client with the shortest time to live connects, acquires and stays', async () => {
  const link = await openLink(etcd.cluster.endpoints[0] ?? '')
  link.roundTripMs = 320
  const client = await open(`etcd://${link.address}/${freshNamespace()}`, { ttlMs: 2_000, waitMs: 10_000 })
  const hold = await client.mutex('a').acquire({ waitMs: 10_000 })
  const twice = performance.now() + 4_000
  await until(async () => performance.now() > twice || !hold.held, { describe: () => 'time stands still' })
  expect(hold.held).toBe(true)
  await hold.release()
})
