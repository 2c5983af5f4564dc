// The verification of a hold next to a server that lags behind its leader: blocking reads may show an older state.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Layout } from '../../../src/backends/consul/layout.ts'
import type { Transport } from '../../../src/backends/consul/wire/transport.ts'
import type { Claim } from '../../../src/contract.ts'
import { ConsulState } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal

test('a hold is verified by what the leader knows: an older state of another server neither ends nor keeps it', async () => {
  const state = new ConsulState()
  const lock = { key: 'a/.lock' }
  let older = state.read(lock)
  const transport: Partial<Transport> = {
    txn: async (operations) => state.txn(operations, () => false),
    read: async (target) => state.read(target),
    block: async () => older,
    createSession: async () => {
      state.createSession('session')
      return 'session'
    },
    confirmSession: async () => 'node',
  }
  const options = { layout: new Layout(''), clock: new ManualClock(), checks: [], lockDelayMs: 20_000 }
  const backend = new ConsulBackend(transport as Transport, options)
  const { id: session } = await backend.createSession(10_000, never)
  const form = { permits: 1, weight: 1, value: '', wait: true, candidate: false }
  const claim: Claim = { id: '1', name: 'a', session, ...form }
  expect(await backend.attempt(claim, never)).toMatchObject({ held: true })
  expect(await backend.verify(claim, never)).toBe(true)
  older = state.read(lock)
  state.txn([{ verb: 'delete', ...lock }], () => false)
  expect(await backend.verify(claim, never)).toBe(false)
})
