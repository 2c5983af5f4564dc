// Fenced writes whose answers are lost, at the level of a backend: a hold repeats the same text, and an aborted write
// may still be applied before the next one. The stores are the simulated ones.
import { describe, expect, test } from 'vitest'
import { ConsulBackend } from '../../src/backends/consul/backend.ts'
import { Layout as ConsulLayout } from '../../src/backends/consul/layout.ts'
import type { Transport as ConsulTransport } from '../../src/backends/consul/wire/transport.ts'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout as EtcdLayout } from '../../src/backends/etcd/layout.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import type { Backend, Claim } from '../../src/contract.ts'
import { ConsulState } from '../../src/testing/consul/state.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal

interface Store {
  readonly backend: Backend
  /** The next change is applied, and its answer is lost. */
  loseNext(): void
}

/** Applies a change. Loses the answer if the test asked for that. */
function losing(): { readonly answer: <T>(answer: T) => T; readonly loseNext: () => void } {
  let lost = false
  return {
    answer(answer) {
      if (!lost) return answer
      lost = false
      throw new UnavailableError('no answer')
    },
    loseNext() {
      lost = true
    },
  }
}

function etcd(): Store {
  const [state, { answer, loseNext }] = [new EtcdState(), losing()]
  const transport = scripted({
    txn: async (request) => answer(state.txn(request)),
    grant: async (lease, seconds) => {
      state.grant(lease)
      return seconds
    },
    revoke: async (lease) => state.revoke(lease),
  })
  const backend = new EtcdBackend(transport, new EtcdLayout(''), new ManualClock())
  return { backend, loseNext }
}

function consul(): Store {
  const [state, { answer, loseNext }] = [new ConsulState(), losing()]
  const transport: Partial<ConsulTransport> = {
    txn: async (operations) => answer(state.txn(operations)),
    read: async (target) => state.read(target),
    createSession: async () => {
      state.createSession('s')
      return 's'
    },
    destroySession: async (session) => state.destroySession(session, () => {}),
  }
  const options = { layout: new ConsulLayout(''), clock: new ManualClock(), lockDelayMs: 0 }
  return { backend: new ConsulBackend(transport as ConsulTransport, options as never), loseNext }
}

async function held({ backend }: Store, candidate: boolean): Promise<Claim> {
  const { id: session } = await backend.createSession(10_000, never)
  const claim = { id: '1', name: 'a', session, permits: 1, weight: 1, value: 'v', wait: true, candidate }
  expect(await backend.attempt(claim, never)).toMatchObject({ held: true })
  return claim
}

describe.each([
  ['etcd', etcd],
  ['Consul', consul],
])('on %s', (_, make) => {
  test.each([
    ['mutex', false],
    ['candidate', true],
  ])(
    'a checkpoint of a %s that finds another one in the store is reported as written only if it is',
    async (_, candidate) => {
      const store = make()
      const { backend } = store
      const claim = await held(store, candidate)
      store.loseNext()
      await expect(backend.writeCheckpoint(claim, 'given up', never)).rejects.toThrow(UnavailableError)
      expect(await backend.readCheckpoint('a', never)).toBe('given up')

      const next = (): Promise<unknown> =>
        backend.writeCheckpoint(claim, 'next', never).catch((error: unknown) => error)
      const first = await next()
      if (first !== true) {
        expect(first).toBeInstanceOf(UnavailableError)
        expect(await next()).toBe(true)
      }
      expect(await backend.readCheckpoint('a', never)).toBe('next')
    },
  )

  test('a write after the claim was removed is refused, and changes nothing', async () => {
    const store = make()
    const { backend } = store
    const claim = await held(store, false)
    await backend.writeCheckpoint(claim, 'mine', never)
    await backend.destroySession(claim.session, never)
    const late = await backend.writeCheckpoint(claim, 'late', never).catch((error: unknown) => error)
    expect(late).not.toBe(true)
    expect(await backend.readCheckpoint('a', never)).toBe('mine')
  })
})
