// The largest value of a leader: a value up to the limit of its store works everywhere, a larger one is refused before
// it is sent.
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { Observed } from '../../../servers/observed.ts'
import { realStores } from '../../../servers/real-stores.ts'

const ttlMs = 60_000

/** A value of this many bytes; no two are the same text. */
const ofBytes = (bytes: number, mark: string): string => mark.padEnd(bytes, '.')

describe.for(realStores)('on $title', ({ use }) => {
  const store = use()

  test('the largest value is campaigned with, observed, proclaimed and waited behind', async () => {
    const namespace = freshNamespace()
    const [mine, their, third] = await Promise.all([1, 2, 3].map(() => store.client(namespace, { ttlMs })))
    const { valueBytesMax, checkpointBytesMax } = mine?.facts ?? { valueBytesMax: 0, checkpointBytesMax: 0 }
    const [one, other] = [mine?.election('a'), their?.election('a')]
    const observed = new Observed(third?.election('a') as NonNullable<typeof one>)
    const values = ['first', 'second', 'third'].map((mark) => ofBytes(valueBytesMax, mark)) as [
      string,
      string,
      string,
    ]

    const term = await one?.campaign({ value: values[0] })
    await observed.sees(values[0])
    expect(await other?.leader()).toMatchObject({ value: values[0] })
    const waiting = other?.campaign({ value: values[1] })
    await store.line(namespace, 'a', { holders: 1, waiters: 1 })
    await term?.proclaim(values[2])
    await term?.checkpoint(ofBytes(checkpointBytesMax, 'checkpoint'))
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
    const { client, transactions } = await store.counted(freshNamespace(), { ttlMs })
    const election = client.election('a')
    const { valueBytesMax, scheme } = client.facts
    const value = ofBytes(valueBytesMax + 1, 'x')
    const term = await client.election('b').campaign()
    await transactions()

    await expect(election.campaign({ value })).rejects.toThrow(RangeError)
    await expect(term.proclaim(value)).rejects.toThrow(`takes up to ${valueBytesMax} on ${scheme}`)
    await expect(election.lead(() => {}, { value })).rejects.toThrow(RangeError)

    expect(await transactions()).toBe(0)
    await term.verify()
  })

  test('the leader and the waiters can be listed with nine candidates of the largest value in line', async () => {
    const namespace = freshNamespace()
    const clients = await Promise.all(Array.from({ length: 9 }, () => store.client(namespace, { ttlMs })))
    const most = clients[0]?.facts.valueBytesMax ?? 0
    const terms = []
    for (const [index, client] of clients.entries()) {
      terms.push(client.election('a').campaign({ value: ofBytes(most, `candidate ${index} `) }))
      if (index === 0) await terms[0]
      await store.line(namespace, 'a', { holders: 1, waiters: index })
    }
    const backend = await store.source(namespace).open(systemClock())
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
})
