// An operator's requests over a store that fails: which are repeated, which are not, and which arguments are refused.
import { expect, test } from 'vitest'
import { connect, type Leasehold, UnavailableError } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock } from './manual-clock.ts'

async function scene(): Promise<{ clock: ManualClock; store: FaultyStore; client: Leasehold }> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  return { clock, store, client: await connect(store.source, { clock, ttlMs: 10_000 }) }
}

test('a survey without an answer is repeated', async () => {
  const { clock, store, client } = await scene()
  await client.mutex('a').acquire()
  store.faults.set('survey', 'refuse')
  const asked = client.survey()
  await clock.advance(60)
  store.faults.clear()
  await clock.advance(1_000)
  expect((await asked).map(({ name }) => name)).toEqual(['a'])
  await client.close()
})

test('a break whose answer is lost is not repeated, since the second answer would be false', async () => {
  const { store, client } = await scene()
  const hold = await client.mutex('a').acquire()
  store.faults.set('break', 'apply, then refuse')
  await expect(client.break('a', hold.token)).rejects.toThrow(UnavailableError)
  expect(store.count('break')).toBe(1)
  expect(await client.survey()).toEqual([])
  await client.close()
})

test('each claim has the time at which it was made, by the clock of its client', async () => {
  const { clock, client } = await scene()
  const sinces: string[] = []
  for (const name of ['a', 'b']) {
    await client.mutex(name).acquire()
    sinces.push(JSON.parse((await client.survey(name))[0]?.claims[0]?.value ?? '').since)
    await clock.advance(1_000)
  }
  expect(sinces).toEqual(['1970-01-01T00:16:40.000Z', '1970-01-01T00:16:41.000Z'])
  await client.close()
})

test.for([
  ['a name that is empty', '', 1n, RangeError, /name: ""/],
  ['a token that is a number', 'a', 1, TypeError, /token: 1 is not a bigint/],
  ['a token of 0', 'a', 0n, RangeError, /token: 0n is out of range/],
] as const)('break refuses %s, and sends nothing', async ([, name, token, type, message]) => {
  const { store, client } = await scene()
  const asked = client.break(name, token as bigint)
  await expect(asked).rejects.toThrow(type)
  await expect(asked).rejects.toThrow(message)
  expect(store.count('break')).toBe(0)
  await client.close()
})

test('survey refuses a prefix that no name can begin with', async () => {
  const { client } = await scene()
  await expect(client.survey('a\n')).rejects.toThrow(/prefix: "a\\n" has a control character/)
  await expect(client.survey(7 as unknown as string)).rejects.toThrow(/prefix: 7 is not a string/)
  await client.close()
})
