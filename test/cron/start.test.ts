// A schedule that hosts keep: ticks as they come, errors, clocks that are set, long jobs, and the end.
import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  type CronJob,
  type CronOptions,
  type Hold,
  HoldLostError,
  type StartOptions,
  type TickResult,
  UnavailableError,
} from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { everyMinute, gate, guards, minute, minuteMs, type Scene, scene } from './scene.ts'

const untilAborted = (hold: Hold): Promise<unknown> =>
  new Promise((resolve) => hold.signal.addEventListener('abort', resolve))

/** One host's schedule, and how to end it. `cron` goes to the guard, `options` to its `start`. */
function start(here: Scene, job: CronJob<unknown>, options: StartOptions = {}, cron: CronOptions = {}) {
  const controller = new AbortController()
  const [one] = guards(here, cron)
  const ended = one.start(job, { signal: controller.signal, ...options })
  ended.catch(() => {})
  return { ended, stop: (reason?: unknown) => controller.abort(reason) }
}

/** Lets the clock go on until the wall clock says so. */
const until = ({ clock }: Scene, time: Date): Promise<void> => clock.advance(time.getTime() - clock.wallMs())

describe('a schedule', () => {
  test('runs each tick on one of two hosts, at its time, and each host gets the result', async () => {
    const here = await scene()
    const ran: string[] = []
    const results: TickResult<unknown>[][] = [[], []]
    guards(here).map((guard, host) => {
      const job = (_: Hold, tick: Date) =>
        ran.push(`${tick.getTime() / minuteMs} at ${here.clock.wallMs() / 1000}`)
      return guard.start(job, { onTick: (result) => results[host]?.push(result) })
    })
    await until(here, new Date(20.5 * minuteMs))
    expect(ran).toEqual(['17 at 1020', '18 at 1080', '19 at 1140', '20 at 1200'])
    for (const heard of results) expect(heard.map(({ tick }) => tick)).toEqual([17, 18, 19, 20].map(minute))
    const runs = results.flat().filter((result) => result.ran)
    expect(runs).toHaveLength(4)
  })

  test('begins with the next tick, not with one that is just past', async () => {
    const here = await scene()
    here.clock.setWallBy(20_000 + 10_000) // 17:10
    const job = vi.fn()
    start(here, job)
    await here.clock.advance(49_000)
    expect(job).not.toHaveBeenCalled()
    await here.clock.advance(1_000)
    expect(job).toHaveBeenCalledTimes(1)
  })

  test('begins with what was missed, where that is to be run late', async () => {
    const here = await scene()
    const [one] = guards(here)
    await one.run(() => {}, { tick: minute(13) })
    const ticks: Date[] = []
    start(here, (_, tick) => ticks.push(tick), {}, { catchUp: true })
    await settle()
    expect(ticks).toEqual([minute(14), minute(15), minute(16)])
    await until(here, minute(17))
    expect(ticks.at(-1)).toEqual(minute(17))
  })
})

describe('an error', () => {
  test('of a job or of onTick is told, and the next tick comes', async () => {
    const here = await scene()
    const errors: unknown[] = []
    const job = vi.fn((_: Hold, tick: Date) => {
      if (tick.getTime() === minute(17).getTime()) throw 'no disk'
    })
    const onTick = ({ tick }: TickResult<unknown>): void => {
      if (tick.getTime() === minute(18).getTime()) throw 'cannot count'
    }
    start(here, job, { onTick, onError: (error) => errors.push(error) })
    await until(here, minute(19))
    expect(errors).toEqual(['no disk', 'cannot count'])
    expect(job).toHaveBeenCalledTimes(3)
  })

  test('of the store is told once, and the tick runs when it is back, once', async () => {
    const here = await scene()
    const errors: unknown[] = []
    const ticks: Date[] = []
    start(here, (_, tick) => ticks.push(tick), { onError: (error) => errors.push(error) })
    here.store.faults.set('readCheckpoint', 'refuse')
    await until(here, minute(17.5))
    here.store.faults.clear()
    await until(here, minute(19))
    expect(errors).toEqual([expect.any(UnavailableError)])
    expect(ticks).toEqual([minute(17), minute(18), minute(19)])
  })

  test('of a store that is back only after the next tick loses the tick, which is told', async () => {
    const here = await scene()
    const [errors, ticks, missed]: [unknown[], Date[], Date[]] = [[], [], []]
    const onMissed = (tick: Date): void => void missed.push(tick)
    await guards(here)[0].run(() => {}, { tick: minute(16) })
    start(here, (_, tick) => ticks.push(tick), { onError: (error) => errors.push(error) }, { onMissed })
    here.store.faults.set('readCheckpoint', 'refuse')
    await until(here, minute(18.5))
    expect(missed).toEqual([])
    here.store.faults.clear()
    await until(here, minute(20))
    expect(ticks).toEqual([minute(18), minute(19), minute(20)])
    expect(missed).toEqual([minute(17)])
  })

  test('of the store at the beginning does not keep what was missed from being made up for', async () => {
    const here = await scene()
    await guards(here)[0].run(() => {}, { tick: minute(13) })
    const ticks: Date[] = []
    here.store.faults.set('readCheckpoint', 'refuse')
    start(here, (_, tick) => ticks.push(tick), { onError: () => {} }, { catchUp: true })
    await here.clock.advance(10_000)
    expect(ticks).toEqual([])
    here.store.faults.clear()
    await here.clock.advance(5_000) // until 16:55
    expect(ticks).toEqual([minute(14), minute(15), minute(16)])
  })

  test('is a warning of the process where nobody listens', async () => {
    const here = await scene()
    start(here, () => Promise.reject(new Error('no disk')))
    const warned = once(process, 'warning')
    await until(here, minute(17))
    expect((await warned)[0]).toMatchObject({ message: 'no disk' })
  })

  test('that onError throws itself ends the schedule', async () => {
    const here = await scene()
    const onError = (error: unknown): never => {
      throw error
    }
    const { ended } = start(here, () => Promise.reject('no disk'), { onError })
    const refused = expect(ended).rejects.toBe('no disk')
    await until(here, minute(17))
    await refused
    await here.one.close()
    await here.other.close()
    expect(here.clock.timers).toBe(0)
  })
})

describe('a clock that is set', () => {
  test('back runs no tick again, and waits for the one after the last', async () => {
    const here = await scene()
    const [ticks, releasesItself]: Date[][] = [[], []]
    const onTick = ({ tick }: TickResult<unknown>): void => void releasesItself?.push(tick)
    start(here, (_, tick) => ticks?.push(tick), { onTick })
    await until(here, minute(17))
    here.clock.setWallBy(-10 * minuteMs)
    await until(here, minute(17.5))
    expect(ticks).toEqual([minute(17)])
    expect(releasesItself).toEqual([minute(17)]) // it does not even ask for those that it has gone past
    await until(here, minute(19))
    expect(ticks).toEqual([minute(17), minute(18), minute(19)])
    expect(releasesItself).toEqual(ticks)
  })

  test('forward, as after a sleep, goes on there within half a minute and tells what it missed', async () => {
    const here = await scene()
    const [ticks, missed]: Date[][] = [[], []]
    const onMissed = (tick: Date): void => void missed?.push(tick)
    start(here, (_, tick) => ticks?.push(tick), {}, { schedule: '*/5 * * * *', onMissed })
    await until(here, minute(20))
    here.clock.suspend(60 * minuteMs + 2_000)
    await here.clock.advance(30_000)
    expect(ticks).toEqual([minute(20), minute(80)])
    expect(missed).toEqual([25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75].map(minute))
  })
})

describe('a job that is longer than the interval', () => {
  test('never runs twice at the same time, on any host, and the ticks that it delayed are reported', async () => {
    const here = await scene()
    const told: string[] = []
    let [working, most] = [0, 0]
    const job = async (_: Hold, tick: Date): Promise<void> => {
      most = Math.max(most, ++working)
      told.push(`${tick.getTime() / minuteMs} at ${here.clock.wallMs() / minuteMs}`)
      await new Promise<void>((resolve) => void here.clock.after(2.6 * minuteMs, resolve))
      working -= 1
    }
    const onMissed = (tick: Date): void => void told.push(`missed ${tick.getTime() / minuteMs}`)
    start(here, job, {}, { onMissed })
    await until(here, minute(23))
    expect(told).toEqual([
      '17 at 17',
      'missed 18',
      'missed 19',
      '20 at 20',
      'missed 21',
      'missed 22',
      '23 at 23',
    ])
    const second = here.other.cron('a', { ...everyMinute, onMissed })
    void second.start(job)
    await until(here, minute(40))
    expect(most).toBe(1)
  })
})

describe('the end', () => {
  test('asks the job to stop while it holds, awaits it, gives the lock back and resolves', async () => {
    const here = await scene()
    const { open, opened } = gate()
    const seen: unknown[] = []
    const { ended, stop } = start(here, async (hold) => {
      await untilAborted(hold)
      seen.push(hold.signal.reason, hold.held)
      await opened
      seen.push(hold.held)
    })
    await until(here, minute(17))
    stop('deploy')
    await here.clock.advance(9_000)
    expect(await Promise.race([ended.then(() => 'ended'), settle()])).toBeUndefined()
    open()
    await ended
    expect(seen).toEqual(['deploy', true, true])
    expect(await here.other.mutex('a').tryAcquire()).toBeDefined()
  })

  test('comes at once between ticks, and where the signal was aborted before', async () => {
    const here = await scene()
    const { ended, stop } = start(here, () => {})
    await settle()
    stop()
    await ended
    await start(here, () => {}, { signal: AbortSignal.abort() }).ended
    await here.one.close()
    await here.other.close()
    expect(here.clock.timers).toBe(0)
  })

  test('comes at once while it waits for another host, and is no error', async () => {
    const here = await scene()
    await here.other.mutex('a').acquire()
    const onError = vi.fn()
    const { ended, stop } = start(here, () => {}, { onError })
    await until(here, minute(17))
    stop()
    await ended
    expect(onError).not.toHaveBeenCalled()
  })

  test('rejects with HoldLostError if the job does not end within graceMs', async () => {
    const here = await scene()
    const { ended, stop } = start(here, () => new Promise(() => {}), { graceMs: 3_000 })
    await until(here, minute(17))
    stop()
    const refused = expect(ended).rejects.toThrow(HoldLostError)
    await here.clock.advance(3_000)
    await refused
  })

  test('comes with close of the client, which waits for the job', async () => {
    const here = await scene()
    const { open, opened } = gate()
    const job = vi.fn((hold: Hold) => untilAborted(hold).then(() => opened))
    const { ended } = start(here, job)
    await until(here, minute(17))
    const closed = here.one.close().then(() => 'closed')
    await settle()
    expect(await Promise.race([closed, settle()])).toBeUndefined()
    open()
    await ended
    expect(await closed).toBe('closed')
    await until(here, minute(20))
    expect(job).toHaveBeenCalledTimes(1)
  })
})
