// The largest value of a leader on etcd: a value up to the limit works everywhere, a larger one is refused before it
// is sent.
import { expect, onTestFinished, test } from 'vitest'
import { etcdFromUrl } from '../../../../src/backends/etcd/index.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { counting } from '../../../servers/metrics.ts'
import { Observed } from '../../../servers/observed.ts'

const etcd = useEtcd()
const ttlMs = 60_000

/** A value of this many bytes; no two are the same text. */
const ofBytes = (bytes: number, mark: string): string => mark.padEnd(bytes, '.')

test('the largest value is campaigned with, observed, proclaimed and waited behind', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all([1, 2].map(() => etcd.client(namespace, { ttlMs })))
  const [one, other] = clients.map((client) => client.election('a'))
  const most = clients[0]?.facts.valueBytesMax ?? 0
  const observed = new Observed((await etcd.client(namespace, { ttlMs })).election('a'))
  const values = ['first', 'second', 'third'].map((mark) => ofBytes(most, mark)) as [string, string, string]

  const term = await one?.campaign({ value: values[0] })
  await observed.sees(values[0])
  expect(await other?.leader()).toMatchObject({ value: values[0] })
  const waiting = other?.campaign({ value: values[1] })
  await etcd.line(namespace, 'a', 2)
  await term?.proclaim(values[2])
  await observed.sees(values[2])
  await term?.resign()
  await observed.sees(values[1])

  await (await waiting)?.verify()
})

test('a value of many bytes and few characters counts by its bytes', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const { valueBytesMax } = client.facts
  const fits = '€'.repeat(Math.floor(valueBytesMax / 3))
  const term = await client.election('a').campaign({ value: fits })
  expect(await client.election('a').leader()).toMatchObject({ value: fits })

  await expect(term.proclaim(`${fits}€`)).rejects.toThrow(RangeError)
  await term.verify()
})

test('a value that is too large is refused before anything is sent', async () => {
  const client = await etcd.client(freshNamespace(), { ttlMs })
  const election = client.election('a')
  const value = ofBytes(client.facts.valueBytesMax + 1, 'x')
  const term = await client.election('b').campaign()
  const calls = await counting(etcd.cluster)

  await expect(election.campaign({ value })).rejects.toThrow(RangeError)
  await expect(term.proclaim(value)).rejects.toThrow(/takes up to 1048576 on etcd/)
  await expect(election.lead(() => {}, { value })).rejects.toThrow(RangeError)

  expect(await calls()).not.toHaveProperty('Txn')
  await term.verify()
})

test('the leader and the waiters can be listed with any number of candidates of the largest value in line', async () => {
  const namespace = freshNamespace()
  const clients = await Promise.all(Array.from({ length: 9 }, () => etcd.client(namespace, { ttlMs })))
  const most = clients[0]?.facts.valueBytesMax ?? 0
  const terms = []
  for (const [index, client] of clients.entries()) {
    terms.push(client.election('a').campaign({ value: ofBytes(most, `candidate ${index} `) }))
    await etcd.line(namespace, 'a', index + 1)
  }
  const backend = await etcdFromUrl(etcd.cluster.url(namespace)).open(systemClock())
  onTestFinished(() => backend.close())
  const asks = await etcd.client(namespace, { ttlMs })
  const observed = new Observed((await etcd.client(namespace, { ttlMs })).election('a'))

  expect((await asks.election('a').leader())?.value).toContain('candidate 0 ')
  await observed.sees(ofBytes(most, 'candidate 0 '))
  expect(await backend.line('a', new AbortController().signal)).toHaveLength(clients.length)
  for (const [index, term] of terms.entries()) {
    await observed.sees(ofBytes(most, `candidate ${index} `))
    await (await term).resign()
  }
})
