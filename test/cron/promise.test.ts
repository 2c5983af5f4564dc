// Runs by hand and wrong clocks. A run by hand takes no tick of the future, and a host whose clock is years ahead or
// behind keeps no other host from its ticks.
import assert from 'node:assert/strict'
import { describe, expect, test, vi } from 'vitest'
import type { BackendSource } from '../../src/index.ts'
import {
  ClockError,
  type CronGuard,
  type CronOptions,
  connect,
  type Hold,
  TickLostError,
  UnavailableError,
  WaitTimeoutError,
} from '../../src/index.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'
import { everyMinute, guards, minute, minuteMs, type Scene, scene } from './scene.ts'

const hourly = { schedule: '0 * * * *' }
const dayMs = 24 * 60 * minuteMs
const tenYearsMs = 3_652 * dayMs

/** A host on the same store whose clock is off by so much. */
async function hostOff({ store }: Scene, offMs: number): Promise<CronGuard> {
  return (await clockOff(store.source, offMs)).guard
}

async function clockOff(source: BackendSource, offMs: number) {
  const clock = new ManualClock()
  clock.setWallBy(offMs)
  return { clock, guard: (await connect(source, { clock })).cron('a', everyMinute) }
}

/** Takes the present tick, and aborts with 'deploy' while its mark is on its way. Returns the error of the run. */
async function abortedAtMark({ clock, store }: Scene, guard: CronGuard, job: () => void): Promise<unknown> {
  const controller = new AbortController()
  store.lateMs.set('writeCheckpoint', 100)
  const running = guard.run(job, { signal: controller.signal }).then(
    () => assert.fail('it ran'),
    (error) => error,
  )
  await clock.advance(50)
  controller.abort('deploy')
  await clock.advance(200)
  store.lateMs.clear()
  return running
}

/** Lets the event loop turn, as often as a look for 1,000 ticks needs it. */
async function turns(clock: ManualClock): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await clock.advance(0)
}

describe('a run by hand', () => {
  test('takes no tick that is more than a minute ahead: it runs nothing, asks nothing, and says which it would be', async () => {
    const here = await scene()
    here.clock.setWallBy(20_000 + 40 * minuteMs) // 00:57
    const [one, other] = guards(here, hourly)
    const job = vi.fn()
    here.store.asked.length = 0
    const early = { ran: false, reason: 'early', tick: minute(60), last: undefined, by: undefined }
    expect(await one.run(job)).toEqual(early)
    await here.clock.advance(2 * minuteMs - 1)
    expect(await one.run(job)).toEqual(early)
    // A clock that is set ends a session, too.
    const session = ['renewSession', 'createSession', 'destroySession']
    expect(here.store.asked.filter((method) => !session.includes(method))).toEqual([])
    await here.clock.advance(1)
    expect(job).not.toHaveBeenCalled()
    expect(await other.run(job)).toMatchObject({ ran: true, tick: minute(60) })
  })

  test.each([
    [30_000, 1 / 4],
    [10 * minuteMs, 9],
    [0, 0],
  ])('takes it earlier or later with an aheadMs of %i', async (aheadMs, minutes) => {
    const here = await scene()
    const [one] = guards(here, { ...hourly, aheadMs })
    here.clock.setWallBy(20_000 + (43 - minutes) * minuteMs - 1_000)
    expect(await one.run(() => {})).toMatchObject(minutes > 0 ? { ran: true } : { reason: 'early' })
    here.clock.setWallBy(1_000)
    expect(await one.run(() => {})).toMatchObject(minutes > 0 ? { reason: 'taken' } : { ran: true })
  })

  test('runs the tick just past, if no host did', async () => {
    const here = await scene()
    here.clock.setWallBy(20_000 + 60 * minuteMs) // 01:17
    const [one, other] = guards(here, hourly)
    expect(await one.run(() => {})).toMatchObject({ ran: true, tick: minute(60) })
    expect(await other.run(() => {})).toMatchObject({ ran: false, reason: 'taken', tick: minute(60) })
  })

  test('with runNow runs the job once under the lock, and leaves the tick to its time', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const held: boolean[] = []
    const value = one.runNow(async (hold, tick) => {
      held.push(hold.held, (await here.other.mutex('a').tryAcquire()) === undefined)
      await hold.checkpoint('page 7')
      return tick.toISOString()
    })
    expect(await value).toBe('1970-01-01T00:16:40.000Z')
    expect(held).toEqual([true, true])
    expect(await one.readLast()).toBeUndefined()
    expect(await other.run(() => {})).toMatchObject({ ran: true, tick: minute(17) })
    expect(await other.readCheckpoint()).toBe('page 7')
  })

  test('with runNow waits while a tick runs, and for no longer than waitMs', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    let end = (): void => {}
    const running = one.run(() => new Promise<void>((resolve) => (end = resolve)))
    await settle()
    const job = vi.fn()
    await expect(other.runNow(job, { waitMs: 0 })).rejects.toThrow(WaitTimeoutError)
    const waiting = other.runNow(job)
    await settle()
    expect(job).not.toHaveBeenCalled()
    end()
    await running
    await waiting
    expect(job).toHaveBeenCalledTimes(1)
  })

  test('can be asked about before: what would run, what was missed, and what stands in the way', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const none = { last: undefined, missed: [] }
    expect(await one.preview()).toEqual({ tick: minute(17), verdict: 'run', ...none })
    await one.run(() => {}, { tick: minute(14) })
    const preview = await other.preview()
    expect(preview).toMatchObject({
      verdict: 'run',
      missed: [minute(15), minute(16)],
      last: { tick: minute(14) },
    })
    await one.run(() => {})
    expect(await other.preview()).toMatchObject({ verdict: 'taken', last: { tick: minute(17), done: true } })
    expect(await here.one.cron('b', { ...hourly }).preview()).toMatchObject({
      verdict: 'run',
      tick: minute(0),
    })
    here.clock.setWallBy(20 * minuteMs)
    expect(await here.one.cron('b', { ...hourly }).preview()).toMatchObject({
      verdict: 'early',
      tick: minute(60),
    })
  })
})

describe.each([
  ['a day ahead', dayMs],
  ['ten years ahead', tenYearsMs],
])('a host that is %s', (_, offMs) => {
  test('silences no other host: the tick runs once, and every host that asks is told who was wrong', async () => {
    const here = await scene()
    const wrong = await hostOff(here, offMs)
    const future = await wrong.run(() => {})
    expect(future).toMatchObject({ ran: true })
    const told: unknown[] = []
    const onError = (error: unknown): void => void told.push(error)
    const results = []
    for (const guard of guards(here)) results.push(await guard.run(() => {}, { onError }))
    expect(results).toMatchObject([
      { ran: true, tick: minute(17) },
      { ran: false, reason: 'taken' },
    ])
    expect(told).toEqual([expect.any(ClockError), expect.any(ClockError)])
    expect(String(told[0])).toContain(`the tick of ${future.tick.toISOString()} is on record, taken by`)
    await here.clock.advance(minuteMs)
    const next = await guards(here)[1].run(() => {}, { onError })
    expect(next).toMatchObject({ ran: true, tick: minute(18) })
    expect(told).toHaveLength(2) // it was set aside
  })

  test('does not run its own tick again after another host has run the present one', async () => {
    const here = await scene()
    const wrong = await hostOff(here, offMs)
    const job = vi.fn()
    await wrong.run(job)
    await guards(here)[0].run(() => {}, { onError: () => {} })
    expect(await wrong.run(job)).toMatchObject({ ran: false, reason: 'taken' })
    expect(job).toHaveBeenCalledTimes(1)
  })

  test('is told again where it goes on', async () => {
    const here = await scene()
    const wrong = await hostOff(here, offMs)
    const onError = vi.fn()
    for (const n of [17, 18, 19]) {
      await wrong.run(() => {}, { tick: new Date(n * minuteMs + offMs) })
      await guards(here)[0].run(() => {}, { tick: minute(n), onError })
    }
    expect(onError).toHaveBeenCalledTimes(3)
  })

  test('leaves a tick that reset forgets, and the ticks of hosts with right clocks stay on record', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    await one.run((hold) => hold.checkpoint('page 7'))
    expect(await one.reset()).toEqual([])
    const { clock, guard } = await clockOff(here.store.source, offMs)
    const future = guard.run(() => {})
    await turns(clock)
    const { tick } = await future
    expect(await one.readLast()).toMatchObject({ tick })
    expect(await one.reset()).toMatchObject([{ tick, done: true }])
    const onError = vi.fn()
    expect(await other.run(() => {}, { onError })).toMatchObject({ ran: false, reason: 'taken' })
    expect(onError).not.toHaveBeenCalled()
    expect(await other.readLast()).toMatchObject({ tick: minute(17) })
    expect(await other.readCheckpoint()).toBe('page 7')
  })
})

test('a reset that leaves nothing on record leaves the first tick to come', async () => {
  const here = await scene()
  const wrong = await hostOff(here, tenYearsMs)
  await wrong.run((hold) => hold.checkpoint('page 7'))
  const [one] = guards(here)
  await one.reset()
  expect(await one.readLast()).toBeUndefined()
  expect(await one.readCheckpoint()).toBe('page 7')
  expect(await one.run(() => {})).toMatchObject({ ran: true, tick: minute(17) })
})

test('a host that is ten years behind runs nothing again, and nothing that others take for missed', async () => {
  const here = await scene()
  here.clock.setWallBy(tenYearsMs)
  const onMissed = vi.fn()
  const [one, other] = guards(here, { catchUp: true, onMissed })
  const { tick } = await one.run(() => {})
  const behind = await hostOff(here, 0)
  const onError = vi.fn()
  expect(await behind.run(() => {}, { onError })).toMatchObject({ ran: true, tick: minute(17) })
  expect(onError).toHaveBeenCalledTimes(1)
  expect(await other.run(() => {})).toMatchObject({ ran: false, reason: 'taken', tick })
  const ticks: Date[] = []
  await other.run((_, at) => ticks.push(at), { tick: new Date(tick.getTime() + minuteMs) })
  expect(ticks).toEqual([new Date(tick.getTime() + minuteMs)])
  expect(onMissed).not.toHaveBeenCalled()
})

test('ticks that many wrong clocks leave do not grow without bound, and none of the last runs again', async () => {
  const here = await scene()
  const [one] = guards(here)
  const job = vi.fn()
  for (let day = 20; day > 0; day -= 1) {
    await one.run(job, { tick: new Date(day * day * dayMs), onError: () => {} })
  }
  const stored = JSON.parse((await here.one.mutex('a').readCheckpoint()) ?? '')
  expect(stored.others.length).toBeLessThan(8)
  for (let day = 1; day <= 20; day += 1) {
    await one.run(job, { tick: new Date(day * day * dayMs), onError: () => {} })
  }
  expect(job).toHaveBeenCalledTimes(20)
})

test('a tick that the caller names has no deadline of the schedule, on a slow store, too', async () => {
  const here = await scene()
  const [one, other] = guards(here)
  here.clock.setWallBy(60 * minuteMs)
  here.store.lateMs.set('attempt', 1_000)
  here.store.lateMs.set('readCheckpoint', 500)
  const job = vi.fn()
  const past = one.run(job, { tick: minute(10) })
  await here.clock.advance(5_000)
  expect(await past).toMatchObject({ ran: true })
  here.store.lateMs.clear()
  await here.one.mutex('a').acquire()
  const waiting = other.run(job, { tick: minute(11) })
  await here.clock.advance(10 * minuteMs)
  expect(await Promise.race([waiting, settle()])).toBeUndefined()
  await here.one.close()
  await here.clock.advance(2_000)
  expect(await waiting).toMatchObject({ ran: true })
})

describe('an abort', () => {
  test('while the tick is marked gives the tick back: the job does not begin, and another host runs it', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    await one.run((hold) => hold.checkpoint('page 7'), { tick: minute(16) })
    const before = await here.one.mutex('a').readCheckpoint()
    const job = vi.fn()
    expect(await abortedAtMark(here, one, job)).toBe('deploy')
    expect(job).not.toHaveBeenCalled()
    expect(JSON.parse((await here.one.mutex('a').readCheckpoint()) ?? '')).toEqual(JSON.parse(before ?? ''))
    expect(await other.run(job)).toMatchObject({ ran: true, tick: minute(17) })
    expect(await other.readCheckpoint()).toBe('page 7')
  })

  test('while the tick is marked leaves the tick to be told by the next one, if no host takes it', async () => {
    const here = await scene()
    const missed: Date[] = []
    const [one, other] = guards(here, { onMissed: (tick) => missed.push(tick) })
    await one.run(() => {}, { tick: minute(15) })
    await abortedAtMark(here, one, () => {})
    expect(missed).toEqual([])
    await here.clock.advance(minuteMs)
    expect(await other.run(() => {})).toMatchObject({ ran: true, tick: minute(18) })
    expect(missed).toEqual([16, 17].map(minute))
  })

  test('while the tick is marked again, after an outage at its first mark, gives the tick back', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    await one.run(() => {}, { tick: minute(16) })
    here.store.faults.set('writeCheckpoint', 'apply, then refuse')
    const controller = new AbortController()
    const job = vi.fn()
    const onError = vi.fn()
    const running = expect(one.run(job, { signal: controller.signal, onError })).rejects.toBe('deploy')
    await here.clock.advance(12_000)
    expect(await other.readLast()).toMatchObject({ tick: minute(17), done: false })
    here.store.faults.clear()
    here.store.lateMs.set('writeCheckpoint', 100)
    const before = here.store.count('writeCheckpoint')
    while (here.store.count('writeCheckpoint') === before) await here.clock.advance(50)
    controller.abort('deploy')
    await here.clock.advance(500)
    await running
    expect(await other.readLast()).toMatchObject({ tick: minute(16), done: true })
    expect(onError.mock.calls).toEqual([[expect.any(UnavailableError)]])
    expect(job).not.toHaveBeenCalled()
  })

  test('while start marks a tick ends it in peace, and gives the tick back', async () => {
    const here = await scene()
    const [one, other] = guards(here)
    const onError = vi.fn()
    const controller = new AbortController()
    here.store.lateMs.set('writeCheckpoint', 100)
    const job = vi.fn()
    const keeping = one.start(job, { signal: controller.signal, onError })
    await here.clock.advance(20_050)
    expect(await other.readLast()).toMatchObject({ tick: minute(17), done: false })
    controller.abort('deploy')
    await here.clock.advance(1_000)
    await keeping
    expect(await other.readLast()).toBeUndefined()
    expect(job).not.toHaveBeenCalled()
    expect(onError).not.toHaveBeenCalled()
  })

  test.each(['apply, then hang', 'hang'] as const)(
    'while the store is out of reach (%s) tells by name that the tick may be lost',
    async (fault) => {
      const here = await scene()
      const [one] = guards(here)
      const onError = vi.fn()
      here.store.faults.set('writeCheckpoint', fault)
      const controller = new AbortController()
      const running = one.run(() => {}, { signal: controller.signal, onError })
      await here.clock.advance(50)
      controller.abort('deploy')
      const told = expect(running).rejects.toThrow()
      here.store.breakAll('hang')
      for (let second = 0; second < 30; second += 1) await here.clock.advance(1_000)
      await told
      const message = `"a": the tick of ${minute(17).toISOString()} did not run here, and may be on record`
      expect(onError.mock.calls.map(([error]) => error)).toEqual([expect.any(TickLostError)])
      expect(String(onError.mock.calls[0]?.[0])).toContain(message)
    },
  )

  test('as the job begins leaves it its grace', async () => {
    const here = await scene()
    const controller = new AbortController()
    const [one] = guards(here, { onMissed: () => controller.abort('deploy') })
    await one.run(() => {}, { tick: minute(15) })
    const seen: unknown[] = []
    const running = one.run(
      async (hold: Hold) => {
        seen.push(hold.signal.aborted, hold.held)
        await new Promise<void>((resolve) => void here.clock.after(5_000, resolve))
        seen.push(hold.held)
        return 'put away'
      },
      { signal: controller.signal },
    )
    await here.clock.advance(5_200)
    expect(await running).toMatchObject({ ran: true, value: 'put away' })
    expect(seen).toEqual([true, true, true])
  })

  test('between ticks that run late leaves the rest to others', async () => {
    const here = await scene()
    const [one, other] = guards(here, { catchUp: true })
    await one.run(() => {}, { tick: minute(14) })
    const controller = new AbortController()
    const ticks: Date[] = []
    const job = (_: Hold, tick: Date): void => {
      ticks.push(tick)
      controller.abort('deploy')
    }
    await expect(one.run(job, { signal: controller.signal })).rejects.toBe('deploy')
    await other.run((_, tick) => ticks.push(tick))
    expect(ticks).toEqual([15, 16, 17].map(minute))
  })
})

describe('an hour of missed ticks of every second', () => {
  async function afterAnHour(options: CronOptions) {
    const here = await scene()
    const [missed, ran, since]: [number[], number[], unknown[]] = [[], [], []]
    const onMissed = (tick: Date, from?: Date): void => {
      missed.push(tick.getTime())
      since.push(from)
    }
    const everySecond = { schedule: '* * * * * *', onMissed, ...options }
    const [one, other] = guards(here, everySecond)
    await one.run(() => {})
    const firstMs = here.clock.wallMs()
    await here.clock.advance(60 * minuteMs)
    const running = other.run((_, tick) => ran.push(tick.getTime()))
    await turns(here.clock)
    await running
    return { missed, ran, since, firstMs, lastMs: here.clock.wallMs() }
  }

  test('is told as the latest 1,000, with the time since which there were more', async () => {
    const { missed, ran, since, firstMs, lastMs } = await afterAnHour({})
    expect(ran).toEqual([lastMs])
    expect(missed).toEqual(Array.from({ length: 1_000 }, (_, n) => lastMs - 1_000_000 + n * 1_000))
    expect(since[0]).toEqual(new Date(firstMs))
    expect(since.slice(1).every((from) => from === undefined)).toBe(true)
  })

  test('lets the event loop turn while it is looked for, before the lock is taken', async () => {
    const here = await scene()
    const [one, other] = guards(here, { schedule: '* * * * * *' })
    await one.run(() => {})
    await here.clock.advance(60 * minuteMs)
    here.store.asked.length = 0
    const running = other.run(() => {})
    await settle()
    expect(here.store.asked).toEqual(['readCheckpoint'])
    expect(here.clock.timers).toBeGreaterThan(0)
    await turns(here.clock)
    expect(await running).toMatchObject({ ran: true })
  })
})
