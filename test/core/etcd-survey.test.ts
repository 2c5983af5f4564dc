// How a survey of etcd asks about many leases, over a scripted connection.
import { expect, test } from 'vitest'
import { Layout, type Namespace } from '../../src/backends/etcd/layout.ts'
import { survey } from '../../src/backends/etcd/operator.ts'
import type { Transport } from '../../src/backends/etcd/wire/transport.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { settle } from './manual-clock.ts'

const names = 250
const signal = new AbortController().signal
const idOf = (index: number): string => (index + 1).toString(16)

/** One holder of each name. */
const keys = Array.from({ length: names }, (_, index) => ({
  key: Buffer.from(`n${String(index).padStart(3, '0')}/${idOf(index)}`),
  value: Buffer.from('holder'),
  lease: String(index + 1),
  create_revision: String(index + 1),
}))

interface Asked {
  readonly lease: string
  answer(seconds: number): void
  fail(error: Error): void
}

/** A server with these keys. It answers about a lease when the test says so. */
function scripted(): { readonly asked: Asked[]; readonly at: Namespace } {
  const asked: Asked[] = []
  const transport: Partial<Transport> = {
    txn: async () =>
      ({
        header: { revision: '1000' },
        succeeded: true,
        responses: [{ response_range: { kvs: keys, more: false } }],
      }) as unknown as ReturnType<Transport['txn']>,
    timeToLive: (lease) =>
      new Promise((answer, fail) => {
        asked.push({ lease, answer, fail })
      }),
  }
  return { asked, at: { transport: transport as Transport, layout: new Layout('') } }
}

test('a survey asks about a hundred leases at a time, about the next one with each answer, and about each once', async () => {
  const { asked, at } = scripted()
  const surveyed = survey(at, '', signal)
  for (let answered = 0; answered < names; answered += 1) {
    await settle()
    expect(asked.length).toBe(Math.min(names, answered + 100))
    asked[answered]?.answer(answered)
  }

  const leftMs = (await surveyed).map(({ claims }) => claims[0]?.ttlLeftMs)
  expect(leftMs).toEqual(keys.map((_, index) => index * 1_000))
  expect(new Set(asked.map(({ lease }) => lease)).size).toBe(names)
})

test('a survey that fails asks about at most one more lease', async () => {
  const { asked, at } = scripted()
  const surveyed = survey(at, '', signal).catch((error: unknown) => error)
  await settle()
  asked[0]?.fail(new UnavailableError('no answer'))

  expect(await surveyed).toBeInstanceOf(UnavailableError)
  for (const { answer } of asked.slice(1)) answer(1)
  await settle()
  expect(asked.length).toBeLessThanOrEqual(101)
})
