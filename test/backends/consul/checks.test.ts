// How the mutexes of one client are verified together, over the simulated data of Consul.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Layout } from '../../../src/backends/consul/layout.ts'
import type { Operation, Transport, TxnOutcome } from '../../../src/backends/consul/wire/transport.ts'
import { RefusedError, UnavailableError } from '../../../src/base/errors.ts'
import type { Claim } from '../../../src/contract.ts'
import { ConsulState } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal

/** A client that holds so many names, and a list of its requests: the number of operations, or the key that was read. */
async function holding(count: number) {
  const state = new ConsulState()
  state.createSession('s')
  const asked: (number | string)[] = []
  const refused = new Set<string>()
  const answer: { of?: () => TxnOutcome } = {}
  const judge = (keys: readonly string[]): void => {
    if (keys.some((key) => refused.has(key))) throw new RefusedError('permission denied')
  }
  const transport: Partial<Transport> = {
    txn: async (operations: readonly Operation[]) => {
      asked.push(operations.length)
      judge(operations.map(({ key }) => key))
      return answer.of?.() ?? state.txn(operations)
    },
    read: async (target) => {
      const key = 'key' in target ? target.key : target.prefix
      asked.push(key)
      judge([key])
      return state.read(target)
    },
  }
  const options = { layout: new Layout(''), clock: new ManualClock(), checks: [], lockDelayMs: 0 }
  const backend = new ConsulBackend(transport as Transport, options)
  const claims = Array.from({ length: count }, (_, place): Claim => {
    const facts = { session: 's', permits: 1, weight: 1, value: 'v', wait: false, candidate: false }
    return { id: '1', name: `n${place}`, ...facts }
  })
  for (const claim of claims) expect((await backend.attempt(claim, never)).held).toBe(true)
  const verify = (): Promise<(boolean | unknown)[]> => {
    asked.length = 0
    return Promise.all(claims.map((claim) => backend.verify(claim, never).catch((error: unknown) => error)))
  }
  return { state, asked, refused, answer, verify }
}

test('a hundred and fifty mutexes are verified by three requests', async () => {
  const { verify, asked } = await holding(150)
  expect(await verify()).toEqual(Array(150).fill(true))
  expect(asked).toEqual([64, 64, 22])
})

test('a mutex that somebody broke or took over is found, and one whose key somebody has written is still held', async () => {
  const { state, verify, asked } = await holding(5)
  state.createSession('t')
  state.txn([{ verb: 'delete', key: 'n1/.lock' }])
  state.txn([
    { verb: 'delete', key: 'n2/.lock' },
    { verb: 'lock', key: 'n2/.lock', value: '', session: 't' },
  ])
  state.txn([{ verb: 'set', key: 'n3/.lock', value: 'a text of a stranger' }])
  expect(await verify()).toEqual([true, false, false, true, true])
  expect(asked.slice(0, 2)).toEqual([5, 2])
  expect(asked.slice(2, 5).sort()).toEqual(['n1/.lock', 'n2/.lock', 'n3/.lock'])
})

test('a key that the token may not read is an error of its own mutex, and of no other', async () => {
  const { refused, verify } = await holding(3)
  refused.add('n1/.lock')
  expect(await verify()).toEqual([true, expect.any(RefusedError), true])
})

test('an outage is an error of each mutex, and an answer without the keys is no proof', async () => {
  const { state, answer, verify } = await holding(2)
  answer.of = () => {
    throw new UnavailableError('no answer')
  }
  expect(await verify()).toEqual([expect.any(UnavailableError), expect.any(UnavailableError)])

  answer.of = () => ({ applied: true, entries: [] })
  state.txn([{ verb: 'delete', key: 'n1/.lock' }])
  expect(await verify()).toEqual([true, false])
})
