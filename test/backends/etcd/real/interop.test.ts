// One lock for Leasehold and for `etcdctl lock`, for every version line of the tool and of the server.
import { describe, expect, test } from 'vitest'
import type { Leasehold, Lock } from '../../../../src/index.ts'
import type { EtcdLine } from '../../../../tools/servers/run.mjs'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { EtcdctlLock, etcdctlOf } from '../../../servers/etcdctl-lock.ts'
import { etcdLines } from '../../../servers/lines.ts'

/** A holder: Leasehold or etcdctl. */
interface Turn {
  readonly held: Promise<bigint>
  release(): Promise<void>
}

describe.for(etcdLines)('with a server of etcd %s', ({ line }) => {
  const etcd = useEtcd({ line })

  async function ours(namespace: string, name: string): Promise<Turn> {
    const client = await etcd.client(namespace)
    const hold = client.mutex(name).acquire()
    return { held: hold.then(({ token }) => token), release: async () => (await hold).release() }
  }

  async function theirs(tool: EtcdLine, namespace: string, name: string): Promise<Turn> {
    return new EtcdctlLock(await etcdctlOf(tool), etcd.cluster.endpoints[0] ?? '', `${namespace}${name}`)
  }

  test.for(etcdLines)('etcdctl %s lock waits for a client of Leasehold', async ({ line: tool }) => {
    const namespace = freshNamespace()
    const hold = await (await etcd.client(namespace)).mutex('a').acquire()
    const other = await theirs(tool, namespace, 'a')
    await etcd.line(namespace, 'a', 2)

    const released = hold.token + 0n
    expect(hold.held).toBe(true)
    await hold.release()

    expect(await other.held).toBeGreaterThan(released)
    await other.release()
    expect(await etcd.keys(`${namespace}a/`)).toEqual([])
  })

  test.for(etcdLines)('a client of Leasehold waits for etcdctl %s lock', async ({ line: tool }) => {
    const namespace = freshNamespace()
    const other = await theirs(tool, namespace, 'a')
    const theirToken = await other.held
    const client = await etcd.client(namespace)

    expect(await client.mutex('a').tryAcquire()).toBeUndefined()
    const waiting = client.mutex('a').acquire()
    await etcd.line(namespace, 'a', 2)
    await other.release()

    const hold = await waiting
    expect(hold.token).toBeGreaterThan(theirToken)
    await hold.verify()
  })

  test('etcdctl lock waits on the name of a mutex with handoff, also while nobody holds it, and keeps nobody waiting', async () => {
    const namespace = freshNamespace()
    const lock = (await etcd.client(namespace)).mutex('a', { handoff: { max: 10, forMs: 1_000 } })
    await (await lock.acquire()).release()
    const other = await theirs(line, namespace, 'a')
    let held = false
    void other.held.then(() => {
      held = true
    })
    await etcd.line(namespace, 'a', 2) // the mark of the name, and the claim of etcdctl
    const hold = await lock.acquire({ waitMs: 5_000 })
    await hold.verify()
    await hold.release()
    expect(held).toBe(false)
    const [mark] = await etcd.keys(`${namespace}a/`)
    await etcd.cluster.etcdctl(['del', mark?.key ?? ''])
    await other.held
    await other.release()
  })

  test.each([
    ['reader', (client: Leasehold): Lock => client.rwlock('a').read],
    ['claim on a semaphore', (client: Leasehold): Lock => client.semaphore('a', { permits: 3 })],
  ])('no %s comes in behind etcdctl lock, which waits for an earlier one', async (_claim, lockOf) => {
    const namespace = freshNamespace()
    const [client, late] = [await etcd.client(namespace), await etcd.client(namespace)]
    const first = await lockOf(client).acquire()
    const other = await theirs(line, namespace, 'a')
    await etcd.line(namespace, 'a', 2)

    expect(await lockOf(late).tryAcquire()).toBeUndefined()
    expect((await client.line('a')).map(({ held }) => held)).toEqual([true, false])
    await first.release()
    await other.held
    await expect(lockOf(late).acquire()).rejects.toThrow(/in use as a mutex/)
    await other.release()
    await (await lockOf(late).acquire()).release()
  })

  test('etcdctl lock waits for one name of a group, and keeps the group waiting', async () => {
    const namespace = freshNamespace()
    const group = (await etcd.client(namespace)).mutexes(['b', 'a'])
    const hold = await group.acquire()
    const other = await theirs(line, namespace, 'b')
    await etcd.line(namespace, 'b', 2)

    await hold.verify()
    await hold.release()
    const token = await other.held
    expect(token).toBeGreaterThan(hold.tokens.get('b') as bigint)
    expect(await group.tryAcquire()).toBeUndefined()
    const waiting = group.acquire()
    await etcd.line(namespace, 'b', 2)
    await other.release()

    const { tokens } = await waiting
    expect(tokens.get('b')).toBeGreaterThan(token)
  })

  test('etcdctl lock behind a name that stays taken gets it when the time is over, and not before', async () => {
    const namespace = freshNamespace()
    const hold = await (await etcd.client(namespace)).mutexes(['a', 'b']).acquire()
    const others = await Promise.all(['a', 'b'].map((name) => theirs(line, namespace, name)))
    const heldMs = Promise.all(others.map(({ held }) => held.then(() => performance.now())))
    for (const name of ['a', 'b']) await etcd.line(namespace, name, 2)

    const began = performance.now()
    await hold.release({ afterMs: 2_000 })
    const released = performance.now()

    for (const ms of await heldMs) {
      expect(ms - began).toBeGreaterThan(1_950)
      expect(ms - released).toBeLessThan(5_000)
    }
    for (const other of others) await other.release()
  })

  test('in a mixed line each client has its turn in the order of arrival, with a larger token', async () => {
    const namespace = freshNamespace()
    etcd.writeAlways(2)
    const order: number[] = []
    const turns: Turn[] = []
    for (let place = 0; place < 14; place += 1) {
      const tool = etcdLines[(place >> 1) % etcdLines.length]?.line ?? line
      const turn = await (place % 2 === 0 ? ours(namespace, 'a') : theirs(tool, namespace, 'a'))
      turns.push(turn)
      turn.held.then(() => order.push(place)).catch(() => {})
      await etcd.line(namespace, 'a', place + 1)
    }

    const tokens: bigint[] = []
    for (const [place, turn] of turns.entries()) {
      tokens.push(await turn.held)
      expect(order).toHaveLength(place + 1)
      await turn.release()
    }

    expect(order).toEqual(order.toSorted((one, other) => one - other))
    for (const [place, token] of tokens.entries()) {
      if (place > 0) expect(token, `of ${tokens}`).toBeGreaterThan(tokens[place - 1] as bigint)
    }
  })

  test('a waiter of etcdctl that is killed does not block the one behind it', async () => {
    const namespace = freshNamespace()
    const hold = await (await etcd.client(namespace)).mutex('a').acquire()
    const killed = etcd.cluster.spawnEtcdctl(['lock', '--ttl=2', `${namespace}a`])
    await etcd.line(namespace, 'a', 2)
    const waiting = (await etcd.client(namespace)).mutex('a').acquire()
    await etcd.line(namespace, 'a', 3)

    killed.kill('SIGKILL')
    await hold.release()

    await (await waiting).verify()
  })
})
