// The lasting form of a name that a mutex with `handoff` has held: on etcd a key, on Consul the list, on `file:` a row. Claims of every
// other form, also of Go, never hold behind it.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../src/backends/consul/backend.ts'
import { Layout as ConsulLayout } from '../../src/backends/consul/layout.ts'
import type { Transport as ConsulTransport } from '../../src/backends/consul/wire/transport.ts'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout, leaseOf } from '../../src/backends/etcd/layout.ts'
import { put, txn } from '../../src/backends/etcd/operations.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { cohortPermits } from '../../src/base/shapes.ts'
import type { Attempt, Backend, Claim } from '../../src/contract.ts'
import { ConflictError } from '../../src/index.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { ConsulState } from '../../src/testing/consul/state.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal
const whole = { permits: cohortPermits, weight: cohortPermits }
const mark = `a/0.${cohortPermits}.0`

async function onEtcd(lockDelayMs = 0) {
  const state = new EtcdState()
  const sent: Parameters<EtcdState['txn']>[0][] = []
  const fates: 'lost'[] = []
  const transport = scripted({
    async txn(request) {
      sent.push(request)
      const answer = state.txn(request)
      if (fates.shift() === 'lost') throw new UnavailableError('no answer')
      return answer
    },
    async grant(lease, seconds) {
      state.grant(lease)
      return seconds
    },
    revoke: async (lease) => state.revoke(lease),
  })
  const backend = new EtcdBackend(transport, new Layout(''), new ManualClock(), lockDelayMs)
  const session = async (): Promise<string> => (await backend.createSession(10_000, never)).id
  const keys = (): string[] => state.range('a/', 'a0').map(({ key }) => key)
  return { state, backend, sent, fates, session, keys, own: await session(), other: await session() }
}

async function tokenOf(backend: Backend, claim: Claim): Promise<bigint> {
  const answer: Attempt = await backend.attempt(claim, never)
  if (!answer.held) throw new Error(`waits behind ${answer.ahead}`)
  return answer.token
}

test.each([0, 10_000])(
  'on etcd (lockDelayMs %i) the first claim marks the name, and the mark stays alone',
  async (delayMs) => {
    const { backend, keys, own, other } = await onEtcd(delayMs)
    const claim = claimOf('a', own, whole)
    const token = await tokenOf(backend, claim)
    const next = claimOf('a', other, whole)
    expect(await backend.attempt(next, never)).toMatchObject({ held: false, ahead: 1 })
    expect(await backend.line('a', never)).toMatchObject([{ held: true }, { held: false }])
    await backend.withdraw(claim, never)
    expect(await tokenOf(backend, next)).toBeGreaterThan(token)
    await backend.withdraw(next, never)
    expect(keys()).toEqual([mark])
    expect([await backend.line('a', never), await backend.survey('', never)]).toEqual([[], []])
  },
)

test('on etcd a claim of another form names the mark and what to do, and leaves nothing', async () => {
  const { backend, keys, own, other } = await onEtcd()
  const claim = claimOf('a', own, whole)
  await tokenOf(backend, claim)
  await backend.withdraw(claim, never)
  for (const more of [{}, { wait: false }, { permits: 3 }, { permits: 1_000_000 }, { candidate: true }]) {
    const wrong = claimOf('a', other, more)
    const asked = backend.attempt(wrong, never)
    await expect(asked).rejects.toThrow(ConflictError)
    await expect(asked).rejects.toThrow(`"a" is in use as a mutex with \`handoff\``)
    await expect(asked).rejects.toThrow(`delete the key "${mark}"`)
    await backend.withdraw(wrong, never)
  }
  expect(keys()).toEqual([mark])
})

test('on etcd a claim of Go behind the mark never holds, and keeps no claim with handoff from holding', async () => {
  const { state, backend, own, other } = await onEtcd()
  const first = claimOf('a', own, whole)
  await tokenOf(backend, first)
  await backend.withdraw(first, never)
  state.txn(txn([], [put(`a/${other}`, '', leaseOf(other))]))
  for (const wait of [true, false]) {
    const claim = claimOf('a', own, { ...whole, id: wait ? '2' : '3', wait })
    await tokenOf(backend, claim)
    const [theirs, ours] = await backend.line('a', never)
    expect([theirs?.session, theirs?.held, ours?.held]).toEqual([other, false, true])
    await backend.withdraw(claim, never)
  }
})

test('on etcd a name that is in use, or of which other names are, is marked only if nobody stands on it', async () => {
  const { state, backend, keys, own, other } = await onEtcd()
  state.txn(txn([], [put(`a/b/${other}`, '', leaseOf(other))]))
  const plain = claimOf('a', other)
  await tokenOf(backend, plain)
  for (const wait of [true, false]) {
    const asked = backend.attempt(claimOf('a', own, { ...whole, wait }), never)
    await expect(asked).rejects.toThrow('"a" is in use as a mutex; this asks for a mutex with `handoff`')
  }
  expect(keys()).not.toContain(mark)
  await backend.withdraw(plain, never)
  await tokenOf(backend, claimOf('a', own, { ...whole, id: '2' }))
  expect(keys()).toContain(mark)
})

test('on etcd a late copy of an attempt makes no claim on a name whose mark was deleted', async () => {
  const { state, backend, sent, fates, keys, own } = await onEtcd()
  await tokenOf(backend, claimOf('a', own, { ...whole, id: '0' }))
  await backend.withdraw(claimOf('a', own, { ...whole, id: '0' }), never)
  state.txn(txn([], [{ request_delete_range: { key: Buffer.from('a/'), range_end: Buffer.from('a0') } }]))
  const claim = claimOf('a', own, whole)
  const from = sent.length
  await tokenOf(backend, claim) // is refused, marks the name, and asks again
  const attempt = sent.at(from) as (typeof sent)[number]
  state.txn(txn([], [{ request_delete_range: { key: Buffer.from('a/'), range_end: Buffer.from('a0') } }]))
  state.txn(attempt)
  expect([keys(), fates]).toEqual([[], []])
})

test('on Consul the list of holders stays in its form after a release and a break, and no other claim takes it over', async () => {
  const state = new ConsulState()
  state.createSession('own')
  state.createSession('other')
  const transport = {
    txn: async (operations: Parameters<ConsulTransport['txn']>[0]) => state.txn(operations),
    read: async (target: Parameters<ConsulTransport['read']>[0]) => state.read(target),
  } as Partial<ConsulTransport> as ConsulTransport
  const backend = new ConsulBackend(transport, {
    ...{ layout: new ConsulLayout(''), clock: new ManualClock(), lockDelayMs: 1_000 },
    checks: [],
  } as never)
  const list = (): unknown => JSON.parse(state.read({ key: 'a/.lock' }).entries[0]?.value ?? 'null')
  const claim = claimOf('a', 'own', whole)
  const token = await tokenOf(backend, claim)
  expect(list()).toEqual({ Limit: cohortPermits, Weights: { own: cohortPermits } })
  await backend.withdraw(claim, never)
  expect(list()).toEqual({ Limit: cohortPermits, Weights: {} })
  for (const more of [{}, { wait: false }, { permits: 3 }, { permits: 1_000_000 }]) {
    const wrong = claimOf('a', 'other', more)
    await expect(backend.attempt(wrong, never)).rejects.toThrow(ConflictError)
    await backend.withdraw(wrong, never)
  }
  const next = claimOf('a', 'own', { ...whole, id: '2' })
  const larger = await tokenOf(backend, next)
  expect(larger).toBeGreaterThan(token)
  expect(await backend.break('a', larger, never)).toBe(true)
  expect(list()).toEqual({ Limit: cohortPermits, Weights: {} })
})
