// A claim of several permits on etcd has several keys: the claim when another program deletes or writes one of them.
import { expect, test } from 'vitest'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import type { Claim } from '../../src/contract.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal

/** A claim that holds three of four permits, its backend and the data of the server. */
async function held(): Promise<{
  state: EtcdState
  backend: EtcdBackend
  claim: Claim
  keys: () => string[]
}> {
  const state = new EtcdState()
  const transport = scripted({
    txn: async (request) => state.txn(request),
    grant: async (lease, seconds) => {
      state.grant(lease)
      return seconds
    },
    revoke: async (lease) => state.revoke(lease),
  })
  const backend = new EtcdBackend(transport, new Layout(''), new ManualClock())
  const { id } = await backend.createSession(10_000, never)
  const claim = claimOf('a', id, { permits: 4, weight: 3 })
  expect((await backend.attempt(claim, never)).held).toBe(true)
  const keys = (): string[] => state.range('a/', 'a0').map(({ key }) => key.slice(key.indexOf('.')))
  return { state, backend, claim, keys }
}

test('a holder whose further key was deleted holds no more, since others may have its permit', async () => {
  const { state, backend, claim, keys } = await held()
  expect(keys()).toEqual(['.4.1', '.4.1.p1', '.4.1.p2'])
  expect(await backend.verify(claim, never)).toBe(true)
  const [, part] = state.range('a/', 'a0')
  const remove = { request_delete_range: { key: Buffer.from(part?.key ?? '') } }
  state.txn({ compare: [], success: [remove], failure: [] })
  expect(await backend.verify(claim, never)).toBe(false)
  await backend.withdraw(claim, never)
  expect(keys()).toEqual([])
})

test('a further key that lost its lease gets it back, so that it ends with its session', async () => {
  const { state, backend, claim, keys } = await held()
  const [, part] = state.range('a/', 'a0')
  const put = { request_put: { key: Buffer.from(part?.key ?? ''), value: Buffer.from('x'), lease: '0' } }
  state.txn({ compare: [], success: [put], failure: [] })
  expect(await backend.verify(claim, never)).toBe(true)
  expect(new Set(state.range('a/', 'a0').map(({ lease }) => lease)).size).toBe(1)
  await backend.destroySession(claim.session, never)
  expect(keys()).toEqual([])
})

test('permits that were given back are free, whether or not the answer to that was heard', async () => {
  const { backend, claim, keys } = await held()
  claim.weight = 2
  expect(await backend.shrink(claim, never)).toBe(true)
  expect(keys()).toEqual(['.4.1', '.4.1.p1'])
  expect([await backend.shrink(claim, never), await backend.verify(claim, never)]).toEqual([true, true])
  claim.weight = 1
  expect(await backend.shrink(claim, never)).toBe(true)
  expect(keys()).toEqual(['.4.1'])
  await backend.withdraw(claim, never)
  expect([keys(), await backend.shrink(claim, never)]).toEqual([[], false])
})
