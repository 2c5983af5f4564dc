// The option `lockDelayMs` of etcd: a lease that ended although its client renewed it keeps its lock closed for so long.
// A stopped leader that goes on does that to leases, on every line of etcd (etcd-io/etcd#15247); here the test revokes
// them, as it happens in about half of the rounds only. The holder is cut off, so that it hears nothing.
import { describe, expect, test } from 'vitest'
import { connect, type Hold, WaitTimeoutError } from '../../../../src/index.ts'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { etcdLines } from '../../../servers/lines.ts'
import { openLink } from '../../../servers/link.ts'

const ttlMs = 4_000
const lockDelayMs = 2_000

/** The newest and the oldest: since 3.7 an answer does not name the leases of keys. */
const lines = etcdLines.filter((_, index) => index === 0 || index === etcdLines.length - 1)

describe.for(lines)('etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })
  const urlOf = (address: string, namespace: string): string =>
    `etcd://${address}/${namespace}?lockDelayMs=${lockDelayMs}`
  const client = (namespace: string) => open(urlOf(etcd.cluster.endpoints[0] as string, namespace), { ttlMs })

  /** A hold of a client that is cut off, and whose lease was revoked just now. */
  async function orphan(namespace: string, permits = 1): Promise<{ hold: Hold; atMs: number }> {
    const link = await openLink(etcd.cluster.endpoints[0] as string)
    const holder = await open(urlOf(link.address, namespace), { ttlMs })
    const lock = permits === 1 ? holder.mutex('a') : holder.semaphore('a', { permits })
    const hold = await lock.acquire()
    const [key] = await etcd.line(namespace, 'a', 1)
    link.drop('up')
    link.drop('down')
    await etcd.gateway('lease/revoke', { ID: String(key?.lease) })
    return { hold, atMs: performance.now() }
  }

  test.for([1, 2])(
    'with %d permits, the next one holds when the lock-delay is over, and until then neither it nor a newcomer does',
    async (permits) => {
      const namespace = freshNamespace()
      const [waiter, newcomer] = [await client(namespace), await client(namespace)]
      const lockOf = (of: typeof waiter) => (permits === 1 ? of.mutex('a') : of.semaphore('a', { permits }))
      const { hold, atMs } = await orphan(namespace, permits)
      // Of two permits one is free; the other is that of the dead holder.
      for (let other = 1; other < permits; other += 1) await lockOf(waiter).acquire({ waitMs: 1_000 })
      expect(await lockOf(newcomer).tryAcquire()).toBeUndefined()
      await expect(lockOf(newcomer).acquire({ waitMs: 200 })).rejects.toThrow(WaitTimeoutError)
      const next = await lockOf(waiter).acquire()
      const twoMs = hold.remainingMs
      const tookMs = performance.now() - atMs
      expect(twoMs).toBe(0)
      expect(next.token).toBeGreaterThan(hold.token)
      expect(tookMs).toBeGreaterThan(lockDelayMs)
      expect(tookMs).toBeLessThan(lockDelayMs + 3_000)
      await next.release()
      // Nothing of the dead holder is left: the next acquire is immediate.
      const before = performance.now()
      await (await lockOf(newcomer).acquire()).release()
      expect(performance.now() - before).toBeLessThan(1_000)
    },
  )

  test('a release and a polite close cost no lock-delay, and leave nothing', async () => {
    const namespace = freshNamespace()
    const [one, two] = [
      await client(namespace),
      await connect(urlOf(etcd.cluster.endpoints[0] as string, namespace), { ttlMs }),
    ]
    const hold = await one.mutex('a').acquire()
    const second = two.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    const began = performance.now()
    await hold.release()
    await second
    const third = one.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    await two.close()
    await (await third).release()
    expect(performance.now() - began).toBeLessThan(1_500)
    expect((await etcd.keys(`${namespace}\0`)).map(({ key }) => key)).toEqual([
      expect.stringContaining('leasehold/session/'),
    ])
  })
})

test('a lock-delay beyond the time to live is refused, since no holder believes for longer than that', async () => {
  await expect(connect('etcd://h/?lockDelayMs=7000', { ttlMs: 6_000 })).rejects.toThrow(
    new RangeError('lockDelayMs: 7000 is out of range; it takes at most the ttlMs, 6000'),
  )
})
