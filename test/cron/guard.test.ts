// One tick on many hosts: who runs it, what counts as run, and what becomes of errors, losses and impatience.
import { hostname } from 'node:os'
import { describe, expect, test, vi } from 'vitest'
import {
  ConflictError,
  connect,
  type Hold,
  HoldLostError,
  RefusedError,
  UnavailableError,
} from '../../src/index.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'
import { die, everyMinute, gate, guards, minute, minuteMs, scene } from './scene.ts'

const me = { host: hostname(), pid: process.pid }

describe('a tick', () => {
  test('is run by one host, and the others are told who ran it', async () => {
    const [one, other] = guards(await scene())
    const job = vi.fn((hold: Hold, tick: Date) => `${hold.held} ${tick.toISOString()}`)
    expect(await one.run(job)).toEqual({
      ran: true,
      tick: minute(17),
      value: 'true 1970-01-01T00:17:00.000Z',
    })
    const by = { ...me, since: '1970-01-01T00:16:40.000Z' }
    const last = { tick: minute(17), by, done: true, ended: minute(16 + 40 / 60) }
    expect(await other.run(job)).toEqual({ ran: false, tick: minute(17), reason: 'taken', last, by })
    expect(await one.run(job)).toMatchObject({ ran: false })
    expect(job).toHaveBeenCalledTimes(1)
  })

  test('is run once by twenty who begin at the same moment, and nineteen do not wait for the job', async () => {
    const { clock, store } = await scene()
    const { open, opened } = gate()
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(store.source, { clock })))
    const runs = clients.map((client) => client.cron('a', everyMinute).run(() => opened))
    const ended = runs.map((run) => run.then(({ ran }) => ran))
    await clock.advance(5_000)
    const settled = await Promise.all(ended.map((run) => Promise.race([run, settle().then(() => 'at work')])))
    expect(settled.filter((ran) => ran === false)).toHaveLength(19)
    open()
    expect((await Promise.all(ended)).filter(Boolean)).toHaveLength(1)
  })

  test('is the one next to the present, so hosts that are off by less than half an interval agree', async () => {
    const { store } = await scene()
    const results = []
    for (const offMs of [-29_000, 0, 29_000]) {
      const clock = new ManualClock()
      clock.setWallBy(20_000 + offMs)
      const client = await connect(store.source, { clock })
      results.push(await client.cron('a', everyMinute).run(() => {}))
    }
    expect(results.map(({ tick }) => tick)).toEqual([minute(17), minute(17), minute(17)])
    expect(results.map(({ ran }) => ran)).toEqual([true, false, false])
  })

  test('of the past does not run when a later one has, and a later one does', async () => {
    const [one, other] = guards(await scene())
    await one.run(() => {}, { tick: minute(17) })
    expect(await other.run(() => {}, { tick: minute(16) })).toMatchObject({ ran: false, by: me })
    expect(await other.run(() => {}, { tick: minute(18) })).toMatchObject({ ran: true, tick: minute(18) })
  })

  test('can be named where there is no schedule', async () => {
    const guard = (await scene()).one.cron('a', {})
    expect(await guard.run(() => 1, { tick: new Date(5) })).toEqual({
      ran: true,
      tick: new Date(5),
      value: 1,
    })
    await expect(guard.run(() => {})).rejects.toThrow(/^schedule: .* needs a tick/)
    await expect(guard.start(() => {})).rejects.toThrow(/^schedule: /)
  })

  test('costs one request where it was taken, and six where it runs', async () => {
    const { store, ...rest } = await scene()
    const [one, other] = guards({ store, ...rest })
    store.asked.length = 0
    await one.run(() => {})
    expect(store.asked).toHaveLength(6)
    await other.run(() => {})
    expect(store.asked).toHaveLength(7)
  })
})

describe('a job that fails', () => {
  test.each([[new Error('no disk')], ['a string'], [undefined]])(
    'with %s: the caller gets that as it is, and the tick counts as run',
    async (thrown) => {
      const [one, other] = guards(await scene(), { retry: true })
      const failing = one.run(() => Promise.reject(thrown)).catch((error) => ({ error }))
      expect(await failing).toEqual({ error: thrown })
      expect(await other.run(() => {})).toMatchObject({ ran: false, by: me })
    },
  )

  test('without a promise is no different', async () => {
    const [one, other] = guards(await scene())
    const job = (): never => {
      throw new TypeError('typo')
    }
    await expect(one.run(job)).rejects.toThrow(new TypeError('typo'))
    expect(await other.run(() => {}, { tick: minute(18) })).toMatchObject({ ran: true })
  })
})

describe('when the lock is lost', () => {
  test('the signal of the hold aborts, and run rejects with HoldLostError whatever the job returns', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const running = one.run(async (hold) => {
      const lost = new Promise((resolve) => hold.signal.addEventListener('abort', resolve))
      await here.other.break('a', hold.token)
      await here.clock.advance(4_000)
      await lost
      return 'as if nothing were'
    })
    await expect(running).rejects.toThrow(HoldLostError)
    expect(await other.run(() => {})).toMatchObject({ ran: false, by: me }) // at most once
  })

  test('run waits for the job no longer than graceMs', async () => {
    const here = await scene()
    const [one] = guards(here)
    const running = one.run(() => new Promise(() => {}), { graceMs: 3_000 })
    const refused = expect(running).rejects.toThrow(/still runs 3000 ms after it had to stop/)
    await settle()
    await die(here)
    await here.clock.advance(10_000)
    await refused
  })
})

describe('a store that fails', () => {
  test('before the job began leaves the tick to other hosts', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const job = vi.fn()
    for (const method of ['readCheckpoint', 'attempt', 'writeCheckpoint'] as const) {
      here.store.faults.set(method, 'forbid')
      await expect(one.run(job)).rejects.toThrow(RefusedError)
      here.store.faults.clear()
    }
    expect(job).not.toHaveBeenCalled()
    expect(await other.run(job)).toMatchObject({ ran: true })
  })

  test('is outlasted until the next tick; then run rejects with UnavailableError', async () => {
    const here = await scene()
    const [one] = guards(here)
    const onError = vi.fn()
    here.store.faults.set('readCheckpoint', 'refuse')
    const running = one.run(() => {}, { onError })
    const refused = expect(running).rejects.toThrow(UnavailableError)
    await here.clock.advance(74_000) // from 16:40 on
    expect(await Promise.race([running, settle()])).toBeUndefined()
    await here.clock.advance(14_000)
    await refused
    expect(onError.mock.calls).toEqual([[expect.any(UnavailableError)]])
  })

  test('and is back runs the tick for which it was asked', async () => {
    const here = await scene()
    const [one] = guards(here)
    here.store.faults.set('readCheckpoint', 'refuse')
    const running = one.run(() => {}, { onError: () => {} })
    await here.clock.advance(60_000)
    here.store.faults.clear()
    await here.clock.advance(10_000)
    expect(await running).toMatchObject({ ran: true, tick: minute(17) })
  })

  test('is outlasted no longer than giveUpMs, nor than waitMs', async () => {
    const here = await scene()
    const [one] = guards(here)
    here.store.faults.set('readCheckpoint', 'refuse')
    for (const options of [{ giveUpMs: 20_000 }, { waitMs: 20_000 }]) {
      const refused = expect(one.run(() => {}, { ...options, onError: () => {} })).rejects.toThrow(
        UnavailableError,
      )
      await here.clock.advance(30_000)
      await refused
    }
  })

  test('while it writes the mark leaves the tick to this host, which has not begun it', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const job = vi.fn()
    here.store.faults.set('writeCheckpoint', 'apply, then refuse')
    const running = one.run(job, { onError: () => {} })
    await here.clock.advance(12_000)
    expect(job).not.toHaveBeenCalled()
    expect(await other.run(job)).toMatchObject({ ran: false, reason: 'taken' })
    here.store.faults.clear()
    await here.clock.advance(20_000)
    expect(await running).toMatchObject({ ran: true })
    expect(job).toHaveBeenCalledTimes(1)
  })
})

describe('where a host has the lock and has not begun', () => {
  test('the others wait until the next tick and no longer, and say that nobody ran it', async () => {
    const here = await scene()
    const [, other] = guards(here)
    await here.one.mutex('a').acquire()
    const ahead: number[] = []
    const waiting = other.run(() => {}, { onWait: (count) => ahead.push(count) })
    await here.clock.advance(2 * minuteMs - 40_001)
    expect(await Promise.race([waiting, settle()])).toBeUndefined()
    await here.clock.advance(1)
    const nobody = { by: undefined, last: undefined }
    expect(await waiting).toEqual({ ran: false, tick: minute(17), reason: 'busy', ...nobody })
    expect(ahead).toEqual([1])
  })

  test('waitMs ends it sooner, also at once', async () => {
    const here = await scene()
    const [, other] = guards(here)
    await here.one.mutex('a').acquire()
    expect(await other.run(() => {}, { waitMs: 0 })).toMatchObject({ ran: false })
    const waiting = other.run(() => {}, { waitMs: 2_000 })
    await here.clock.advance(2_000)
    expect(await waiting).toMatchObject({ ran: false, by: undefined })
  })

  test('a signal ends it with its reason, and nobody waits behind a ghost', async () => {
    const here = await scene()
    const [, other] = guards(here)
    const hold = await here.one.mutex('a').acquire()
    const controller = new AbortController()
    const waiting = expect(other.run(() => {}, { signal: controller.signal })).rejects.toBe('enough')
    await settle()
    controller.abort('enough')
    await waiting
    await hold.release()
    expect(await here.one.mutex('a').tryAcquire()).toBeDefined()
  })
})

test('a job is asked to stop by the signal of run and by close, while it still holds', async () => {
  const here = await scene()
  const [one, other] = guards(here)
  const seen: unknown[] = []
  const job = async (hold: Hold): Promise<void> => {
    await new Promise((resolve) => hold.signal.addEventListener('abort', resolve))
    seen.push(hold.held, (hold.signal.reason as Error).name ?? hold.signal.reason)
  }
  const controller = new AbortController()
  const aborted = one.run(job, { signal: controller.signal })
  await settle()
  controller.abort('enough')
  expect(await aborted).toMatchObject({ ran: true })
  const closed = other.run(job, { tick: minute(18) })
  await settle()
  await here.other.close()
  expect(await closed).toMatchObject({ ran: true })
  expect(seen).toEqual([true, 'enough', true, 'ClosedError'])
})

test('a name whose checkpoint is not that of a cron job is refused, and keeps it', async () => {
  const here = await scene()
  const [one] = guards(here)
  await here.other.mutex('a').run((hold) => hold.checkpoint('page 7'))
  await expect(one.run(() => {})).rejects.toThrow(ConflictError)
  await expect(one.readCheckpoint()).rejects.toThrow(/^"a" has a checkpoint that no cron job wrote/)
  expect(await here.one.mutex('a').readCheckpoint()).toBe('page 7')
})

describe('a text that a job stores with hold.checkpoint', () => {
  test('is what guard.checkpoint reads, and outlives ticks that store nothing', async () => {
    const [one, other] = guards(await scene())
    expect(await one.readCheckpoint()).toBeUndefined()
    await one.run((hold) => hold.checkpoint('page 7'))
    expect(await other.readCheckpoint()).toBe('page 7')
    await other.run(() => {}, { tick: minute(18) })
    await one.run(() => Promise.reject('failed'), { tick: minute(19) }).catch(() => {})
    expect(await one.readCheckpoint()).toBe('page 7')
    await one.run((hold) => hold.checkpoint(''), { tick: minute(20) })
    expect(await one.readCheckpoint()).toBe('')
  })

  test('does not hide who took the tick', async () => {
    const [one, other] = guards(await scene())
    await one.run((hold) => hold.checkpoint('{"tick":"2999-01-01T00:00:00Z"}'))
    expect(await other.run(() => {})).toMatchObject({ ran: false, by: me })
    expect(await other.run(() => {}, { tick: minute(18) })).toMatchObject({ ran: true })
  })
})
