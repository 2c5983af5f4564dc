// Old events from a lagging member, and clocks that jump, played to a client of a real server.
import { expect, onTestFinished, test } from 'vitest'
import { EtcdBackend } from '../../../../src/backends/etcd/backend.ts'
import { Layout } from '../../../../src/backends/etcd/layout.ts'
import { EtcdClient } from '../../../../src/backends/etcd/wire/client.ts'
import { member } from '../../../../src/backends/etcd/wire/http2/link.ts'
import type { Change, Transport } from '../../../../src/backends/etcd/wire/transport.ts'
import { type Clock, systemClock } from '../../../../src/base/clock.ts'
import type { BackendSource } from '../../../../src/index.ts'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd()

/** The requests go to the server, the watches to a member that has not yet seen the events of `past`. */
function lagging(namespace: string, past: { revision: bigint; deletions: Change[] }): BackendSource {
  return {
    url: etcd.cluster.url(namespace),
    async open(clock) {
      const client = new EtcdClient([member(etcd.cluster.endpoints[0] ?? '', {}, clock)])
      const transport: Transport = {
        txn: (request, signal) => client.txn(request, signal),
        grant: (lease, seconds, signal) => client.grant(lease, seconds, signal),
        keepAlive: (lease, signal) => client.keepAlive(lease, signal),
        revoke: (lease, signal) => client.revoke(lease, signal),
        timeToLive: (lease, signal) => client.timeToLive(lease, signal),
        close: () => client.close(),
        watch(_, listener) {
          setImmediate(() => {
            listener.created(past.revision)
            listener.deleted(past.deletions)
          })
          return () => {}
        },
      }
      return new EtcdBackend(transport, new Layout(namespace), clock)
    },
  }
}

test('a deletion that is older than the answer, replayed by a lagging member, admits nobody', async () => {
  const namespace = freshNamespace()
  const holder = await etcd.client(namespace)
  const first = await holder.mutex('a').acquire()
  const [claim] = await etcd.line(namespace, 'a', 1)
  const past = await etcd.revision()
  await first.release()
  const deleted = await etcd.revision()
  const second = await holder.mutex('a').acquire() // the same key again

  const deletions = [{ key: claim?.key ?? '', revision: deleted }]
  const waiter = await open(lagging(namespace, { revision: past, deletions }), { ttlMs: 4_000 })
  const outcome = await waiter
    .mutex('a')
    .acquire({ waitMs: 1_000 })
    .catch((error: unknown) => error)

  expect(outcome).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
  await second.verify()
})

test('an acquire that is admitted after its session expired waits anew', async () => {
  const namespace = freshNamespace()
  const holder = await etcd.client(namespace)
  const hold = await holder.mutex('a').acquire()
  const real = systemClock()
  let aheadMs = 0
  const clock: Clock = {
    ...real,
    mark() {
      const { monotonicMs, wallMs, uptimeMs } = real.mark()
      return { monotonicMs: monotonicMs + aheadMs, wallMs: wallMs + aheadMs, uptimeMs: uptimeMs + aheadMs }
    },
  }
  const waiter = await etcd.client(namespace, { ttlMs: 5_000, clock })
  const waiting = waiter.mutex('a').acquire()
  const [, claim] = await etcd.line(namespace, 'a', 2)

  aheadMs = 5_000
  await hold.release()
  const next = await waiting

  expect(next.held).toBe(true)
  await next.verify()
  expect((await etcd.line(namespace, 'a', 1))[0]?.lease).not.toBe(claim?.lease)
})

test('if an operator removes a claim between two attempts, the token still grows', async () => {
  const namespace = freshNamespace()
  const [one, other] = [await etcd.client(namespace), await etcd.client(namespace)]
  const stop = etcd.writeAlways()
  onTestFinished(async () => void (await stop()))
  let last = 0n
  for (let i = 0; i < 20; i += 1) {
    const hold = await one.mutex('a').acquire()
    expect(hold.token).toBeGreaterThan(last)
    const waiting = other.mutex('a').acquire()
    const [claim] = await etcd.line(namespace, 'a', 2)
    await etcd.gateway('kv/deleterange', { key: Buffer.from(claim?.key ?? '').toString('base64') })
    const next = await waiting
    expect(next.token).toBeGreaterThan(hold.token)
    last = next.token
    await Promise.all([next.release(), hold.release()])
  }
})
