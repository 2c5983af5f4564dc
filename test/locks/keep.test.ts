// Names that stay taken after a release, as callers see them. On a clock that the test moves.
import { expect, test } from 'vitest'
import { HoldLostError, WaitTimeoutError } from '../../src/index.ts'
import { isOver, never, scene } from '../election/scene.ts'

const hour = 3_600_000

test('a name that its holder keeps is free after that time and no sooner, although the client has closed', async () => {
  const { one, other, clock } = await scene()
  const hold = await one.mutex('a').acquire()
  const next = other.mutex('a').acquire()
  const released = hold.release({ afterMs: hour })
  expect(hold.held).toBe(false)
  await released
  await one.close()
  await clock.advance(hour - 1)
  expect(await isOver(next)).toBe(false)
  await clock.advance(1)
  expect((await next).token).toBeGreaterThan(hold.token)
  await (await next).release()
})

test('the client that keeps a name waits for it too, and the message says until when', async () => {
  const { one, clock } = await scene()
  await (await one.mutex('a').acquire()).release({ afterMs: hour })
  expect(await one.mutex('a').tryAcquire()).toBeUndefined()
  const timed = expect(one.mutex('a').acquire({ waitMs: 1_000 })).rejects.toThrow(
    /"a" was not free within 1000 ms: held by .*, which lets it stay taken until 1970-01-01T01:16:40/,
  )
  await clock.advance(1_000)
  await timed
  const again = one.mutex('a').acquire()
  await clock.advance(hour)
  await (await again).release()
})

test('break ends a kept name', async () => {
  const { one, other } = await scene()
  await (await one.mutex('a').acquire()).release({ afterMs: hour })
  const [kept] = await other.line('a')
  expect(kept?.held).toBe(true)
  expect(await other.break('a', kept?.token ?? 0n)).toBe(true)
  await (await other.mutex('a').acquire()).release()
})

test('run may keep the name, and permits, readers, writers and groups stay taken as well', async () => {
  const { one, other, clock } = await scene()
  await one.mutex('m').run((hold) => hold.release({ afterMs: hour }))
  await one.semaphore('s', { permits: 3 }).run((hold) => hold.release({ afterMs: hour }), { permits: 2 })
  await one.rwlock('w').write.run((hold) => hold.release({ afterMs: hour }))
  await one.rwlock('r').read.run((hold) => hold.release({ afterMs: hour }))
  await one.mutexes(['g', 'h']).run((hold) => hold.release({ afterMs: hour }))
  await one.close()
  const pool = other.semaphore('s', { permits: 3 })
  const taken = [
    other.mutex('m').tryAcquire(),
    pool.tryAcquire({ permits: 2 }),
    other.rwlock('w').read.tryAcquire(),
    other.rwlock('r').write.tryAcquire(),
    other.mutex('g').tryAcquire(),
    other.mutex('h').tryAcquire(),
  ]
  expect(await Promise.all(taken)).toEqual(taken.map(() => undefined))
  await (await other.rwlock('r').read.acquire()).release()
  await (await pool.acquire()).release()
  await clock.advance(hour)
  for (const name of ['m', 'g', 'h']) await (await other.mutex(name).acquire()).release()
  await (await pool.acquire({ permits: 3 })).release()
  await (await other.rwlock('w').write.acquire()).release()
  await (await other.rwlock('r').write.acquire()).release()
})

test('a reentrant hold stays taken as long as the longest of its shares says, from its last release on', async () => {
  const { one, other, clock } = await scene()
  const lock = one.mutex('a', { reentrant: true })
  await lock.run(async (outer) => {
    await lock.run(async (inner) => {
      await expect(inner.release({ afterMs: -1 })).rejects.toThrow(RangeError)
      await inner.release({ afterMs: 1_000 })
    })
    await lock.run((inner) => inner.release({ afterMs: 500 }))
    expect(outer.held).toBe(true)
  })
  const next = other.mutex('a').acquire()
  await clock.advance(999)
  expect(await isOver(next)).toBe(false)
  await clock.advance(1)
  await (await next).release()
})

test('a time that the store cannot keep, and a wrong option, are refused, and the hold stands', async () => {
  const { one } = await scene()
  const hold = await one.mutex('a').acquire()
  for (const afterMs of [0, -1, Number.NaN, 86_400_001, Number.POSITIVE_INFINITY])
    await expect(hold.release({ afterMs })).rejects.toThrow(/^afterMs: .* from 1 to 86400000 on memory$/)
  await expect(hold.release({ afterMs: '1h' } as never)).rejects.toThrow(TypeError)
  await expect(hold.release({ keepMs: 5 } as never)).rejects.toThrow(/did you mean afterMs/)
  expect(hold.held).toBe(true)
  const term = await one.election('e').campaign()
  await expect(term.release({ afterMs: 1_000 })).rejects.toThrow(/^afterMs: the term of an election/)
  expect(term.held).toBe(true)
  await Promise.all([hold.release({}), term.release()])
  await expect(hold.release({ afterMs: 1_000 })).rejects.toThrow(/was released/)
})

test('a hold that was lost cannot keep its name, and says so', async () => {
  const { one, other, truth, clock } = await scene()
  const hold = await one.mutex('a').acquire()
  await truth.break('a', hold.token, never)
  await expect(hold.release({ afterMs: hour })).rejects.toThrow(HoldLostError)
  await (await other.mutex('a').acquire()).release()
  const late = await one.mutex('b').acquire()
  await truth.break('b', late.token, never)
  await clock.advance(4_000)
  await expect(late.release({ afterMs: hour })).rejects.toThrow(HoldLostError)
})

test('a second release does not free a kept name, whichever comes first to its end', async () => {
  const { one, other, clock } = await scene()
  const hold = await one.mutex('a').acquire()
  await Promise.all([hold.release({ afterMs: hour }), hold.release(), hold.release({ afterMs: 5 })])
  const timed = expect(other.mutex('a').acquire({ waitMs: 1_000 })).rejects.toThrow(WaitTimeoutError)
  await clock.advance(1_000)
  await timed
})
