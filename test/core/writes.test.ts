// The order of one hold's writes into the store, over a store that fails.
import { expect, test } from 'vitest'
import { connect, type Hold, UnavailableError } from '../../src/index.ts'
import { FaultyStore } from './faulty.ts'
import { ManualClock } from './manual-clock.ts'

interface Scene {
  readonly clock: ManualClock
  readonly store: FaultyStore
  readonly hold: Hold
  /** The text in the store. */
  stored(): Promise<string | undefined>
}

async function scene(): Promise<Scene> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  const client = await connect(store.source, { clock, ttlMs: 10_000 })
  const mutex = client.mutex('a')
  return { clock, store, hold: await mutex.acquire(), stored: () => mutex.readCheckpoint() }
}

test('checkpoints that no code awaits are written in the order of the calls, one at a time', async () => {
  const { clock, store, hold, stored } = await scene()
  store.lateMs.set('writeCheckpoint', 100)
  const texts = ['1', '2', '3']
  const written: string[] = []
  for (const text of texts) void hold.checkpoint(text).then(() => written.push(text))

  await clock.advance(50)
  expect(store.count('writeCheckpoint')).toBe(1)
  for (const [index, text] of texts.entries()) {
    await clock.advance(100)
    expect(written).toEqual(texts.slice(0, index + 1))
    expect(await stored()).toBe(texts[index + 1] ?? text) // the next one was applied but not yet answered
  }
})

test('a checkpoint that has to be sent again is not overtaken by the next one', async () => {
  const { clock, store, hold, stored } = await scene()
  store.faults.set('writeCheckpoint', 'apply, then refuse')
  const both = Promise.all([hold.checkpoint('first'), hold.checkpoint('second')])
  await clock.advance(500)
  expect(await stored()).toBe('first')

  store.faults.clear()
  await clock.advance(2_000)
  await both
  expect(await stored()).toBe('second')
})

test('a checkpoint that finally fails does not hold up the next one', async () => {
  const { clock, store, hold, stored } = await scene()
  store.faults.set('writeCheckpoint', 'refuse')
  let stayed = true
  const failing = hold.checkpoint('first').catch((error: unknown) => error)
  const next = hold.checkpoint('second')
  void failing.then(() => {
    stayed = false
    store.faults.clear()
  })
  for (let seconds = 0; stayed && seconds < 60; seconds += 1) await clock.advance(1_000)

  expect(await failing).toBeInstanceOf(UnavailableError)
  await clock.advance(2_000)
  await next
  expect(await stored()).toBe('second')
  expect(hold.held).toBe(true)
})
