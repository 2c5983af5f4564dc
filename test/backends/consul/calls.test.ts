// Claims of a semaphore that are called: another client puts them on the list of holders in a transaction of its own, over the
// simulated data of Consul. Which are called, and that order, weights, tokens and withdrawals stay as they are without calls.
import { expect, test } from 'vitest'
import type { Attempt } from '../../../src/contract.ts'
import { type Client, datacenter, never, type Waiting } from './list-clients.ts'

interface One {
  readonly client: Client
  readonly waits: Waiting
}

type State = Awaited<ReturnType<typeof datacenter>>['state']

/** A client that has all permits, with others behind it in line and a claim of its own at the end: so it looks after the line. */
async function lined(permits: number, others: readonly (readonly [session: string, weight: number])[]) {
  const { state, client } = await datacenter()
  const one = await client('one')
  const holds = [await one.holds(permits, permits - 1), await one.holds(permits)]
  const waiting: One[] = []
  for (const [session, weight] of others) {
    const other = await client(session)
    waiting.push({ client: other, waits: await other.waits(permits, weight) })
  }
  const own = await one.waits(permits)
  one.writes()
  const release = (place: 0 | 1): Promise<void> => one.backend.withdraw(holds[place] as never, never)
  return { state, one, own, waiting, release, client }
}

/** The sessions on the list. */
function listed(state: State): string[] {
  const [lock] = state.read({ key: 'a/.lock' }).entries
  const { Holders, Weights } = JSON.parse(lock?.value ?? '{}')
  return Object.keys(Holders ?? Weights ?? {})
}

async function answerOf({ client, waits }: One): Promise<Attempt> {
  return (await waits.next) ?? (await client.backend.attempt(waits.claim, never))
}

const tokenOf = (answer: Attempt): bigint => (answer.held ? answer.token : 0n)

test('a permit that is given back goes to the next in line of other clients with the same request', async () => {
  const { state, one, waiting, release } = await lined(3, [
    ['two', 1],
    ['three', 1],
  ])

  await release(0)

  expect(one.writes()).toHaveLength(1)
  expect(listed(state)).toEqual(expect.arrayContaining(['two', 'three']))
  for (const each of waiting) {
    const { client } = each
    client.writes()
    expect(await answerOf(each)).toMatchObject({ held: true })
    expect(client.writes()).toHaveLength(1)
  }
})

test('claims that are called by one request have tokens of their own, larger than all before', async () => {
  const { waiting, own, one, release, client } = await lined(3, [
    ['two', 1],
    ['three', 1],
  ])
  const late = await client('late')
  await release(0)
  await release(1)

  const tokens = [tokenOf(await answerOf({ client: one, waits: own }))]
  for (const each of waiting) tokens.push(tokenOf(await answerOf(each)))
  for (const { client, waits } of waiting) await client.backend.withdraw(waits.claim, never)
  await one.backend.withdraw(own.claim, never)
  const last = await late.backend.attempt(late.claim(3), never)

  expect(new Set(tokens).size).toBe(3)
  for (const token of tokens) expect(tokenOf(last)).toBeGreaterThan(token)
})

test('a claim that is called is shown with the token of its hold, and broken by it', async () => {
  const { waiting, release } = await lined(3, [['two', 1]])
  await release(0)
  const [called] = waiting as [One]
  const token = tokenOf(await answerOf(called))
  const { client, waits } = called

  const shown = await client.backend.line('a', never)

  expect(shown.find(({ session }) => session === 'two')).toMatchObject({ held: true, token })
  expect(await client.backend.break('a', token, never)).toBe(true)
  expect(await client.backend.verify(waits.claim, never)).toBe(false)
})

test('a claim that gives up as it is called leaves the list again', async () => {
  const { state, waiting, release } = await lined(3, [['two', 1]])
  const [{ client, waits }] = waiting as [One]
  waits.next.catch(() => {})
  await release(0)
  expect(listed(state)).toContain('two')

  await client.backend.withdraw(waits.claim, never)

  expect(listed(state)).not.toContain('two')
  const keys = state.read({ prefix: 'a/' }).entries.map(({ key }) => key)
  expect(keys).not.toContain('a/two')
})

test('a claim that has left the line since it was read is not called, and the next one is', async () => {
  for (const leave of [
    ({ client, waits }: One) => client.backend.withdraw(waits.claim, never),
    (_: One, state: State) => state.destroySession('two', () => {}),
  ]) {
    const { state, one, waiting, release } = await lined(3, [
      ['two', 2],
      ['three', 1],
    ])
    await release(1) // the line is read now, and the first in it does not fit
    one.whenItTakes = async () => void (await leave(waiting[0] as One, state))

    await release(0)

    expect(listed(state)).not.toContain('two')
    expect(await answerOf(waiting[1] as never)).toMatchObject({ held: true })
  }
})

test('a heavy claim at the start of the line is not overtaken by lighter ones', async () => {
  const { state, waiting, release } = await lined(3, [
    ['two', 2],
    ['three', 1],
  ])

  await release(1)
  expect(listed(state)).toEqual(['one'])
  await release(0)

  expect(listed(state)).toEqual(expect.arrayContaining(['two', 'three']))
  expect(await answerOf(waiting[0] as never)).toMatchObject({ held: true })
  expect(await answerOf(waiting[1] as never)).toMatchObject({ held: true })
})

test('a ticket of an older version, whose permit may have another session, is not called, nor one behind it', async () => {
  const { state, one, own, waiting, release, client } = await lined(3, [['two', 1]])
  const [{ waits }] = waiting as [One]
  const { key = '', value = '' } = state.read({ prefix: 'a/.line/two' }).entries[0] ?? {}
  state.txn([{ verb: 'lock', key, value, session: 'two' }]) // without flags, as older versions do
  void [own, waits, client]

  await release(0)

  expect(listed(state)).toEqual(['one1'])
  expect(one.writes()).toHaveLength(1)
})

test('a late copy of the request by which a called claim makes its key anew changes nothing', async () => {
  const { state, waiting, release } = await lined(3, [['two', 1]])
  await release(0)
  const [called] = waiting as [One]
  const { client, waits } = called
  client.writes()
  await answerOf(called)
  const [sent] = client.writes()

  expect(state.txn(sent ?? [])).toMatchObject({ applied: false })
  expect(await client.backend.verify(waits.claim, never)).toBe(true)
})

test('when the last in line is called, no key of the line is left', async () => {
  const { state, one, own, waiting, release } = await lined(3, [['two', 1]])
  await release(0)
  await release(1)
  const called = [...waiting, { client: one, waits: own }]
  for (const each of called) expect(await answerOf(each)).toMatchObject({ held: true })

  for (const { client, waits } of called) await client.backend.withdraw(waits.claim, never)

  const keys = state.read({ prefix: 'a/' }).entries.map(({ key }) => key)
  expect(keys.filter((key) => !key.startsWith('a/.passed/'))).toEqual([])
})

test('claims of one client that come at the same moment share a request, and have tokens of their own', async () => {
  const { state, client } = await datacenter()
  const one = await client('one')
  await one.spare(6)
  one.writes()
  const claims = Array.from({ length: 5 }, () => one.claim(6))

  const answers = await Promise.all(claims.map((claim) => one.backend.attempt(claim, never)))

  expect(new Set(answers.map(tokenOf)).size).toBe(5)
  expect(answers.every(({ held }) => held)).toBe(true)
  expect(one.writes().filter((each) => each.some(({ verb }) => verb === 'cas'))).toHaveLength(1)
  expect(listed(state)).toHaveLength(5)
})

test('one of them that gives up before it knows that it is on the list leaves it again', async () => {
  const { state, client } = await datacenter()
  const one = await client('one')
  await one.spare(4)
  const [first, second] = [one.claim(4), one.claim(4)]
  const abort = new AbortController()
  one.whenItAsks = (operations) => {
    const isAnew = operations[0]?.verb === 'check-index' && operations[1]?.verb === 'get'
    if (isAnew) abort.abort('given up')
  }

  const asked = [one.backend.attempt(first, never), one.backend.attempt(second, abort.signal)]
  await Promise.allSettled(asked)
  await one.backend.withdraw(second, never)

  expect(listed(state)).toEqual(['one'])
  expect(await one.backend.verify(first, never)).toBe(true)
})
