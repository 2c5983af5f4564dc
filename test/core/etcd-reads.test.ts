// Which reads of keys etcd's backend puts into one transaction, over a transport that the test answers.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import { expect, test } from 'vitest'
import { Portions } from '../../src/backends/etcd/portions.ts'
import { Reads } from '../../src/backends/etcd/reads.ts'
import type { Transport } from '../../src/backends/etcd/wire/transport.ts'
import { untilAborted } from '../../src/base/abort.ts'

/** A transport that answers each key with its name, or nothing at all. */
class Answers {
  readonly asked: string[][] = []
  readonly limits: AbortSignal[] = []
  silent = false

  readonly transport = {
    txn: async (request: ITxnRequest, signal: AbortSignal): Promise<unknown> => {
      const keys = (request.success as { request_range: { key: Buffer } }[]).map(({ request_range }) =>
        String(request_range.key),
      )
      this.asked.push(keys)
      this.limits.push(signal)
      if (this.silent) return untilAborted<ITxnResponse>(signal, () => () => {})
      return { responses: keys.map((key) => ({ response_range: { kvs: [{ key: Buffer.from(key) }] } })) }
    },
  } as unknown as Transport
}

const never = new AbortController().signal
const names = Array.from({ length: 250 }, (_, index) => `k${index}`)

test('the reads of one moment share transactions of 128, and each caller gets its own key', async () => {
  const answers = new Answers()
  const reads = new Reads(answers.transport, new Portions())
  const found = await Promise.all(names.map((key) => reads.all({ key }, never)))
  expect(found.map(([kv]) => String(kv?.key))).toEqual(names)
  expect(answers.asked.map(({ length }) => length)).toEqual([128, 122])
})

test('a key that is asked for after a request was sent is in the next one', async () => {
  const answers = new Answers()
  const reads = new Reads(answers.transport, new Portions())
  await reads.all({ key: 'a' }, never)
  const next = reads.all({ key: 'b' }, never)
  await Promise.resolve()
  await Promise.all([next, reads.all({ key: 'c' }, never), reads.all({ key: 'd' }, never)])
  expect(answers.asked).toEqual([['a'], ['b'], ['c', 'd']])
})

test('a caller that gives up before its key is sent takes it out, and an error reaches each caller', async () => {
  const answers = new Answers()
  answers.silent = true
  const reads = new Reads(answers.transport, new Portions())
  const limits = [0, 1, 2, 3].map(() => new AbortController())
  const asked = limits.map(({ signal }, index) => {
    const given = reads.all({ key: `k${index}` }, signal).catch((error: unknown) => error)
    return index === 0 ? Promise.resolve().then(() => given) : given
  })
  await Promise.resolve()
  limits[3]?.abort('gone')
  expect(await asked[3]).toBe('gone')
  for (const limit of limits) limit.abort('over')
  expect(await Promise.all(asked)).toEqual(['over', 'over', 'over', 'gone'])
  answers.silent = false
  expect(await reads.all({ key: 'next' }, never)).toHaveLength(1)
})

test('a caller that gives up ends only its own wait, and the last one ends the request', async () => {
  const answers = new Answers()
  answers.silent = true
  const reads = new Reads(answers.transport, new Portions())
  const limits = [new AbortController(), new AbortController()]
  const asked = limits.map(({ signal }) => reads.all({ key: 'a' }, signal).catch((error: unknown) => error))
  await Promise.resolve()
  limits[0]?.abort('first')
  expect(await asked[0]).toBe('first')
  expect(answers.limits[0]?.aborted).toBe(false)
  limits[1]?.abort('last')
  expect(await asked[1]).toBe('last')
  expect(answers.limits[0]?.reason).toBe('last')
})
