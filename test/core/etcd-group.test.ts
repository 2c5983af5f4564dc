// Several names on etcd: one transaction takes them if all are free, and one gives them back. Over a connection that loses,
// delays or refuses the messages that the test chooses.
import type { ITxnRequest } from 'etcd3'
import { expect, test } from 'vitest'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import type { WatchListener } from '../../src/backends/etcd/wire/transport.ts'
import { SessionGoneError } from '../../src/base/errors.ts'
import { connect, type Leasehold, RefusedError, UnavailableError } from '../../src/index.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { isOver, never } from '../election/scene.ts'
import { traced } from './listening.ts'
import { ManualClock, settle } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

/** The way of a message: its answer may be lost, or the message itself, which then arrives late. */
type Fate = 'answered' | 'applied' | 'late' | 'gone' | ((request: ITxnRequest) => Fate)

async function scene({ lockDelayMs = 0 } = {}) {
  const clock = new ManualClock()
  const watchers = new Set<WatchListener>()
  const state = new EtcdState((changes) => {
    const deleted = changes.filter(({ kind }) => kind === 'deleted')
    for (const watcher of watchers) watcher.deleted(deleted)
  })
  const fates: Fate[] = []
  const sent: ITxnRequest[] = []
  const late: ITxnRequest[] = []
  const transport = scripted({
    async txn(request) {
      sent.push(request)
      let fate = fates.shift() ?? 'answered'
      if (typeof fate === 'function') fate = fate(request)
      if (fate === 'gone') throw new SessionGoneError('the lease has ended')
      if (fate === 'late') late.push(request)
      else if (fate === 'answered') return state.txn(request)
      else state.txn(request)
      throw new UnavailableError('no answer')
    },
    async grant(lease, seconds) {
      state.grant(lease)
      return seconds
    },
    async keepAlive() {},
    async revoke(lease) {
      state.revoke(lease)
    },
    watch(_, listener) {
      watchers.add(listener)
      void Promise.resolve().then(() => listener.created(state.revision))
      return () => watchers.delete(listener)
    },
  })
  const open = async () => new EtcdBackend(transport, new Layout(''), clock, lockDelayMs)
  const client = (): Promise<Leasehold> =>
    connect({ url: 'etcd://test', open }, { clock, ttlMs: lockDelayMs || 10_000 })
  return {
    ...{ state, clock, fates, sent, client, open },
    /** The names with claims in the store. */
    taken: () => state.range('a', 'z').map(({ key }) => key.slice(0, key.lastIndexOf('/'))),
    arrive: () => late.splice(0).map((request) => state.txn(request).succeeded),
    remove: (name: string) => {
      const key = state.range(`${name}/`, `${name}0`)[0]?.key ?? ''
      state.txn({ compare: [], success: [{ request_delete_range: { key: Buffer.from(key) } }], failure: [] })
    },
  }
}

test.each([0, 10_000])(
  'with a lock-delay of %i ms, one transaction takes five free names, and one gives them back',
  async (lockDelayMs) => {
    const { sent, client, taken, state } = await scene({ lockDelayMs })
    const one = await client()
    const earlier = await one.mutex('c').acquire()
    await earlier.release()
    sent.length = 0
    const hold = await one.mutexes(['e', 'c', 'a', 'd', 'b']).acquire()
    expect(sent.length).toBe(1)
    expect([...hold.tokens.keys()]).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(new Set(hold.tokens.values())).toEqual(new Set([state.revision]))
    expect(hold.tokens.get('c')).toBeGreaterThan(earlier.token)
    expect(taken()).toEqual(['a', 'b', 'c', 'd', 'e'])
    await hold.verify()
    sent.length = 0
    const released = hold.release()
    expect(hold.held).toBe(false)
    await released
    expect(sent.length).toBe(1)
    expect(state.range('\0', '\0').filter(({ key }) => !key.includes('session/'))).toEqual([])
    const again = await one.mutexes(['c', 'e']).tryAcquire()
    expect(again?.tokens.get('c')).toBeGreaterThan(hold.tokens.get('c') ?? 0n)
  },
)

test.each([
  [0, 64, 1],
  [10_000, 42, 1],
  [10_000, 43, 43],
])(
  'a transaction has at most 128 conditions and 128 operations: lock-delay %i ms, %i names in %i',
  async (lockDelayMs, count, transactions) => {
    const { sent, client } = await scene({ lockDelayMs })
    const one = await client()
    sent.length = 0
    const hold = await one.mutexes(Array.from({ length: count }, (_, index) => `n${index}`)).acquire()
    expect(sent.length).toBe(transactions)
    await hold.release()
    for (const { compare = [], success = [], failure = [] } of sent)
      expect(Math.max(compare.length, success.length, failure.length)).toBeLessThanOrEqual(128)
  },
)

test('tryAcquire of names of which one is taken is one transaction, and puts nothing', async () => {
  const { sent, client, state } = await scene()
  const [one, other] = [await client(), await client()]
  const hold = await other.mutex('b').acquire()
  const { revision } = state
  sent.length = 0
  expect(await one.mutexes(['a', 'b', 'c']).tryAcquire()).toBeUndefined()
  expect([sent.length, state.revision]).toEqual([1, revision])
  await hold.release()
  expect((await one.mutexes(['a', 'b', 'c']).tryAcquire())?.held).toBe(true)
})

test('names of which one is taken are taken in order, as soon as it is free', async () => {
  const { client, taken } = await scene()
  const [one, other] = [await client(), await client()]
  const hold = await other.mutex('b').acquire()
  const waiting = one.mutexes(['c', 'b', 'a']).acquire()
  expect(await isOver(waiting)).toBe(false)
  expect(taken()).toEqual(['a', 'b', 'b'])
  await hold.release()
  await (await waiting).release()
  expect(taken()).toEqual([])
})

test('a claim on a longer name is in nobody’s way: the names are taken by a second transaction', async () => {
  const { sent, client, taken } = await scene()
  const [one, other] = [await client(), await client()]
  await other.mutex('a/b').acquire()
  sent.length = 0
  const hold = await one.mutexes(['a', 'c']).tryAcquire()
  expect([hold?.held, sent.length]).toEqual([true, 2])
  await hold?.release()
  expect(taken()).toEqual(['a/b'])
})

test('a call of this client that has one of the names, or waits for it, comes first, and nothing is sent meanwhile', async () => {
  const { sent, client } = await scene()
  const one = await client()
  const hold = await one.mutex('b').acquire()
  const next = one.mutex('b').acquire()
  const group = one.mutexes(['b', 'a'])
  sent.length = 0
  expect(await group.tryAcquire()).toBeUndefined()
  expect(sent.length).toBe(0)
  const waiting = group.acquire()
  await settle()
  await hold.release()
  const second = await next
  expect(await isOver(waiting)).toBe(false)
  await second.release()
  expect((await waiting).held).toBe(true)
})

test.each(['all of them, at once', 'only the first', 'only the last'])(
  'the transaction of claims that were given up leaves nothing if it arrives after the withdrawal of %s',
  async (what) => {
    const { fates, open, arrive, taken } = await scene()
    const backend = await open()
    const { id: session } = await backend.createSession(10_000, never)
    const claims = ['a', 'b', 'c'].map((name, index) =>
      claimOf(name, session, { id: `${index}`, wait: false }),
    )
    fates.push('late')
    await expect(backend.attemptAll(claims, never)).rejects.toThrow('no answer')
    if (what.startsWith('all')) await backend.withdrawAll(claims, never)
    else await backend.withdraw(claims.at(what.endsWith('first') ? 0 : -1) ?? fail(), never)
    expect(arrive()).toEqual([false])
    expect(taken()).toEqual([])
  },
)

test.each(['before', 'after', 'while'])(
  'an abort of the call leaves nothing, if its transaction arrives %s the withdrawal asks',
  async (when) => {
    const { fates, client, arrive, taken, clock } = await scene()
    const one = await client()
    const enough = new AbortController()
    fates.push('late', 'late', ...(when === 'while' ? (['late'] as const) : []))
    const failed = expect(one.mutexes(['a', 'b']).acquire({ signal: enough.signal })).rejects.toBe('enough')
    await settle()
    if (when === 'before') expect(arrive()).toEqual([true])
    enough.abort('enough')
    await failed
    if (when === 'while') {
      await settle()
      await clock.advance(10)
      arrive()
    }
    await clock.advance(1_000)
    expect(taken()).toEqual([])
    arrive()
    expect(taken()).toEqual([])
    expect((await one.mutexes(['a', 'b']).acquire()).held).toBe(true)
  },
)

test('a transaction that was applied without an answer is recognized, and its names are held once', async () => {
  const { fates, client, taken, clock, state } = await scene()
  const one = await client()
  fates.push('applied', 'applied')
  const acquiring = one.mutexes(['a', 'b']).acquire()
  await settle()
  await clock.advance(500)
  const hold = await acquiring
  expect(taken()).toEqual(['a', 'b'])
  expect(hold.tokens.get('b')).toBe(state.revision)
  await hold.release()
  expect(taken()).toEqual([])
})

test('if an operator removed a part before the answer came, the rest is given back, and then all names are taken anew', async () => {
  const { fates, client, taken, clock, remove, arrive } = await scene()
  const one = await client()
  fates.push('applied', 'answered', 'answered', 'late') // counts the keys, asks anew, and withdraws
  const acquiring = one.mutexes(['a', 'b', 'c']).acquire()
  await settle()
  expect(taken()).toEqual(['a', 'b', 'c'])
  remove('b')
  await clock.advance(50)
  expect(await isOver(acquiring)).toBe(false)
  await clock.advance(1_000)
  const hold = await acquiring
  arrive()
  await hold.verify()
  expect(taken()).toEqual(['a', 'b', 'c'])
  await hold.release()
  expect(taken()).toEqual([])
})

test('if an operator removed one of the names, the release still gives back the others', async () => {
  const { client, taken, remove } = await scene()
  const [one, other] = [await client(), await client()]
  const hold = await one.mutexes(['a', 'b', 'c']).acquire()
  remove('b')
  const theirs = await other.mutex('b').acquire()
  await hold.release()
  expect(taken()).toEqual(['b'])
  await theirs.verify()
})

test('a release without an answer is repeated, and never touches the next holder', async () => {
  const { fates, client, taken, clock, arrive } = await scene()
  const one = await client()
  const hold = await one.mutexes(['a', 'b']).acquire()
  fates.push('late', 'applied')
  const released = hold.release()
  await settle()
  await clock.advance(1_000)
  await released
  expect(taken()).toEqual([])
  const next = await one.mutexes(['a', 'b']).acquire()
  expect(arrive()).toEqual([false])
  await next.verify()
})

test('if the session ends before the answer, the names are taken with the next session', async () => {
  const { fates, client, taken } = await scene()
  const one = await client()
  fates.push('gone')
  const hold = await one.mutexes(['a', 'b']).acquire()
  await hold.verify()
  expect(taken()).toEqual(['a', 'b'])
})

test('if etcd permits only some of the names, the error tells which one it refused, and none is held', async () => {
  const { fates, client, taken } = await scene()
  const one = await client()
  const guard: Fate = ({ compare, success }) => {
    const keys = [...(compare ?? []), ...(success ?? []).map((each) => each.request_put ?? {})]
    if (keys.some(({ key }) => String(key).startsWith('b/'))) throw new RefusedError('not permitted: b')
    return 'answered'
  }
  fates.push(guard, guard, guard, guard, guard)
  await expect(one.mutexes(['a', 'b', 'c']).acquire()).rejects.toThrow('not permitted: b')
  await settle()
  expect(taken()).toEqual([])
})

test('a record that a dead holder left keeps all of the names from the next one until its lock-delay is over', async () => {
  const { client, state, taken } = await scene({ lockDelayMs: 10_000 })
  const [one, other] = [await client(), await client()]
  await other.mutex('b').acquire()
  const lease = state.range('b/', 'b0')[0]?.lease ?? ''
  state.revoke(lease)
  expect(await one.mutexes(['a', 'b']).tryAcquire()).toBeUndefined()
  expect(taken()).toEqual([])
  const [record] = state.range('\0leasehold/claimed/', '\0leasehold/claimed0')
  expect(record?.lease).not.toBe('0')
  state.revoke(record?.lease ?? '')
  expect((await one.mutexes(['a', 'b']).tryAcquire())?.held).toBe(true)
})

function fail(): never {
  throw new Error('no such claim')
}

test('the events of a group begin with its one request, and a busy group is told for each name', async () => {
  const { sent, client, fates } = await scene()
  const [one, other] = [await client(), await client()]
  const acquires = traced('leasehold:acquire')
  const begunAt: number[] = []
  fates.push(() => {
    begunAt.push(acquires.begun.length, acquires.ended.length)
    return 'answered'
  })
  const before = sent.length
  const hold = await one.mutexes(['a', 'b']).acquire()
  expect(sent.length).toBe(before + 1)
  expect(begunAt).toEqual([2, 0]) // both had begun before the request was answered, and none was over
  await settle()
  const told = ({ name, outcome }: { name: string; outcome?: string | undefined }) => `${name} ${outcome}`
  expect(acquires.ended.map(told)).toEqual(['a held', 'b held'])

  expect(await other.mutexes(['b', 'c']).tryAcquire()).toBe(undefined)
  await settle()
  expect(acquires.ended.slice(2).map(told)).toEqual(['b busy', 'c busy'])
  await hold.release()
  await Promise.all([one.close(), other.close()])
})
