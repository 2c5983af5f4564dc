// A mutex with `handoff`: a release passes the hold to the next caller of the client without a request, until a bound, a loss or
// the end of the client. On a manual clock.
import { expect, test } from 'vitest'
import type { Hold } from '../../src/api/hold.ts'
import { connect, HoldLostError, type Leasehold } from '../../src/index.ts'
import { type Fault, FaultyStore } from './faulty.ts'
import { heard, traced } from './listening.ts'
import { ManualClock, settle } from './manual-clock.ts'

const ttlMs = 9_000
const far = { max: 1_000, forMs: 600_000 }

async function scene(): Promise<{ clock: ManualClock; store: FaultyStore; client: Leasehold }> {
  const [clock, store] = [new ManualClock(), new FaultyStore()]
  return { clock, store, client: await connect(store.source, { clock, ttlMs }) }
}

/** The hold of a caller that waits, once it has it. */
function waiting(promise: Promise<Hold>): { readonly promise: Promise<Hold>; hold?: Hold; error?: unknown } {
  const seen: { promise: Promise<Hold>; hold?: Hold; error?: unknown } = { promise }
  promise.then(
    (hold) => {
      seen.hold = hold
    },
    (error) => {
      seen.error = error
    },
  )
  return seen
}

test('64 callers of one client hold one after the other by one claim, and each has a larger token', async () => {
  const { client, store } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const tokens: bigint[] = []
  let inside = 0
  const work = async ({ token, held }: Hold): Promise<void> => {
    inside += 1
    expect([inside, held]).toEqual([1, true])
    await settle()
    tokens.push(token)
    inside -= 1
  }
  await Promise.all(Array.from({ length: 64 }, () => lock.run(work)))
  const [first = 0n] = tokens
  expect(tokens).toEqual(Array.from({ length: 64 }, (_, index) => first + BigInt(index)))
  expect([store.count('attempt'), store.count('replace'), store.count('withdraw')]).toEqual([1, 0, 1])
})

test.each([
  [{ max: 3, forMs: far.forMs }, 16],
  [{ max: 65_535, forMs: 1_000 }, 13],
])('with the bounds %o, 64 callers that hold for 200 ms need %i claims', async (handoff, claims) => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a', { handoff })
  const tokens: bigint[] = []
  const work = async ({ token }: Hold): Promise<void> => {
    tokens.push(token)
    await new Promise<void>((resolve) => void clock.after(200, resolve))
  }
  const all = Promise.all(Array.from({ length: 64 }, () => lock.run(work)))
  await clock.advance(64 * 200)
  await all
  expect(store.count('attempt')).toBe(claims)
  expect(tokens).toEqual(tokens.toSorted((one, other) => Number(one - other)))
  expect(new Set(tokens).size).toBe(64)
})

test('a release in time passes the hold on at once, and the releaser holds no more', async () => {
  const { client } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const first = await lock.acquire()
  const second = waiting(lock.acquire())
  const released = first.release()
  expect([first.held, first.remainingMs, first.signal.aborted]).toEqual([false, 0, false])
  await released
  await settle()
  expect(second.hold?.held).toBe(true)
  await expect(first.checkpoint('late')).rejects.toThrow(HoldLostError)
  await expect(first.verify()).rejects.toThrow(HoldLostError)
})

test('after the deadline nothing is passed on: the next caller holds by a claim of the next session', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const first = await lock.acquire()
  const second = waiting(lock.acquire())
  clock.block(ttlMs)
  await first.release()
  await clock.advance(100)
  expect(store.count('attempt')).toBe(2)
  expect(second.hold?.held).toBe(true)
  expect(second.hold?.token).toBeGreaterThan(first.token)
})

test('with less than half of the life of its session left a hold is not passed on', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const first = await lock.acquire()
  const second = waiting(lock.acquire())
  store.faults.set('renewSession', 'hang')
  await clock.advance(ttlMs * 0.6)
  expect(first.held).toBe(true)
  await first.release()
  expect([store.count('withdraw'), second.hold]).toEqual([1, undefined])
  store.faults.clear()
  await clock.advance(3_000)
  expect(second.hold?.held).toBe(true)
})

test('a claim that is broken during many short holds is lost by the one that has it, and the next caller makes its own', async () => {
  const { client, store, clock } = await scene()
  const lost = heard('leasehold:hold.lost')
  const lock = client.mutex('a', { handoff: far })
  const holds = [await lock.acquire()]
  for (let each = 0; each < 10; each += 1) {
    const next = lock.acquire()
    await clock.advance(ttlMs / 30)
    await holds.at(-1)?.release()
    holds.push(await next)
  }
  const [last] = holds.slice(-1) as [Hold]
  const next = waiting(lock.acquire())
  const operator = await store.source.open(clock)
  const signal = new AbortController().signal
  const [standing] = await operator.line('a', signal)
  await operator.break('a', standing?.token ?? 0n, signal)
  await settle()
  expect(last.held).toBe(false)
  await clock.advance(100)
  expect([next.hold?.held, store.count('attempt')]).toEqual([true, 2])
  expect(lost.map(({ token }) => token)).toEqual([last.token])
})

test.each<[string, (hold: Hold) => Promise<unknown>]>([
  ['that stays taken', (hold) => hold.release({ afterMs: 2_000 })],
  [
    'whose write got no answer, which may arrive under the next hold',
    async (hold) => {
      await hold.checkpoint('text', { timeoutMs: 100 }).catch(() => {})
      await hold.release()
    },
  ],
])('a hold %s is not passed on', async (_how, release) => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const first = await lock.acquire()
  const second = waiting(lock.acquire())
  store.faults.set('writeCheckpoint', 'apply, then hang')
  const released = release(first)
  await clock.advance(500)
  await released
  await clock.advance(3_000)
  expect(store.count('attempt')).toBeGreaterThan(1)
  expect(second.hold?.held).toBe(true)
})

test('callers that gave up are passed over, and the last release withdraws the claim', async () => {
  const { client, store, clock } = await scene()
  const lock = client.mutex('a', { handoff: far })
  const first = await lock.acquire()
  const impatience = new AbortController()
  const [second, third] = [
    waiting(lock.acquire({ signal: impatience.signal })),
    waiting(lock.acquire({ waitMs: 500 })),
  ]
  const fourth = waiting(lock.acquire())
  expect(await lock.tryAcquire()).toBeUndefined()
  impatience.abort('enough')
  await clock.advance(600)
  await first.release()
  await settle()
  expect([second.error, String(third.error)]).toEqual(['enough', expect.stringContaining('not free')])
  expect(fourth.hold?.token).toBe(first.token + 1n)
  await fourth.hold?.release()
  const backend = await store.source.open(clock)
  expect(await backend.line('a', new AbortController().signal)).toEqual([])
  expect(store.count('attempt')).toBe(1)
})

test.each<Fault | undefined>([undefined, 'hang'])(
  'close ends the hold and its waiters, and leaves no timer (%s)',
  async (fault) => {
    const { client, store, clock } = await scene()
    const lock = client.mutex('a', { handoff: far })
    const first = await lock.acquire()
    const second = waiting(lock.acquire())
    await first.release()
    const hold = await second.promise
    const third = waiting(lock.acquire())
    if (fault) store.breakAll(fault)
    const closed = client.close()
    await clock.advance(60_000)
    await closed
    expect([hold.held, String(third.error), clock.timers]).toEqual([
      false,
      expect.stringContaining('closed'),
      0,
    ])
  },
)

test('each hold is told as an acquire and a release of its own, and has no key of the store', async () => {
  const { client } = await scene()
  const [acquires, releases] = [traced('leasehold:acquire'), traced('leasehold:release')]
  const lock = client.mutex('a', { handoff: far })
  const keys: unknown[] = []
  await Promise.all([1, 2, 3].map(() => lock.run(({ key }) => void keys.push(key))))
  expect(acquires.ended.map(({ outcome }) => outcome)).toEqual(['held', 'held', 'held'])
  expect(new Set(releases.ended.map(({ token }) => token)).size).toBe(3)
  expect(keys).toEqual([undefined, undefined, undefined])
})

test('inside its own run it is a DeadlockError, and with reentrant the same hold', async () => {
  const { client } = await scene()
  const plain = client.mutex('a', { handoff: far })
  await expect(plain.run(() => plain.acquire())).rejects.toMatchObject({ code: 'LEASEHOLD_NESTED' })
  const lock = client.mutex('a', { handoff: far, reentrant: true })
  const tokens = await lock.run((outer) => lock.run((inner) => [outer.token, inner.token]))
  expect(tokens[0]).toBe(tokens[1])
})

test.each<[object, string]>([
  [{ max: 0, forMs: 100 }, 'handoff.max: 0 is out of range; it takes a whole number from 1 to 65535'],
  [{ max: 1.5, forMs: 100 }, 'handoff.max: 1.5 is out of range'],
  [{ max: Number.NaN, forMs: 100 }, 'handoff.max: NaN is out of range'],
  [{ max: 65_536, forMs: 100 }, 'handoff.max: 65536 is out of range'],
  [{ max: 3, forMs: 0 }, 'handoff.forMs: 0 is out of range; it takes a number of ms from 1 to 86400000'],
  [{ max: 3, forMs: Number.POSITIVE_INFINITY }, 'handoff.forMs: Infinity is out of range'],
  [{ max: 3 }, 'handoff.forMs: undefined is not a number of ms'],
  [{ max: 3, forMs: 1, times: 2 }, 'handoff.times: is not an option; did you mean handoff.max'],
])('the bounds %o are refused: %s', async (handoff, message) => {
  const { client } = await scene()
  expect(() => client.mutex('a', { handoff } as object)).toThrow(message)
})

test('a store that does not keep the form of a name refuses the option', async () => {
  const store = new FaultyStore()
  store.facts = { handoff: false }
  const client = await connect(store.source, { clock: new ManualClock(), ttlMs })
  expect(() => client.mutex('a', { handoff: far })).toThrow(
    'handoff: memory does not keep the form of a name',
  )
})
