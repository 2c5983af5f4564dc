// One mutex and one election for Leasehold and for the concurrency package of etcd's client for Go.
// LEASEHOLD_PEERS_SECONDS sets how long they contend.
import { describe, expect, test } from 'vitest'
import type { StoreKey } from '../../../../src/index.ts'
import type { EtcdLine } from '../../../../tools/servers/run.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import { type Arena, Contest } from '../../../servers/contest.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { etcdLines, isNewest, type TestedLine } from '../../../servers/lines.ts'
import { goPeers, Peer } from '../../../servers/peer.ts'

const seconds = Number(process.env.LEASEHOLD_PEERS_SECONDS ?? 8)
const ttlMs = 2_000
const verbs = { mutex: ['lock', 'unlock'], election: ['campaign', 'resign'] } as const

const built = useBuild()

if ('reason' in goPeers) test(`the peers in Go are left out: ${goPeers.reason}`, () => {})
else describe.for(etcdLines)('with a server of etcd %s', testsOf)

function testsOf({ line, version }: TestedLine<EtcdLine>): void {
  const etcd = useEtcd({ line })
  const endpoint = (): string => etcd.cluster.endpoints[0] ?? ''

  async function goPeer(): Promise<Peer> {
    const peer = Peer.go('etcd', endpoint())
    await peer.do('session', { ttl: ttlMs / 1_000 })
    return peer
  }

  function arena(kind: keyof typeof verbs): Arena {
    const name = `${freshNamespace()}${kind}`
    const [take, give] = verbs[kind]
    const start = async (side: string): Promise<Peer> =>
      side === 'Go' ? goPeer() : Peer.node(built.index, etcd.cluster.url(), { ttlMs })
    const first = async () => (await etcd.keys(`${name}/`))[0]
    return {
      title: `etcd ${version}, one ${kind}`,
      name,
      ttlMs,
      start,
      take: (peer, value) => peer.ask(take, { name, value }),
      give: (peer) => peer.ask(give, { name }),
      again: async (peer) => peer.side === 'Go' && peer.do('session', { ttl: ttlMs / 1_000 }),
      revoke: async ({ created }) => {
        const key = (await etcd.keys(`${name}/`)).find((each) => each.created === created)
        // The lease may end in between.
        if (key) await etcd.gateway('lease/revoke', { ID: String(key.lease) }).catch(() => {})
      },
      first: async () => (await first())?.created,
      // It may have lost its session a moment ago.
      close: (peer) => peer.ask('close'),
    }
  }

  test('in Go, IsOwner of a lock is right, and TryLock and waiters respect a lock of Leasehold', async () => {
    const name = `${freshNamespace()}a`
    const peer = await goPeer()
    const mutex = (await etcd.client('')).mutex(name)
    const hold = await mutex.acquire()

    expect(await peer.do('trylock', { name })).toMatchObject({ held: false })
    const waiting = peer.do('lock', { name })
    await etcd.line('', name, 2)
    expect(hold.held).toBe(true)
    await hold.release()
    const { token = '', created = '' } = await waiting
    expect(BigInt(token)).toBeGreaterThan(hold.token)
    expect((await etcd.keys(`${name}/`))[0]?.created).toBe(BigInt(created))
    expect(await peer.do('isowner', { name })).toMatchObject({ owner: true })
    expect(await mutex.tryAcquire()).toBeUndefined()

    await peer.do('unlock', { name })
    const next = await mutex.acquire()
    expect(next.token).toBeGreaterThan(BigInt(token))
    await peer.do('close')
  })

  test('in Go, Lock and TryLock never hold the name of a mutex with handoff, and keep nobody waiting', async () => {
    const name = `${freshNamespace()}a`
    const [peer, other] = [await goPeer(), await goPeer()]
    const mutex = (await etcd.client('')).mutex(name, { handoff: { max: 10, forMs: 1_000 } })
    await (await mutex.acquire()).release()
    expect(await peer.do('trylock', { name })).toMatchObject({ held: false })
    let isHeld = false
    void other.do('lock', { name }).then(() => {
      isHeld = true
    })
    await etcd.line('', name, 2) // the mark of the name, and the claim in Go
    const hold = await mutex.acquire({ waitMs: 5_000 })
    await hold.verify()
    expect(await peer.do('trylock', { name })).toMatchObject({ held: false })
    await hold.release()
    expect(isHeld).toBe(false)
    const [mark] = await etcd.keys(`${name}/`)
    await etcd.cluster.etcdctl(['del', mark?.key ?? ''])
    await until(async () => isHeld, { describe: () => 'Go holds the name when the mark is gone' })
    await Promise.all([peer.do('close'), other.do('close')])
  })

  test('in Go, Observe shows leaders of Leasehold, and IsOwner sees that an operator removed the key', async () => {
    const name = `${freshNamespace()}a`
    const peer = await goPeer()
    await peer.do('observe', { name })
    const election = (await etcd.client('')).election(name)
    const term = await election.campaign({ value: 'ours' })
    const sees = (value: string, token: bigint) =>
      until(async () => peer.events.some((said) => said.value === value && said.token === String(token)), {
        describe: () => `${value} among ${JSON.stringify(peer.events)}`,
      })
    await sees('ours', term.token)
    await term.resign()
    const { token = '' } = await peer.do('campaign', { name, value: 'theirs' })
    await sees('theirs', BigInt(token))
    expect(await election.leader()).toMatchObject({ value: 'theirs', token: BigInt(token) })
    await peer.do('resign', { name })

    const { created = '' } = await peer.do('lock', { name: `${name}-lock` })
    expect(await (await etcd.client('')).break(`${name}-lock`, BigInt(created))).toBe(true)
    expect(await peer.do('isowner', { name: `${name}-lock` })).toMatchObject({ owner: false })
    await peer.do('close')
  })

  test('with the key and the number of a hold, a program in Go writes only while it is held', async () => {
    const name = `${freshNamespace()}a`
    const peer = await goPeer()
    const [one, other] = [await etcd.client(''), await etcd.client('')]
    const before = await one.mutex(name).acquire()
    const waiting = other.mutex(name).acquire()
    await etcd.line('', name, 2)
    const write = (key: StoreKey | undefined, value: string) =>
      peer.do('write', { name: `${name}-data`, value, key: key?.name, revision: String(key?.revision) })
    const { key } = before
    expect(await write(key, 'first')).toMatchObject({ owner: true })
    await before.checkpoint('a write of the hold does not change the number')
    expect(await write(before.key, 'second')).toMatchObject({ owner: true })
    await before.release()
    const hold = await waiting
    expect(await write(key, 'late')).toMatchObject({ owner: false })
    expect(before.key).toBeUndefined()
    expect(hold.key?.revision).not.toBe(hold.token) // it has waited: the number to compare is not the token
    expect(await write(hold.key, 'third')).toMatchObject({ owner: true })
    expect((await etcd.keys(`${name}-data`)).map(({ value }) => value)).toEqual(['third'])
    await peer.do('close')
  })

  // Only the newest version line has long contests; for the others a directed test is enough.
  if (!isNewest(line)) return
  test.for(['mutex', 'election'] as const)(
    'three peers in Go and three of Leasehold share one %s, with faults of the holders',
    { timeout: (seconds + 60) * 1_000 },
    async (kind) => {
      const place = arena(kind)
      const contest = await Contest.run(place, { seconds, troubles: ['revoke', 'kill', 'stop'] })

      console.log(contest.summary)
      contest.expectOneAtATime()
      expect(contest.share('Go').turns).toBeGreaterThan(10)
      expect(contest.share('Node').turns).toBeGreaterThan(10)
      const left = async () => (await etcd.keys(place.name)).length + (await etcd.leases()).length === 0
      await until(left, { describe: () => 'no key and no lease', deadlineMs: 2 * ttlMs + 2_000 })
    },
  )
}
