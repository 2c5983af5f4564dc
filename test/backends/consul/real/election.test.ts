// One election for Leasehold, for `consul lock`, and for who follows Consul's page about leader elections by plain HTTP.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { openCounter } from '../../../servers/consul-counter.ts'
import { ConsulLock } from '../../../servers/consul-lock.ts'
import { freshName, lockFlags, type StoredKey, useConsul } from '../../../servers/consul-store.ts'
import { Observed } from '../../../servers/observed.ts'

const store = useConsul()
const lockOf = (name: string): Promise<StoredKey | undefined> => store.key(`${name}/.lock`)

/** Takes leadership, or another value, as a Go program or a script would. */
async function put(name: string, session: string, value: string, verb = 'acquire'): Promise<void> {
  expect(await store.put(`${name}/.lock`, value, `flags=${lockFlags}&${verb}=${session}`)).toBe(true)
}

test('a client that reads the key as the page says sees the session and value of a Leasehold leader, and follows both by blocking reads', async () => {
  const name = freshName()
  const client = await store.client()
  const term = await client.election(name).campaign({ value: '{"host":"a"}' })
  const leader = await client.election(name).leader()
  const path = `kv/${name}/.lock`
  const follow = async (index: number) => store.ask('GET', `${path}?index=${index}&wait=60s`)

  const first = await store.ask('GET', path)
  const [read] = JSON.parse(first.body)
  expect(Buffer.from(read.Value, 'base64').toString()).toBe('{"host":"a"}')
  expect(read.Session).toBe(leader?.session)
  expect(BigInt(read.CreateIndex)).toBe(term.token)

  const followed = follow(first.index)
  await term.proclaim('{"host":"b"}')
  const second = await followed
  expect(Buffer.from(JSON.parse(second.body)[0].Value, 'base64').toString()).toBe('{"host":"b"}')
  const gone = follow(second.index)
  await term.resign()
  const third = await gone
  expect(third.status === 404 || JSON.parse(third.body)[0].Session === undefined).toBe(true)
})

test('a session that acquires the key by plain HTTP and a candidate of Leasehold lead in turn', async () => {
  const name = freshName()
  const election = (await store.client()).election(name)
  const observed = new Observed((await store.client()).election(name))
  await observed.sees('nobody')
  const session = await store.createSession()
  await put(name, session, 'theirs')

  const seen = await observed.sees('theirs')
  expect(seen).toMatchObject({ value: 'theirs', session, token: BigInt((await lockOf(name))?.created ?? 0) })
  expect(await election.leader()).toEqual(seen)
  const waiting = election.campaign({ value: 'ours' })
  await store.line(name, 1)
  await put(name, session, 'theirs, anew')
  await observed.sees('theirs, anew')
  await put(name, session, 'theirs, anew', 'release')
  const term = await waiting

  await observed.sees('ours')
  expect(term.token).toBeGreaterThan(seen?.token as bigint)
  expect(await store.put(`${name}/.lock`, 'not yet', `flags=${lockFlags}&acquire=${session}`)).toBe(false)
  await term.resign()
  await observed.sees('nobody')
  await put(name, session, 'theirs again')
  expect((await observed.sees('theirs again'))?.token).toBeGreaterThan(term.token)
  await store.delete(`${name}/.lock`)
  await observed.sees('nobody')
})

test('consul lock waits for our leader, and leads when that resigns; then we lead again', async () => {
  const name = freshName()
  const election = (await store.client()).election(name)
  const observed = new Observed((await store.client()).election(name))
  const first = await election.campaign({ value: 'ours' })
  const counter = await openCounter(store.host)
  const theirs = await ConsulLock.start(`http://${counter.address}`, name)
  await until(async () => counter.count('wait') === 1, { describe: () => `its wait; ${theirs.stderr}` })
  expect(theirs.holds).toBe(false)

  await first.resign()
  await theirs.held
  const { value = '', session, created = 0 } = (await lockOf(name)) ?? {}
  expect(await observed.sees(value)).toMatchObject({ value, session, token: BigInt(created) })
  const waiting = election.campaign({ value: 'ours again' })
  await store.line(name, 1)
  expect(await theirs.release()).toBe(0)

  const second = await waiting
  await observed.sees('ours again')
  expect(second.token).toBeGreaterThan(BigInt(created))
  expect(BigInt(created)).toBeGreaterThan(first.token)
})

test('leader tells the token of the term, also after it proclaimed, and with a key that was left behind', async () => {
  const name = freshName()
  const election = (await store.client()).election(name)
  const tokens: bigint[] = []
  const session = await store.createSession()
  for (let round = 0; round < 3; round += 1) {
    // Go's clients leave the key behind, and take it again: then it is older than their terms.
    await put(name, session, `theirs ${round}`)
    tokens.push((await election.leader())?.token ?? 0n)
    await put(name, session, `theirs ${round}`, 'release')
    await put(name, session, `theirs, again ${round}`)
    tokens.push((await election.leader())?.token ?? 0n)
    await put(name, session, `theirs, again ${round}`, 'release')
    expect(await election.leader()).toBeUndefined()

    const term = await election.campaign({ value: 'ours' })
    for (const value of ['one', 'one', 'two']) {
      await term.proclaim(value)
      expect(await election.leader()).toMatchObject({ value, token: term.token })
    }
    tokens.push(term.token)
    await term.resign()
  }
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1)))
})

test('a checkpoint leaves the value exactly as it was proclaimed, and nobody who observes sees it', async () => {
  const name = freshName()
  const client = await store.client()
  const term = await client.election(name).campaign({ value: 'first' })
  const observed = new Observed((await store.client()).election(name))
  await observed.sees('first')
  const before = await lockOf(name)

  for (const text of ['a', 'b', 'b', '']) {
    await term.checkpoint(text)
    expect(await client.mutex(name).readCheckpoint()).toBe(text)
  }
  expect(await lockOf(name)).toEqual(before)
  await term.proclaim('second')
  await term.checkpoint('c')
  await observed.sees('second')

  expect((await lockOf(name))?.value).toBe('second')
  expect(await client.mutex(name).readCheckpoint()).toBe('c')
  expect(observed.values).toEqual(['first', 'second'])
  await store.delete(`${name}/.checkpoint`)
})

test('of many proclaimed at once the last one stays', async () => {
  const name = freshName()
  const election = (await store.client()).election(name)
  const term = await election.campaign()
  await Promise.all(Array.from({ length: 20 }, (_, index) => term.proclaim(`value ${index}`)))
  expect(await election.leader()).toMatchObject({ value: 'value 19', token: term.token })
})

test('a leader can proclaim nothing after its key was released for it', async () => {
  const name = freshName()
  const election = (await store.client({ lockDelayMs: 0, unsafeTwoMayHold: true })).election(name)
  const term = await election.campaign({ value: 'first' })
  const { session = '' } = (await lockOf(name)) ?? {}
  await put(name, session, 'released', 'release')
  const next = await (await store.client()).election(name).campaign({ value: 'next' })

  await expect(term.proclaim('too late')).rejects.toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })

  expect(term.held).toBe(false)
  if (!term.signal.aborted) await once(term.signal, 'abort')
  expect(await election.leader()).toMatchObject({ value: 'next', token: next.token })
})
