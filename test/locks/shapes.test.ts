// Locks that take more than one permit, or more than one name, as their callers see them. On a clock that the test moves.
import { expect, test } from 'vitest'
import { ConflictError, HoldLostError, WaitTimeoutError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { isOver, never, type Scene, scene } from '../election/scene.ts'

/** Resolves when the name has so many claims in the store. */
async function stand({ truth }: Scene, name: string, count: number): Promise<void> {
  while ((await truth.line(name, never)).length !== count) await settle()
}

test.each(['of one client', 'of two clients'])(
  'permits are taken in order, all at once: calls %s',
  async (whose) => {
    const { one, other } = await scene()
    const first = await one.semaphore('a', { permits: 4 }).acquire({ permits: 3 })
    const pool = (whose === 'of one client' ? one : other).semaphore('a', { permits: 4 })
    const heavy = pool.acquire({ permits: 2 })
    await settle()
    const light = one.semaphore('a', { permits: 4 }).acquire()
    expect([await isOver(heavy), await isOver(light)]).toEqual([false, false])
    expect(await pool.tryAcquire()).toBeUndefined()
    await first.shrink(1)
    expect([first.permits, (await heavy).permits]).toEqual([2, 2])
    expect(await isOver(light)).toBe(false)
    await first.release()
    expect((await light).token).toBeGreaterThan((await heavy).token)
    await first.release()
    expect(await pool.tryAcquire({ permits: 2 })).toBeUndefined()
    await Promise.all([(await heavy).release(), (await light).release()])
    await (await pool.acquire({ permits: 4 })).release()
  },
)

test('a call that gives up lets the lighter calls of its client behind it hold', async () => {
  const { clock, one } = await scene()
  const pool = one.semaphore('a', { permits: 3 })
  const first = await pool.acquire({ permits: 2 })
  const heavy = pool.acquire({ permits: 3, waitMs: 50 })
  const light = pool.acquire()
  expect(await isOver(light)).toBe(false)
  const failed = expect(heavy).rejects.toThrow(WaitTimeoutError)
  await clock.advance(50)
  await failed
  await Promise.all([(await light).release(), first.release()])
})

test.each([0, -1, 1.5, 4, Number.NaN, '1'])(
  'permits: %j of three is refused before anything is sent',
  async (permits) => {
    const { one, truth } = await scene()
    const pool = one.semaphore('a', { permits: 3 })
    const options = { permits: permits as number }
    for (const call of [pool.acquire(options), pool.tryAcquire(options), pool.run(() => {}, options)])
      await expect(call).rejects.toThrow(/^permits: .* a whole number from 1 to 3$/)
    expect(await truth.line('a', never)).toEqual([])
  },
)

test('a hold cannot give back all of its permits, nor none, by shrink', async () => {
  const { one } = await scene()
  const hold = await one.semaphore('a', { permits: 3 }).acquire({ permits: 2 })
  for (const permits of [0, 2, 3, Number.NaN])
    await expect(hold.shrink(permits)).rejects.toThrow(/from 1 to 1; release\(\) gives back all/)
  await hold.shrink(1)
  await expect(hold.shrink(1)).rejects.toThrow(/this hold has one permit/)
  expect(hold.permits).toBe(1)
  await hold.release()
  await expect(hold.shrink(1)).rejects.toThrow(RangeError)
})

test('a shrink that was aborted is settled: the permits that the hold no longer counts become free', async () => {
  const { one, other } = await scene()
  const pool = one.semaphore('a', { permits: 3 })
  const hold = await pool.acquire({ permits: 3 })
  const waiting = [pool.acquire(), other.semaphore('a', { permits: 3 }).acquire()]
  await expect(hold.shrink(2, { signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
  expect(hold.permits).toBe(1)
  await settle()
  for (const next of waiting) await (await next).release()
  expect([hold.held, hold.permits]).toEqual([true, 1])
  const writer = await one.rwlock('w').write.acquire()
  await expect(writer.downgrade({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
  await (await other.rwlock('w').read.acquire()).release()
  expect(writer.held).toBe(true)
})

test.each([0, -1, 1.5, Number.NaN, 10_001, '3', undefined])(
  'a semaphore of %j permits is refused, and the message says which numbers it takes',
  async (permits) => {
    const { one } = await scene()
    const make = (): unknown => one.semaphore('a', { permits: permits as number })
    expect(make).toThrow(/^permits: .* a whole number from 1 to 10000$/)
    expect(make).toThrow(typeof permits === 'number' ? RangeError : TypeError)
  },
)

test.each(['of one client', 'of two clients'])(
  'readers hold together, a writer alone, in order: calls %s',
  async (whose) => {
    const host = await scene()
    const { one, other } = host
    const { read, write } = one.rwlock('a')
    const others = (whose === 'of one client' ? one : other).rwlock('a')
    const readers = [await read.acquire(), await read.acquire()]
    const writer = others.write.acquire()
    await stand(host, 'a', whose === 'of one client' ? 2 : 3)
    const late = read.acquire()
    expect([await isOver(writer), await isOver(late)]).toEqual([false, false])
    expect(await read.tryAcquire()).toBeUndefined()
    await readers[0]?.release()
    expect(await isOver(writer)).toBe(false)
    await readers[1]?.release()
    const hold = await writer
    expect(readers.every(({ token }) => token < hold.token)).toBe(true)
    const next = write.acquire()
    await settle()
    expect([await isOver(late), await isOver(next)]).toEqual([false, false])
    await hold.downgrade()
    expect((await late).token).toBeGreaterThan(hold.token)
    expect([hold.held, await isOver(next)]).toEqual([true, false])
    await hold.downgrade()
    await (await late).release()
    expect(await isOver(next)).toBe(false)
    await hold.release()
    await (await next).release()
  },
)

test('a reader cannot become a writer, and the error says why', async () => {
  const { one } = await scene()
  await using hold = await one.rwlock('a').read.acquire()
  expect(() => hold.upgrade()).toThrow(
    /^a reader of "a" cannot become a writer: two readers .* wait for each other/,
  )
  expect(hold.held).toBe(true)
})

test('a lock of readers and writers on the name of a mutex is a conflict that says what the name is, and the reverse', async () => {
  const { one, other } = await scene()
  const mutex = await one.mutex('a').acquire()
  await expect(other.rwlock('a').read.acquire()).rejects.toThrow(
    /"a" is in use as a mutex; .* readers and writers/,
  )
  await mutex.release()
  const reader = await one.rwlock('a').read.acquire()
  await expect(other.mutex('a').acquire()).rejects.toThrow(/as a lock of readers and writers; .* a mutex/)
  await expect(other.semaphore('a', { permits: 2 }).acquire()).rejects.toThrow(ConflictError)
  await reader.release()
})

test('several mutexes are taken in one order, whatever the order of their names, and given back together', async () => {
  const { one, other } = await scene()
  const first = await one.mutexes(['b', 'a']).acquire()
  expect([...first.tokens.keys()]).toEqual(['a', 'b'])
  const second = other.mutexes(['a', 'b', 'c']).acquire()
  expect(await isOver(second)).toBe(false)
  expect(await other.mutexes(['c', 'b']).tryAcquire()).toBeUndefined()
  await (await other.mutex('c').tryAcquire())?.release()
  expect([first.held, first.signal.aborted]).toEqual([true, false])
  await first.verify()
  await first.release()
  expect([first.held, (await second).held]).toEqual([false, true])
  await (await second).release()
})

test('several mutexes have one deadline: after it none is held, and nobody stands in line', async () => {
  const host = await scene()
  const { clock, one, other, truth } = host
  const hold = await one.mutex('b').acquire()
  const failed = expect(other.mutexes(['a', 'b', 'c']).acquire({ waitMs: 50 })).rejects.toThrow(
    /"b" was not free/,
  )
  await stand(host, 'b', 2)
  expect(await truth.line('a', never)).toHaveLength(1)
  await clock.advance(50)
  await failed
  await stand(host, 'a', 0)
  expect(await truth.line('a', never)).toEqual([])
  expect(await truth.line('b', never)).toHaveLength(1)
  const enough = new AbortController()
  const aborted = expect(other.mutexes(['a', 'b']).acquire({ signal: enough.signal })).rejects.toBe('enough')
  await stand(host, 'b', 2)
  enough.abort('enough')
  await aborted
  await stand(host, 'a', 0)
  await stand(host, 'b', 1)
  await hold.release()
})

test.each(['an abort', 'a timeout'])(
  '%s of several mutexes ends the call at once, also while the store does not answer',
  async (what) => {
    const host = await scene()
    const { clock, store, one, other } = host
    await other.mutex('b').acquire()
    const controller = new AbortController()
    const { signal } = controller
    const both = one.mutexes(['a', 'b']).acquire(what === 'an abort' ? { signal } : { waitMs: 50 })
    const ended = both.catch((error) => error)
    await stand(host, 'b', 2)
    store.breakAll('hang')
    expect(await isOver(both)).toBe(false)
    if (what === 'an abort') controller.abort('enough')
    else await clock.advance(50)
    expect(await isOver(both)).toBe(true)
    if (what === 'an abort') expect(await ended).toBe('enough')
    else expect(await ended).toBeInstanceOf(WaitTimeoutError)
    store.faults.clear()
    await clock.advance(12_000) // the withdrawals are asked for again
    await stand(host, 'a', 0)
    await stand(host, 'b', 1)
  },
)

test('a time-out of several mutexes says the rest of the time in whole ms', async () => {
  const host = await scene()
  const { clock, one, other } = host
  const first = await one.mutex('a').acquire()
  await one.mutex('b').acquire()
  const failed = expect(other.mutexes(['a', 'b']).acquire({ waitMs: 50 })).rejects.toThrow(/within 40 ms/)
  await stand(host, 'a', 2)
  await clock.advance(10.25)
  await first.release()
  await stand(host, 'b', 2)
  await clock.advance(40)
  await failed
})

test('the first loss of one of several mutexes aborts the common signal, which names it, and the work rejects', async () => {
  const { one, other } = await scene()
  let reason: unknown
  const work = one.mutexes(['a', 'b']).run(async (hold) => {
    const { signal } = hold
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await other.break('b', hold.tokens.get('b') ?? 0n)
    await hold.verify().catch(() => {})
    await aborted
    reason = signal.reason
    expect([hold.held, signal.aborted]).toEqual([false, true])
    expect(() => hold.assertHeld()).toThrow(HoldLostError)
  })
  await expect(work).rejects.toThrow(HoldLostError)
  expect(String(reason)).toMatch(/of several locks, "b": hold lost/)
  await (await other.mutexes(['a', 'b']).acquire()).release()
})

test('a mutex that is lost while the others are waited for makes the call begin anew', async () => {
  const host = await scene()
  const { clock, one, other } = host
  const holder = await other.mutex('b').acquire()
  const both = one.mutexes(['a', 'b']).acquire()
  await stand(host, 'b', 2)
  const between = other.mutex('a').acquire()
  await stand(host, 'a', 2)
  const [standing] = await other.line('a')
  await other.break('a', standing?.token ?? 0n)
  await clock.advance(1_300) // by now a hold watches its claim
  await (await between).verify()
  await holder.release()
  expect(await isOver(both)).toBe(false)
  await (await between).release()
  expect((await both).held).toBe(true)
  await (await both).release()
})

test.each([
  [[], /^names: has 0 names; it takes 1 to 64$/],
  [Array.from({ length: 65 }, (_, index) => `n${index}`), /^names: has 65 names; it takes 1 to 64$/],
  [['a', 'b', 'a'], /^names\[2\]: "a" is names\[0\] as well; each name once$/],
  [['a', ''], /^names\[1\]: "" is empty/],
  [['a', 7], /^names\[1\]: 7 is not a string$/],
  ['a', /^names: "a" is not an array of names$/],
])('mutexes(%j) is refused', async (names, message) => {
  const { one } = await scene()
  expect(() => one.mutexes(names as string[])).toThrow(message)
})
