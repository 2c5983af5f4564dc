// A question to etcd about a name with very many keys below it, over a scripted connection.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import { expect, test } from 'vitest'
import { Claims } from '../../src/backends/etcd/claims.ts'
import { Joint } from '../../src/backends/etcd/joint.ts'
import { KnownLines } from '../../src/backends/etcd/known-lines.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import { Lines } from '../../src/backends/etcd/lines.ts'
import { LockDelay } from '../../src/backends/etcd/lock-delay.ts'
import { Portions } from '../../src/backends/etcd/portions.ts'
import type { Transport } from '../../src/backends/etcd/wire/transport.ts'
import { Tombstones } from '../../src/backends/shared/tombstones.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { ManualClock } from './manual-clock.ts'

const claim = {
  name: 'a',
  id: '1',
  session: 'ab',
  permits: 1,
  weight: 1,
  value: '',
  wait: true,
  candidate: false,
}

/** A server that answers no attempt in time, and knows how many keys there are. */
function slow(keys: number): { readonly claims: Claims; readonly asked: string[] } {
  const asked: string[] = []
  const txn = async ({ success }: ITxnRequest): Promise<ITxnResponse> => {
    const counts = success?.some((each) => 'request_range' in each && each.request_range.count_only)
    asked.push(counts ? 'count' : 'attempt')
    if (!counts) throw new UnavailableError('too late')
    const response_range = { kvs: [], more: false, count: String(keys) }
    return {
      header: { revision: '9' },
      succeeded: true,
      responses: [{ response_range }],
    } as unknown as ITxnResponse
  }
  const transport = { txn } as Partial<Transport> as Transport
  const [layout, clock] = [new Layout(''), new ManualClock()]
  const delay = new LockDelay(transport, layout, clock, 0)
  const tombstones = new Tombstones(clock, async () => {})
  const portions = new Portions()
  const lines = new Lines(transport, layout, new KnownLines(clock))
  return {
    claims: new Claims(
      transport,
      new Joint(transport, clock, portions),
      portions,
      lines,
      layout,
      delay,
      tombstones,
    ),
    asked,
  }
}

const never = new AbortController().signal

test('an attempt that etcd did not answer in time is not repeated if the name has 400,000 keys, and the error says so', async () => {
  const { claims, asked } = slow(400_000)
  await expect(claims.attempt(claim, never)).rejects.toThrow('too late')
  await expect(claims.attempt(claim, never)).rejects.toThrow(
    /^400000 keys are below "a\/", .* choose another name/,
  )
  expect(asked).toEqual(['attempt', 'count'])
})

test('an attempt that etcd did not answer in time is repeated if the name has few keys', async () => {
  const { claims, asked } = slow(10_000)
  await expect(claims.attempt(claim, never)).rejects.toThrow('too late')
  await expect(claims.attempt(claim, never)).rejects.toThrow('too late')
  expect(asked).toEqual(['attempt', 'count', 'attempt'])
})
