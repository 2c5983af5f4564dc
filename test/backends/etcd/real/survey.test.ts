// The operator's view of a real etcd: `survey` lists the claims of Leasehold and etcdctl among other data, and `break`
// removes a holder.
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { Leasehold, NameState } from '../../../../src/index.ts'
import { leasehold } from '../../../cli/leasehold.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { EtcdctlLock, etcdctlOf } from '../../../servers/etcdctl-lock.ts'
import { etcdLines } from '../../../servers/lines.ts'

/** Each name with its permits and, for each claim, whether it holds and its value. */
function shape(states: readonly NameState[]): unknown[] {
  return states.map(({ name, permits, claims }) => [
    name,
    permits,
    claims.map(({ held, value }) => [held, value]),
  ])
}

describe.for(etcdLines)('with a server of etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })

  async function etcdctlLock(namespace: string, name: string): Promise<EtcdctlLock> {
    return new EtcdctlLock(await etcdctlOf(line), etcd.cluster.endpoints[0] ?? '', `${namespace}${name}`)
  }

  test('claims of etcdctl lock and elect are listed with those of Leasehold, each holder with its remaining time', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const lock = await etcdctlLock(namespace, 'mixed')
    await lock.held
    const waiting = client.mutex('mixed').acquire()
    await etcd.line(namespace, 'mixed', 2)
    const elected = etcd.cluster.spawnEtcdctl(['elect', `${namespace}leader`, 'node-7'])
    await etcd.line(namespace, 'leader', 1)
    const pool = await client.semaphore('mixed/pool', { permits: 3 }).acquire()

    const seen = await client.survey()

    const [leader, mixed, inner] = seen
    expect(shape([leader, mixed, inner] as NameState[])).toEqual([
      ['leader', 1, [[true, 'node-7']]],
      [
        'mixed',
        1,
        [
          [true, ''],
          [false, expect.stringContaining(`"pid":${process.pid}`)],
        ],
      ],
      ['mixed/pool', 3, [[true, expect.stringContaining(`"pid":${process.pid}`)]]],
    ])
    expect(seen).toHaveLength(3)
    const leftMs = seen.map(({ claims }) => claims[0]?.ttlLeftMs ?? Number.NaN)
    const mostMs = [60_000, 10_000, 5_000] // etcdctl elect, etcdctl lock, Leasehold
    for (const [index, most] of mostMs.entries()) {
      expect(leftMs[index]).toBeGreaterThanOrEqual(0)
      expect(leftMs[index]).toBeLessThanOrEqual(most)
    }
    expect(mixed?.claims[1]?.ttlLeftMs).toBeUndefined()
    expect(inner?.claims[0]?.token).toBe(pool.token)
    elected.kill('SIGKILL')
    await lock.release()
    await waiting
  })

  test('keys without a lease on a name without claims, and the records of Leasehold, are not listed', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const hold = await client.mutex('a').acquire()
    await hold.checkpoint('page 7')
    await etcd.put(`${namespace}config/abc`, 'data')
    await etcd.put(`${namespace}config`, 'data')
    await etcd.put(`${namespace}deep/1f.2.1`, 'data')

    expect((await client.survey()).map(({ name }) => name)).toEqual(['a'])
    await hold.release()
    expect(await client.survey()).toEqual([])
  })

  test("a stranger's key with a lease blocks the name, is shown with its key, and can be broken", async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const { ID } = await etcd.gateway('lease/grant', { TTL: 60 })
    const key = `${namespace}a/zzz`
    const put = { key: Buffer.from(key).toString('base64'), value: '', lease: ID }
    await etcd.gateway('kv/put', put)
    const env = { LEASEHOLD_URL: etcd.cluster.url(namespace) }

    const [{ name, permits, claims } = { claims: [] }] = await client.survey()
    const refused = await leasehold(['run', 'a', '--try', '--', 'true'], { env }).ended
    const { stdout } = await leasehold(['ls'], { env }).ended

    expect({ name, permits }).toEqual({ name: 'a', permits: undefined })
    expect(claims).toEqual([
      { session: 'zzz', held: true, value: '', token: claims[0]?.token, key, ttlLeftMs: expect.any(Number) },
    ])
    expect(refused).toMatchObject({ status: 75, stderr: expect.stringContaining(`held by the key "${key}"`) })
    expect(stdout).toMatch(
      new RegExp(`^a +\\? +holds +the key "${key}" +- +${claims[0]?.token} +\\d+s$`, 'm'),
    )
    const waiting = client.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    expect(await client.break('a', claims[0]?.token ?? 0n)).toBe(true)
    await (await waiting).release()
    expect(await etcd.keys(`${namespace}a/`)).toEqual([])
  })

  test('a key without a lease at the head of a line is shown, never broken, and named in the error of each caller', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const key = `${namespace}a/data`
    await etcd.put(key)
    const theirs = await etcdctlLock(namespace, 'a')
    theirs.held.catch(() => {})
    const [data] = await etcd.line(namespace, 'a', 2)

    const [{ claims } = { claims: [] }] = await client.survey()

    expect(claims.map((claim) => [claim.held, claim.key])).toEqual([
      [true, key],
      [false, undefined],
    ])
    const named = { code: 'LEASEHOLD_CONFLICT', message: expect.stringContaining(`the key "${key}"`) }
    await expect(client.break('a', data?.created ?? 0n)).rejects.toMatchObject(named)
    await expect(client.mutex('a').tryAcquire()).rejects.toMatchObject(named)
    await expect(client.election('a').leader()).rejects.toMatchObject(named)
    expect(await etcd.keys(`${namespace}a/`)).toHaveLength(2)
    await etcd.gateway('kv/deleterange', { key: Buffer.from(key).toString('base64') })
    await theirs.held
    await theirs.release()
  })

  test('keys under a name of more than 512 bytes are not listed, since no claim can have such a name', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const { ID } = await etcd.gateway('lease/grant', { TTL: 60 })
    for (const bytes of [512, 513, 100_000]) {
      const key = Buffer.from(`${namespace}${'x'.repeat(bytes)}/${BigInt(ID).toString(16)}`)
      await etcd.gateway('kv/put', { key: key.toString('base64'), value: '', lease: ID })
    }
    expect((await client.survey()).map(({ name }) => name.length)).toEqual([512])
  })

  test('a prefix finds the names that begin with it, in any alphabet', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const names = ['é', 'éa', 'ÿ/x', '🔒b', 'z', '\u{103ff}c']
    for (const name of names) await client.mutex(name).acquire()
    const found = async (prefix: string) => (await client.survey(prefix)).map(({ name }) => name)
    expect(await found('é')).toEqual(['é', 'éa'])
    expect(await found('ÿ')).toEqual(['ÿ/x'])
    expect(await found('🔒')).toEqual(['🔒b'])
    expect(await found('\u{103ff}')).toEqual(['\u{103ff}c'])
    expect(await found('')).toEqual(names.toSorted())
  })

  test('when a lock of etcdctl is broken, the next in line holds, and still holds after etcdctl has ended', async () => {
    const namespace = freshNamespace()
    const client = await etcd.client(namespace)
    const theirs = await etcdctlLock(namespace, 'a')
    await theirs.held
    const waiting = client.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    const env = { LEASEHOLD_URL: etcd.cluster.url(namespace) }
    const { stdout } = await leasehold(['ls', '--json'], { env }).ended
    const [{ holders }] = JSON.parse(stdout).names

    const { status } = await leasehold(['break', 'a', '--token', holders[0].token], { env }).ended

    const hold = await waiting
    await theirs.release()
    await hold.verify()
    expect(status).toBe(0)
    await hold.release()
  })

  test('a holder of Leasehold whose lock is broken learns of it at once, and etcdctl lock holds', async () => {
    const namespace = freshNamespace()
    const hold = await (await etcd.client(namespace)).mutex('a').acquire()
    const theirs = await etcdctlLock(namespace, 'a')
    const [claim] = await etcd.line(namespace, 'a', 2)

    expect(await (await etcd.client(namespace)).break('a', claim?.created ?? 0n)).toBe(true)

    if (!hold.signal.aborted) await once(hold.signal, 'abort')
    expect(hold.signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
    expect(await theirs.held).toBeGreaterThan(hold.token)
    await theirs.release()
  })

  test('all names are listed if their keys are too many, and their values too large, for one answer', async () => {
    const namespace = freshNamespace()
    const client: Leasehold = await etcd.client(namespace, { ttlMs: 30_000 })
    const names = Array.from({ length: 9 }, (_, index) => `large/${index}`)
    for (const name of names) await client.election(name).campaign({ value: 'x'.repeat(1_000_000) })
    await etcd.putMany(`${namespace}data/`, 1_100)
    await client.mutex('last').acquire()

    const seen = await client.survey()

    expect(seen.map(({ name }) => name)).toEqual(['last', ...names].toSorted())
    expect(seen.every(({ name, claims }) => name === 'last' || claims[0]?.value.length === 1_000_000)).toBe(
      true,
    )
  })
})
