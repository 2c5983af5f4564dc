// Which blocking reads of a client are under way, over a transport that answers when the test says: waiters come first.
import { expect, test } from 'vitest'
import { Waits } from '../../../src/backends/consul/waits.ts'
import type { StoredKey, Transport } from '../../../src/backends/consul/wire/transport.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = (): AbortSignal => new AbortController().signal

interface Read {
  readonly key: string
  readonly waitMs: number
  /** The answer has no key, or that of a hold as the client left it. */
  answer(still?: 'held'): void
}

/** The key of a hold, as the client left it. */
function heldKey(key: string): StoredKey {
  const indexes = { createIndex: 1, modifyIndex: 1, lockIndex: 1 }
  return { key, value: '', flags: 0n, session: 's', ...indexes }
}

/** A client whose reads are answered by hand. */
function client() {
  const clock = new ManualClock()
  const reads: Read[] = []
  const transport: Pick<Transport, 'block'> = {
    block: (target, { waitMs }, signal) =>
      new Promise((resolve, reject) => {
        const key = 'key' in target ? target.key : target.prefix
        const end = (): void => void reads.splice(reads.indexOf(read), 1)
        const answer = (still?: 'held'): void => {
          end()
          resolve({ index: 2, entries: still ? [heldKey(key)] : [] })
        }
        const read = { key, waitMs, answer }
        reads.push(read)
        signal.addEventListener('abort', () => {
          end()
          reject(signal.reason)
        })
      }),
  }
  const waits = new Waits(transport as Transport, clock)
  const hold = (place: number, signal = never()): Promise<undefined> =>
    waits.untilTaken(
      { key: `hold ${place}`, flags: 0n, session: 's', created: 1, token: 1n, modified: 1 },
      signal,
    )
  const wait = (place: number, signal = never()) =>
    waits.until({ key: `wait ${place}` }, 1, () => true, signal)
  const reading = (kind: string): number => reads.filter(({ key }) => key.startsWith(kind)).length
  return { clock, reads, hold, wait, reading }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

async function many(count: number, begin: (place: number) => Promise<unknown>): Promise<void> {
  for (let place = 0; place < count; place += 1) begin(place).catch(() => {})
  await settled()
}

test('a thousand holds leave places to waiters, whose reads begin at once', async () => {
  const { hold, wait, reading, reads } = client()
  await many(1_000, hold)
  expect(reading('hold')).toBe(16)
  await many(48, wait)
  expect(reading('wait')).toBe(48)
  expect(reading('hold')).toBe(16)
  for (const { key, waitMs } of reads) expect(waitMs, key).toBeGreaterThanOrEqual(500)
})

test('while waiters take all places no hold watches its key, and a free place goes to the next waiter', async () => {
  const { hold, wait, reading, reads } = client()
  await many(70, wait)
  await many(5, hold)
  expect([reading('wait'), reading('hold')]).toEqual([64, 0])
  for (let freed = 0; freed < 6; freed += 1) reads[0]?.answer()
  await settled()
  expect([reading('wait'), reading('hold')]).toEqual([64, 0])
  for (let freed = 0; freed < 3; freed += 1) reads[0]?.answer()
  await settled()
  expect([reading('wait'), reading('hold')]).toEqual([61, 3])
})

test('holds take turns: a place that one of them gives back goes to the next', async () => {
  const { hold, reads, reading } = client()
  await many(20, hold)
  expect(reads.map(({ key }) => key)).toEqual(Array.from({ length: 16 }, (_, place) => `hold ${place}`))
  reads[0]?.answer() // its key is gone: it was taken
  await settled()
  expect(reading('hold')).toBe(16)
  expect(reads.at(-1)).toMatchObject({ key: 'hold 16', waitMs: 2_000 }) // others wait for their turn
})

test('a hold whose key is as it was waits for its next turn behind the others', async () => {
  const { hold, reads } = client()
  await many(18, hold)
  const keys = () => reads.map(({ key }) => key).slice(-2)
  reads[0]?.answer('held')
  reads[0]?.answer('held')
  await settled()
  expect(keys()).toEqual(['hold 16', 'hold 17'])
  reads[0]?.answer('held')
  reads[0]?.answer('held')
  await settled()
  expect(keys()).toEqual(['hold 0', 'hold 1'])
})

test('a hold that ends before its turn leaves the queue, and its watch has the reason of its signal', async () => {
  const { hold, reads, reading } = client()
  await many(16, hold)
  const abort = new AbortController()
  const asked = hold(16, abort.signal)
  await many(1, () => hold(17))
  abort.abort('the hold has ended')
  await expect(asked).rejects.toBe('the hold has ended')
  reads[0]?.answer()
  await settled()
  expect(reading('hold')).toBe(16)
  expect(reads.at(-1)?.key).toBe('hold 17')
})

test('a hold that ends right after an answer about its key does not queue again', async () => {
  const { hold, reads } = client()
  const abort = new AbortController()
  const asked = hold(0, abort.signal)
  await many(16, (place) => hold(place + 1))
  reads[0]?.answer('held')
  abort.abort('the hold has ended')
  await expect(asked).rejects.toBe('the hold has ended')
})

test('the watch of a hold that has ended reads nothing', async () => {
  const { hold, reading } = client()
  await expect(hold(0, AbortSignal.abort('the hold has ended'))).rejects.toBe('the hold has ended')
  expect(reading('hold')).toBe(0)
})

test('if a turn comes less often than a verification, holds read for long, and so seldom', async () => {
  const { hold, reads } = client()
  await many(1_000, hold)
  reads[0]?.answer('held')
  await settled()
  expect(reads.at(-1)?.waitMs).toBe(15_000)
})

test('a read that was given up keeps its place for as long as the server serves it', async () => {
  const { clock, wait, reading } = client()
  const aborts = Array.from({ length: 64 }, () => new AbortController())
  await many(64, (place) => wait(place, aborts[place]?.signal))
  for (const abort of aborts) abort.abort(new Error('gave up'))
  await settled()
  await many(1, wait)
  expect(reading('wait')).toBe(0)
  await clock.advance(3_000)
  expect(reading('wait')).toBe(1)
})

test('a reader that gives up before its turn leaves the queue, and takes no place', async () => {
  const { wait, reading, reads } = client()
  await many(64, wait)
  const abort = new AbortController()
  const asked = wait(64, abort.signal)
  abort.abort(new Error('gave up'))
  await expect(asked).rejects.toThrow('gave up')
  await many(1, () => wait(65))
  reads[0]?.answer()
  await settled()
  expect(reading('wait')).toBe(64)
  expect(reads.at(-1)?.key).toBe('wait 65')
})
