// A claim that stays after its release, on etcd and Consul: requests whose answers are lost, late copies of requests, and
// looks that were on their way.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../src/backends/consul/backend.ts'
import { Layout as ConsulLayout } from '../../src/backends/consul/layout.ts'
import type { Transport as ConsulTransport } from '../../src/backends/consul/wire/transport.ts'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { ConsulState } from '../../src/testing/consul/state.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal
const kept = { ms: 60_000, value: 'kept' }

/** Whether an answer to a transaction arrives. */
type Fate = 'answered' | 'applied'

function onEtcd() {
  const state = new EtcdState()
  const [fates, txns, renewed]: [Fate[], object[], string[]] = [[], [], []]
  const transport = scripted({
    async txn(request) {
      txns.push(request)
      const answer = state.txn(request)
      if (fates.shift() === 'applied') throw new UnavailableError('no answer')
      return answer
    },
    grant: async (lease, seconds) => {
      state.grant(lease)
      return seconds
    },
    keepAlive: async (lease) => void renewed.push(lease),
    revoke: async (lease) => state.revoke(lease),
  })
  const backend = new EtcdBackend(transport, new Layout(''), new ManualClock())
  const leases = (): string[] => state.range('a/', 'a0').map(({ lease }) => lease)
  return { state, backend, fates, txns, renewed, leases }
}

test.each([{}, { permits: 4, weight: 3 }])(
  'on etcd a kept claim %j keeps its keys and its place, on a lease of its own whose time begins after the move',
  async (sized) => {
    const { state, backend, renewed, leases } = onEtcd()
    const { id } = await backend.createSession(10_000, never)
    const claim = claimOf('a', id, sized)
    await backend.attempt(claim, never)
    const before = state.range('a/', 'a0').map(({ key, created }) => [key, created])
    expect(await backend.keep(claim, kept, never)).toBe(true)
    expect(state.range('a/', 'a0').map(({ key, created }) => [key, created])).toEqual(before)
    const [lease = ''] = leases()
    expect([new Set(leases()).size, renewed]).toEqual([1, [lease]])
    await backend.verify(claim, never) // a look that was on its way
    await backend.withdraw(claim, never)
    await backend.destroySession(id, never)
    expect(leases()).toEqual(before.map(() => lease))
    state.revoke(lease)
    expect(leases()).toEqual([])
  },
)

test('on etcd a lost answer moves a kept claim once more, and a late copy of the first request moves nothing', async () => {
  const { state, backend, fates, txns, leases } = onEtcd()
  const { id } = await backend.createSession(10_000, never)
  const claim = claimOf('a', id)
  await backend.attempt(claim, never)
  fates.push('applied')
  await expect(backend.keep(claim, kept, never)).rejects.toThrow(UnavailableError)
  const first = txns.at(-1) as Parameters<EtcdState['txn']>[0]
  // The version of the key is another one than the client knows: it reads that, and asks to be asked again.
  await expect(backend.keep(claim, kept, never)).rejects.toThrow(UnavailableError)
  expect(await backend.keep(claim, kept, never)).toBe(true)
  const [lease] = leases()
  state.txn(first)
  expect(leases()).toEqual([lease])
  await backend.withdraw(claim, never)
  expect(leases()).toEqual([lease])
})

test('on etcd the next claims of a session that keeps a name wait behind its own key', async () => {
  const { state, backend, leases } = onEtcd()
  const { id } = await backend.createSession(10_000, never)
  const claim = claimOf('a', id)
  await backend.attempt(claim, never)
  await backend.keep(claim, kept, never)
  await backend.withdraw(claim, never)
  const [lease = ''] = leases()
  const tried = claimOf('a', id, { id: '2', wait: false })
  expect((await backend.attempt(tried, never)).held).toBe(false)
  await backend.withdraw(tried, never)
  const next = claimOf('a', id, { id: '3' })
  expect((await backend.attempt(next, never)).held).toBe(false)
  state.revoke(lease)
  expect((await backend.attempt(next, never)).held).toBe(true)
  await backend.withdraw(next, never)
  expect(leases()).toEqual([])
})

function onConsul() {
  const state = new ConsulState()
  const fates: Fate[] = []
  let sessions = 0
  const transport: Partial<ConsulTransport> = {
    async txn(operations) {
      const outcome = state.txn(operations)
      if (fates.shift() === 'applied') throw new UnavailableError('no answer')
      return outcome
    },
    read: async (target) => state.read(target),
    async createSession() {
      sessions += 1
      state.createSession(`s${sessions}`)
      return `s${sessions}`
    },
    renewSession: async () => {},
    confirmSession: async () => 'node',
    destroySession: async (session) => state.destroySession(session, () => {}),
  }
  const options = { layout: new ConsulLayout(''), clock: new ManualClock(), checks: [], lockDelayMs: 20_000 }
  const backend = new ConsulBackend(transport as ConsulTransport, options)
  const held = (): string[] =>
    state.read({ prefix: '' }).entries.flatMap(({ key, session }) => (session ? [`${key} ${session}`] : []))
  return { state, backend, fates, held }
}

test.each([
  [{}, ['a/.lock s2']],
  [{ permits: 4, weight: 3 }, ['a/s2 s2']],
])('on Consul a kept claim %j has a session of its own, also if the answer was lost', async (sized, keys) => {
  const { state, backend, fates, held } = onConsul()
  const { id } = await backend.createSession(10_000, never)
  const claim = claimOf('a', id, sized)
  expect((await backend.attempt(claim, never)).held).toBe(true)
  fates.push('applied')
  await expect(backend.keep(claim, kept, never)).rejects.toThrow(UnavailableError)
  expect(await backend.keep(claim, kept, never)).toBe(true)
  await backend.withdraw(claim, never)
  await backend.destroySession(id, never)
  expect(held()).toEqual(keys)
  const [standing] = await backend.line('a', never)
  expect(standing).toMatchObject({ session: 's2', held: true, value: 'kept' })
  const { id: other } = await backend.createSession(10_000, never)
  const next = claimOf('a', other, { ...sized, id: '2' })
  expect((await backend.attempt(next, never)).held).toBe(false)
  state.destroySession('s2', () => {})
  expect((await backend.attempt(next, never)).held).toBe(true)
})
