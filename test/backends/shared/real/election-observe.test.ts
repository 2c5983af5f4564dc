// Faults that an observer of an election meets on every store: it still sees the last state.
import { describe, expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace } from '../../../servers/etcd.ts'
import { openLink } from '../../../servers/link.ts'
import { Observed } from '../../../servers/observed.ts'
import { realStores } from '../../../servers/real-stores.ts'
import { throughCuts, throughTrouble, troubles } from '../../../servers/troubled-observer.ts'

/** So long that no timer can be the reason why an observer wakes here. */
const ttlMs = 120_000

describe.for(realStores)('on $title', ({ title, use }) => {
  const store = use()

  /** An observer behind a link, and a client with a direct connection to the server. */
  async function scene(observerTtlMs = ttlMs) {
    const namespace = freshNamespace()
    const link = await openLink(store.endpoint)
    const client = await store.client(namespace, { ttlMs: observerTtlMs, endpoint: link.address })
    const election = (await store.client(namespace, { ttlMs, noDelay: true })).election('a')
    const observed = new Observed(client.election('a'))
    await observed.sees('nobody')
    return { namespace, link, election, observed }
  }

  test('an observer whose connections break again and again never misses the last state', async () => {
    const { link, ...scenery } = await scene()
    await throughCuts(scenery, () => link.cut())
  })

  test.for(troubles)(`an observer goes on when ${title} is %s`, async (trouble) => {
    await throughTrouble(await scene(), store.member, trouble)
  })

  test('an observer whose connection falls silent learns of the leader within a time to live', async () => {
    const { election, link, observed } = await scene(store.ttlMs)
    const term = await election.campaign({ value: 'first' })
    await observed.sees('first')

    link.forget() // existing connections stay open and silent; new ones work
    await term.proclaim('second')

    await observed.sees('second')
  })

  test('an observer sees each change while other clients write a lot', async () => {
    const { election, namespace, observed } = await scene()
    const noise = await (await store.client(namespace, { ttlMs })).election('a/b').campaign()
    const expected = ['nobody']
    for (let round = 0; round < 20; round += 1) {
      const writing = Promise.all([1, 2, 3].map((i) => noise.proclaim(`noise ${round}.${i}`)))
      const term = await election.campaign({ value: `round ${round}` })
      await observed.sees(`round ${round}`)
      await term.resign()
      await observed.sees('nobody')
      await writing
      expected.push(`round ${round}`, 'nobody')
    }
    expect(observed.values).toEqual(expected)
  })

  test('an observer sees the leader behind keys of longer names, and never takes those for its name', async () => {
    const { namespace, election, observed } = await scene()
    const other = await store.client(namespace, { ttlMs })
    for (let i = 0; i < 10; i += 1) await other.election(`a/${i}`).campaign({ value: `other ${i}` })

    const term = await election.campaign({ value: 'first' })
    expect((await observed.sees('first'))?.token).toBe(term.token)
    await term.proclaim('second')
    await observed.sees('second')
    await term.resign()
    await observed.sees('nobody')

    expect(observed.values).toEqual(['nobody', 'first', 'second', 'nobody'])
  })

  test('an observer leaves nothing in the store, and its loop ends with its client', async () => {
    const namespace = freshNamespace()
    const client = await store.client(namespace)
    const loop = client.election('a').observe()
    expect((await loop.next()).value).toBeUndefined()
    const ended = expect(loop.next()).rejects.toMatchObject({ name: 'ClosedError' })

    await client.close()

    await ended
    expect(await store.names(namespace)).toEqual([])
    await until(async () => (await store.sessions()).length === 0, {
      describe: () => 'the end of its session',
    })
  })
})
