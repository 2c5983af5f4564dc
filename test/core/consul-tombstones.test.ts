// The tombstones that withdrawn claims leave in Consul, over a connection that loses the messages that the test chooses.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../src/backends/consul/backend.ts'
import { Layout } from '../../src/backends/consul/layout.ts'
import type { Transport } from '../../src/backends/consul/wire/transport.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import type { Claim } from '../../src/contract.ts'
import { ConsulState } from '../../src/testing/consul/state.ts'
import { ManualClock } from './manual-clock.ts'

const never = new AbortController().signal
type Fate = 'answered' | 'applied' | 'lost'

async function scene() {
  const [state, clock] = [new ConsulState(), new ManualClock()]
  const fates: Fate[] = []
  const transport: Partial<Transport> = {
    async txn(operations) {
      const isRead = operations.every(({ verb }) => verb.startsWith('check') || verb.startsWith('get'))
      const fate = (isRead ? undefined : fates.shift()) ?? 'answered'
      if (fate === 'lost') throw new UnavailableError('no answer')
      const outcome = state.txn(operations, () => false)
      if (fate === 'applied') throw new UnavailableError('no answer')
      return outcome
    },
    read: async (target) => state.read(target),
    async createSession() {
      state.createSession('session')
      return 'session'
    },
    renewSession: async () => {},
    confirmSession: async () => 'node',
  }
  const options = { layout: new Layout(''), clock, checks: [], lockDelayMs: 20_000 }
  const backend = new ConsulBackend(transport as Transport, options)
  const { id: session } = await backend.createSession(10_000, never)
  let ids = 0
  const claim = (permits: number): Claim => {
    ids += 1
    return {
      id: String(ids),
      name: 'a',
      session,
      permits,
      weight: 1,
      value: '',
      wait: true,
      candidate: false,
    }
  }
  const keys = (): string[] => state.read({ prefix: '' }).entries.map(({ key }) => key)
  /** Asks until the last of these fates, and gives back whatever came of it. */
  const lose = async (of: Claim, next: readonly Fate[]): Promise<void> => {
    fates.push(...next)
    for (const _ of next) await backend.attempt(of, never).catch(() => {})
    fates.length = 0
    await backend.withdraw(of, never)
  }
  return { backend, session, clock, claim, keys, lose }
}

test.each([
  ['was applied without an answer', 1, ['applied']],
  ['was lost', 1, ['lost']],
  ['was lost, and the next one answered, so that it held', 1, ['lost', 'answered']],
  ['was lost', 3, ['lost']],
  ['was applied without an answer', 3, ['applied']],
] as const)(
  'if an attempt %s (%i permits), its tombstone stays for ten minutes, and then a renewal removes it',
  async (_, permits, fates) => {
    const { backend, session, clock, claim, keys, lose } = await scene()
    await lose(claim(permits), fates)
    expect(keys()).toEqual([expect.stringContaining('.withdrawn/')])

    await clock.advance(599_000)
    await backend.renewSession(session, never)
    expect(keys().length).toBe(1)
    await clock.advance(2_000)
    await backend.renewSession(session, never)

    expect(keys()).toEqual([])
  },
)

test('an attempt that was answered leaves no tombstone', async () => {
  const { claim, keys, lose } = await scene()

  await lose(claim(1), ['answered'])

  expect(keys()).toEqual([])
})

test('of two hundred lost attempts, each renewal after ten minutes removes sixty', async () => {
  const { backend, session, clock, claim, keys, lose } = await scene()
  for (let lost = 0; lost < 200; lost += 1) await lose(claim(1), ['lost'])
  expect(keys().length).toBe(200)
  await clock.advance(601_000)

  for (const left of [140, 80, 20, 0]) {
    await backend.renewSession(session, never)
    expect(keys().length).toBe(left)
  }
})
