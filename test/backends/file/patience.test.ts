// When a client asks again for a database that another process has locked.
import { expect, test } from 'vitest'
import { failure } from '../../../src/backends/file/failure.ts'
import { Patience } from '../../../src/backends/file/patience.ts'
import { ManualClock, settle } from '../../core/manual-clock.ts'

const { signal } = new AbortController()
const locked = failure(Object.assign(new Error('locked'), { rawCode: 5 }), '/store', '/store/leasehold.db')

/** A client, work that meets the lock, and the times at which the work was tried. */
function scene() {
  const clock = new ManualClock()
  const patience = new Patience(clock)
  const store = { isLocked: true }
  const triedMs: number[] = []
  const work = (): string => {
    triedMs.push(clock.mark().monotonicMs)
    if (store.isLocked) throw locked
    return 'done'
  }
  return { clock, patience, store, triedMs, work }
}

test('work that meets the transaction of another process is repeated after 1 ms, and then every few ms', async () => {
  const { clock, patience, store, triedMs, work } = scene()
  const done = patience.run(work, signal)
  await settle()
  await clock.advance(20)
  const [first = 0, second = 0, ...later] = triedMs
  expect(second - first).toBe(1)
  const pauses = [second, ...later].slice(1).map((ms, index) => ms - ([second, ...later][index] ?? 0))
  for (const ms of pauses) expect(ms).toBeGreaterThan(2)
  store.isLocked = false
  await clock.advance(4)
  expect(await done).toBe('done')
})

test('work that another process has kept waiting for long is repeated more often than new work', async () => {
  const { clock, patience, triedMs, work } = scene()
  void patience.run(work, signal)
  await clock.advance(1_000)
  const [last = 0, before = 0] = triedMs.reverse()
  expect(last - before).toBeLessThan(1)
  expect(triedMs.length).toBeGreaterThan(500)
})
