// A stranger's `etcdctl put` on the key of a claim takes its lease away: the client that lives gives it back, and what a
// dead one leaves is shown.
import { describe, expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, type StoredKey, useEtcd } from '../../../servers/etcd.ts'
import { etcdLines } from '../../../servers/lines.ts'

const ttlMs = 3_000

describe.for(etcdLines)('with a server of etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })

  /** Writes a claim's key as a stranger does, and returns the key as it was. */
  async function strip(namespace: string, name: string, place = 0): Promise<StoredKey> {
    const claim = (await etcd.keys(`${namespace}${name}/`))[place]
    if (!claim) throw new Error(`no claim ${place} on ${name}`)
    await etcd.put(claim.key, 'x')
    expect((await etcd.keys(claim.key))[0]).toMatchObject({ lease: 0n, value: 'x', created: claim.created })
    return claim
  }

  test('a leader that verifies its term puts lease and value back on its key, and keeps its place', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace, { ttlMs: 60_000 })
    const term = await client.election('a').campaign({ value: 'one' })
    await term.proclaim('two')
    const before = await strip(namespace, 'a')
    await term.verify()
    expect((await etcd.keys(before.key))[0]).toEqual({ ...before, value: 'two' })
    await term.proclaim('three')
    expect(await client.election('a').leader()).toMatchObject({ value: 'three', token: term.token })
  })

  test('a checkpoint of a holder puts the lease back before it is written', async () => {
    const namespace = freshNamespace()
    const hold = await (await etcd.client(namespace, { ttlMs: 60_000 })).mutex('a').acquire()
    const before = await strip(namespace, 'a')
    await hold.checkpoint('page 7')
    expect((await etcd.keys(before.key))[0]).toMatchObject({ lease: before.lease, created: before.created })
    await hold.release()
    expect(await etcd.keys(`${namespace}a/`)).toEqual([])
  })

  test('a leader does so by itself within a third of its time to live, and is followed when it dies', async () => {
    const namespace = freshNamespace()
    const [leader, standby] = [
      await etcd.client(namespace, { ttlMs }),
      await etcd.client(namespace, { ttlMs }),
    ]
    const term = await leader.election('a').campaign({ value: 'one' })
    const next = standby.election('a').campaign({ value: 'two' })
    await etcd.line(namespace, 'a', 2)
    const before = await strip(namespace, 'a')
    const began = performance.now()
    await until(async () => (await etcd.keys(before.key))[0]?.lease === before.lease, {
      everyMs: 20,
      describe: () => 'its lease on the key',
    })
    expect(performance.now() - began).toBeLessThan(ttlMs / 3 + 1_000)
    expect(term.held).toBe(true)
    await etcd.gateway('lease/revoke', { ID: String(before.lease) })
    await (await next).verify()
  })

  test('a claim that waits does so, too, and no key of it is left when its client dies', async () => {
    const namespace = freshNamespace()
    const [holder, waiter] = [
      await etcd.client(namespace, { ttlMs }),
      await etcd.client(namespace, { ttlMs }),
    ]
    const hold = await holder.mutex('a').acquire()
    const waiting = waiter.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    const before = await strip(namespace, 'a', 1)
    await until(async () => (await etcd.keys(before.key))[0]?.lease === before.lease, {
      everyMs: 20,
      describe: () => 'its lease on the key',
    })
    await hold.release()
    await (await waiting).verify()
  })

  test('the key that a dead leader leaves is named by leader, survey, line and break alike', async () => {
    const namespace = freshNamespace()
    const [leader, other] = [await etcd.client(namespace, { ttlMs }), await etcd.client(namespace, { ttlMs })]
    await leader.election('a').campaign({ value: 'one' })
    const { key, lease, created } = await strip(namespace, 'a')
    await etcd.gateway('lease/revoke', { ID: String(lease) })
    await leader.close()
    await etcd.put(key, 'x')
    const shown = { held: true, key, value: 'x' }
    const [state] = await other.survey()
    expect(state).toMatchObject({ name: 'a', claims: [shown] })
    const [standing] = await other.line('a')
    expect(standing).toMatchObject(shown)
    const inTheWay = { code: 'LEASEHOLD_CONFLICT', message: expect.stringContaining(key) }
    await expect(other.election('a').leader()).rejects.toMatchObject(inTheWay)
    await expect(other.break('a', standing?.token ?? created)).rejects.toMatchObject(inTheWay)
    await expect(other.election('a').campaign({ waitMs: 1_000 })).rejects.toMatchObject(inTheWay)
  })
})
