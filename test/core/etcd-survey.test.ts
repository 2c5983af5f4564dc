// How a survey of etcd asks about many leases: a scripted connection in place of a server.
import { expect, test } from 'vitest'
import { Layout } from '../../src/backends/etcd/layout.ts'
import { Operator } from '../../src/backends/etcd/operator.ts'
import type { Transport } from '../../src/backends/etcd/transport.ts'
import { UnavailableError } from '../../src/errors.ts'
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

/** A server with these keys, which answers about a lease when the test says so. */
function scripted(): { readonly asked: Asked[]; readonly operator: Operator } {
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
  return { asked, operator: new Operator(transport as Transport, new Layout('')) }
}

test('a survey asks about a hundred leases at a time, about the next one with each answer, and about each once', async () => {
  const { asked, operator } = scripted()
  const survey = operator.survey('', signal)
  for (let answered = 0; answered < names; answered += 1) {
    await settle()
    expect(asked.length).toBe(Math.min(names, answered + 100))
    asked[answered]?.answer(answered)
  }

  const leftMs = (await survey).map(({ claims }) => claims[0]?.ttlLeftMs)
  expect(leftMs).toEqual(keys.map((_, index) => index * 1_000))
  expect(new Set(asked.map(({ lease }) => lease)).size).toBe(names)
})

test('a survey that fails asks at most about the next lease, and about none after that', async () => {
  const { asked, operator } = scripted()
  const survey = operator.survey('', signal).catch((error: unknown) => error)
  await settle()
  asked[0]?.fail(new UnavailableError('no answer'))

  expect(await survey).toBeInstanceOf(UnavailableError)
  for (const { answer } of asked.slice(1)) answer(1)
  await settle()
  expect(asked.length).toBeLessThanOrEqual(101)
})
