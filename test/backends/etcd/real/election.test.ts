// One election for Leasehold and for `etcdctl elect`; candidates and leaders whose leases end.
import { describe, expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, type StoredKey, useEtcd } from '../../../servers/etcd.ts'
import { EtcdctlElect } from '../../../servers/etcdctl-elect.ts'
import { etcdLines } from '../../../servers/lines.ts'
import { Observed } from '../../../servers/observed.ts'

/** The session of a key in a line, as Leasehold names it. */
const sessionOf = ({ lease }: StoredKey): string => lease.toString(16)

describe.for(etcdLines)('with a server of etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })
  const endpoint = (): string => etcd.cluster.endpoints[0] ?? ''

  test.for(etcdLines)(
    'etcdctl %s elect and a candidate of Leasehold lead in turn',
    async ({ line: tool }) => {
      const namespace = freshNamespace()
      const election = (await etcd.client(namespace)).election('a')
      const first = await election.campaign({ value: 'ours' })
      const theirs = await EtcdctlElect.campaign(tool, endpoint(), `${namespace}a`, 'theirs')
      await etcd.line(namespace, 'a', 2)
      expect(theirs.shown).toEqual([])
      expect(first.held).toBe(true)

      await first.resign()
      const { key } = await theirs.shows('theirs')
      const second = election.campaign({ value: 'ours again' })
      const [their] = await etcd.line(namespace, 'a', 2)
      expect(their?.key).toBe(key)
      expect(await election.leader()).toEqual({
        value: 'theirs',
        token: their?.created,
        session: sessionOf(their as StoredKey),
        mine: false,
      })

      await theirs.resign()
      const term = await second
      await term.verify()
      expect(term.token).toBeGreaterThan(their?.created as bigint)
      expect(their?.created).toBeGreaterThan(first.token)
      await term.resign()
      expect(await etcd.keys(`${namespace}a/`)).toEqual([])
    },
  )

  test.for(etcdLines)(
    'etcdctl %s elect -l sees the value of a Leasehold leader, also after it proclaims another',
    async ({ line: tool }) => {
      const namespace = freshNamespace()
      const election = (await etcd.client(namespace)).election('a')
      const term = await election.campaign({ value: 'one' })
      const observer = await EtcdctlElect.observe(tool, endpoint(), `${namespace}a`)

      const { key } = await observer.shows('one')
      await term.proclaim('two')
      expect((await observer.shows('two')).key).toBe(key)
      await term.checkpoint('work done')
      await term.proclaim('three')
      await observer.shows('three')
      await term.resign()
      await (await etcd.client(namespace)).election('a').campaign({ value: 'four' })

      expect((await observer.shows('four')).key).not.toBe(key)
      // A checkpoint writes the leader's key unchanged, and etcdctl prints every write.
      const values = observer.shown.map(({ value }) => value)
      expect([...new Set(values)]).toEqual(['one', 'two', 'three', 'four'])
    },
  )

  test.for(etcdLines)(
    'observe shows etcdctl %s as a leader, and no leader in between',
    async ({ line: tool }) => {
      const namespace = freshNamespace()
      const client = await etcd.client(namespace)
      const election = client.election('a')
      const observed = new Observed((await etcd.client(namespace)).election('a'))
      await observed.sees('nobody')
      expect(await election.leader()).toBeUndefined()

      const theirs = await EtcdctlElect.campaign(tool, endpoint(), `${namespace}a`, 'theirs')
      const seen = await observed.sees('theirs')
      const [key] = await etcd.line(namespace, 'a', 1)
      expect(seen).toMatchObject({
        value: 'theirs',
        token: key?.created,
        session: sessionOf(key as StoredKey),
      })
      await theirs.resign()
      await observed.sees('nobody')
      const term = await election.campaign({ value: 'ours' })
      expect(await observed.sees('ours')).toMatchObject({ token: term.token })
      await term.resign()
      await observed.sees('nobody')

      expect(observed.values).toEqual(['nobody', 'theirs', 'nobody', 'ours', 'nobody'])
    },
  )

  test('an observer follows from leader to leader in a mixed line', async () => {
    const namespace = freshNamespace()
    const clients = [await etcd.client(namespace), await etcd.client(namespace)]
    const observed = new Observed((await etcd.client(namespace)).election('a'))
    const first = await clients[0]?.election('a').campaign({ value: 'first' })
    const theirs = await EtcdctlElect.campaign(line, endpoint(), `${namespace}a`, 'second')
    await etcd.line(namespace, 'a', 2)
    const third = clients[1]?.election('a').campaign({ value: 'third' })
    const keys = await etcd.line(namespace, 'a', 3)

    await observed.sees('first')
    await first?.resign()
    expect((await observed.sees('second'))?.token).toBe(keys[1]?.created)
    await theirs.resign()
    expect((await observed.sees('third'))?.token).toBe((await third)?.token)

    expect(observed.told.at(-1)?.token).toBe(keys[2]?.created)
  })
})

describe('when a lease ends', () => {
  const etcd = useEtcd()
  const revoke = ({ lease }: StoredKey): Promise<unknown> =>
    etcd.gateway('kv/lease/revoke', { ID: String(lease) })

  test('a candidate whose lease is revoked while it waits stands in line again, at the end', async () => {
    const namespace = freshNamespace()
    const [one, other, third] = await Promise.all([1, 2, 3].map(() => etcd.client(namespace)))
    const term = await one?.election('a').campaign()
    const second = other?.election('a').campaign({ value: 'revoked' })
    const [, claim] = await etcd.line(namespace, 'a', 2)
    const last = third?.election('a').campaign({ value: 'last' })
    await etcd.line(namespace, 'a', 3)

    await revoke(claim as StoredKey)
    // For a moment two claims stand in the line, which may be too short to be seen.
    const again = await until(
      async () => {
        const claims = await etcd.line(namespace, 'a', 3)
        return claims.find(({ value, lease }) => value === 'revoked' && lease !== claim?.lease)
      },
      { describe: () => 'a new claim of the candidate' },
    )
    expect((await etcd.line(namespace, 'a', 3)).at(-1)).toEqual(again)
    await term?.resign()

    const next = await last
    await next?.resign()
    expect((await second)?.token).toBe(again.created)
  })
})
