// The end of a client on a store where the end of its session frees everything: one request, however many holds there are.
import { expect, test } from 'vitest'
import { ClosedError } from '../../src/index.ts'
import { type OneClient, oneClient } from './clients.ts'
import { FaultyStore } from './faulty.ts'
import { settle } from './manual-clock.ts'

const ttlMs = 9_000
const names = Array.from({ length: 50 }, (_, index) => `n${index}`)
const never = new AbortController().signal

function scene(): Promise<OneClient> {
  const store = new FaultyStore()
  store.facts = { endFreesAll: true }
  return oneClient(ttlMs, store)
}

test('close frees all holds by one request, and tells nobody of a loss', async () => {
  const { store, client, truth } = await scene()
  const holds = await Promise.all(names.map((name) => client.mutex(name).acquire()))
  const waiting = expect(client.mutex('n0').acquire()).rejects.toThrow(ClosedError)
  await settle()
  store.asked.length = 0
  const closed = client.close()
  expect(holds.some(({ held }) => held)).toBe(false)
  await Promise.all([closed, waiting, ...holds.map((hold) => hold.release())])
  expect(store.asked).toEqual(['destroySession'])
  expect(await truth.survey('', never)).toEqual([])
  expect(holds.some(({ signal }) => signal.aborted)).toBe(false)
})

test('close asks again if the end of the session gets no answer', async () => {
  const { clock, store, client, truth } = await scene()
  await Promise.all(names.map((name) => client.mutex(name).acquire()))
  store.faults.set('destroySession', 'refuse')
  const closed = client.close()
  await settle()
  store.faults.clear()
  await clock.advance(100)
  await closed
  expect(await truth.survey('', never)).toEqual([])
  expect(clock.timers).toBe(0)
})

test('while the work of a leader goes on, its session lives, and ordinary holds are released at once', async () => {
  const { clock, client, truth } = await scene()
  await client.mutex('a').acquire()
  let finish = (): void => {}
  const leading = client
    .election('b')
    .lead(async ({ signal }) => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      expect(signal.aborted).toBe(true)
    })
    .catch((error: unknown) => error)
  await settle()
  const closed = client.close()
  await clock.advance(1_000)
  expect((await truth.survey('', never)).map(({ name }) => name)).toEqual(['b'])
  finish()
  await closed
  await leading
  expect(await truth.survey('', never)).toEqual([])
})

test('close takes no longer than two requests with a store that hangs', async () => {
  const { clock, store, client } = await scene()
  await Promise.all(names.map((name) => client.mutex(name).acquire()))
  store.breakAll('hang')
  let done = false
  const closed = client.close().then(() => {
    done = true
  })
  await clock.advance(2 * 2_700)
  expect(done).toBe(true)
  await closed
})
