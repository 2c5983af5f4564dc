// The tombstones that withdrawn claims leave in etcd, over a connection that loses the messages that the test chooses.
import { expect, test } from 'vitest'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import type { Claim } from '../../src/contract.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal
type Fate = 'answered' | 'applied' | 'lost'

async function scene() {
  const [state, clock] = [new EtcdState(), new ManualClock()]
  const fates: Fate[] = []
  const transport = scripted({
    async txn(request) {
      const fate = fates.shift() ?? 'answered'
      if (fate === 'lost') throw new UnavailableError('no answer')
      const answer = state.txn(request)
      if (fate === 'applied') throw new UnavailableError('no answer')
      return answer
    },
    async grant(lease, seconds) {
      state.grant(lease)
      return seconds
    },
    keepAlive: async () => {},
  })
  const backend = new EtcdBackend(transport, new Layout(''), clock)
  const { id: session } = await backend.createSession(10_000, never)
  let ids = 0
  const claim = (): Claim => {
    ids += 1
    return {
      id: String(ids),
      name: 'a',
      session,
      permits: 1,
      weight: 1,
      value: '',
      wait: true,
      candidate: false,
    }
  }
  const keys = (): string[] => state.range('\0', '\0').map(({ key }) => key)
  const attempt = async (of: Claim, ...next: Fate[]): Promise<void> => {
    fates.push(...next)
    for (const _ of next) await backend.attempt(of, never).catch(() => {})
  }
  return { backend, session, clock, claim, keys, attempt }
}

test.each([
  ['was applied without an answer', ['applied']],
  ['was lost', ['lost']],
  ['was lost, and the next one applied without an answer', ['lost', 'applied']],
  ['was lost, and the next one answered', ['lost', 'answered']],
] as const)(
  'if an attempt %s, it may arrive later or twice, so a tombstone stays for ten minutes',
  async (_, fates) => {
    const { backend, session, clock, claim, keys, attempt } = await scene()
    const given = claim()
    await attempt(given, ...fates)
    await backend.withdraw(given, never)
    expect(keys()).toEqual([expect.stringContaining('withdrawn/')])
    await clock.advance(599_000)
    await backend.renewSession(session, never)
    expect(keys().length).toBe(1)
    await clock.advance(2_000)
    await backend.renewSession(session, never)
    expect(keys()).toEqual([])
  },
)
