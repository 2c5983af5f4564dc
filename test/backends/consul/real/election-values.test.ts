// How large a leader's value may be on Consul: what fits works everywhere, and what does not is refused before it is sent.
import { expect, onTestFinished, test } from 'vitest'
import { consul } from '../../../../src/backends/consul/index.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { openCounter } from '../../../servers/consul-counter.ts'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, open } from '../../../servers/etcd.ts'
import { Observed } from '../../../servers/observed.ts'

const store = useConsul()
const ttlMs = 60_000

/** A value of so many bytes. */
const ofBytes = (bytes: number, mark: string): string => mark.padEnd(bytes, '.')

test('the largest value is campaigned with, observed, proclaimed and waited behind', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all([1, 2].map(() => store.client(namespace, { ttlMs })))
  const [one, other] = clients.map((client) => client.election('a'))
  const most = clients[0]?.facts.valueBytesMax ?? 0
  const observed = new Observed((await store.client(namespace, { ttlMs })).election('a'))
  const values = ['first', 'second', 'third'].map((mark) => ofBytes(most, mark)) as [string, string, string]

  const term = await one?.campaign({ value: values[0] })
  await observed.sees(values[0])
  expect(await other?.leader()).toMatchObject({ value: values[0] })
  const waiting = other?.campaign({ value: values[1] })
  await store.line(namespace, 'a', 1)
  await term?.proclaim(values[2])
  await term?.checkpoint(ofBytes(clients[0]?.facts.checkpointBytesMax ?? 0, 'checkpoint'))
  await observed.sees(values[2])
  await term?.resign()
  await observed.sees(values[1])

  await (await waiting)?.verify()
})

test('a value of many bytes and few characters counts by its bytes', async () => {
  const client = await store.client(freshNamespace(), { ttlMs })
  const fits = '€'.repeat(Math.floor(client.facts.valueBytesMax / 3))
  const term = await client.election('a').campaign({ value: fits })
  expect(await client.election('a').leader()).toMatchObject({ value: fits })

  await expect(term.proclaim(`${fits}€`)).rejects.toThrow(RangeError)
  await term.verify()
})

test('a value that is too large is refused before anything is sent', async () => {
  const counter = await openCounter(store.endpoints[0] ?? '')
  const client = await open(consul({ endpoints: [counter.address], namespace: freshNamespace() }), { ttlMs })
  const value = ofBytes(client.facts.valueBytesMax + 1, 'x')
  const term = await client.election('b').campaign()
  counter.take()

  await expect(client.election('a').campaign({ value })).rejects.toThrow(RangeError)
  await expect(term.proclaim(value)).rejects.toThrow(/takes up to 375000 on consul/)
  await expect(client.election('a').lead(() => {}, { value })).rejects.toThrow(RangeError)

  expect(counter.take()).not.toHaveProperty('txn')
  await term.verify()
})

test('the leader and the waiters can be listed with any number of candidates of the largest value in line', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all(Array.from({ length: 9 }, () => store.client(namespace, { ttlMs })))
  const most = clients[0]?.facts.valueBytesMax ?? 0
  const terms = []
  for (const [index, client] of clients.entries()) {
    terms.push(client.election('a').campaign({ value: ofBytes(most, `candidate ${index} `) }))
    if (index === 0) await terms[0]
    else await store.line(namespace, 'a', index)
  }
  const backend = await consul({ endpoints: store.endpoints, namespace }).open(systemClock())
  onTestFinished(() => backend.close())
  const asks = await store.client(namespace, { ttlMs })
  const observed = new Observed((await store.client(namespace, { ttlMs })).election('a'))

  expect((await asks.election('a').leader())?.value).toContain('candidate 0 ')
  expect(await backend.line('a', new AbortController().signal)).toHaveLength(clients.length)
  for (const [index, term] of terms.entries()) {
    await observed.sees(ofBytes(most, `candidate ${index} `))
    await (await term).resign()
  }
})
