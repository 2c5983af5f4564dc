// Ticks that nobody ran, or whose host died half-way: what runs again or late, what is told, and what arguments are refused.
import { describe, expect, test, vi } from 'vitest'
import { type CronOptions, type Hold, type Leasehold, RefusedError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { die, everyMinute, gate, guards, minute, minuteMs, type Scene, scene } from './scene.ts'

/** The host dies in the middle of a tick. */
async function halfWay(here: Scene, tick: Date, options: CronOptions): Promise<void> {
  const [one] = guards(here, options)
  const job = (hold: Hold) => new Promise((resolve) => hold.signal.addEventListener('abort', resolve))
  const running = one.run(job, { tick }).catch((error) => error)
  await settle()
  await die(here)
  await here.clock.advance(5_000)
  await running
}

describe('a tick whose host died half-way', () => {
  test('does not run again, since it may have done its work', async () => {
    const here = await scene()
    const [, other] = guards(here)
    await halfWay(here, minute(17), {})
    expect(await other.run(() => {}, { tick: minute(17) })).toMatchObject({ ran: false })
  })

  test('runs again with retry', async () => {
    const here = await scene()
    const [one, other] = guards(here, { retry: true })
    await halfWay(here, minute(17), { retry: true })
    expect(await other.run(() => 7, { tick: minute(17) })).toMatchObject({ ran: true, value: 7 })
    expect(await one.run(() => 7, { tick: minute(17) })).toMatchObject({ ran: false })
  })

  test('runs again before the next one, if it was not before', async () => {
    const here = await scene()
    const onMissed = vi.fn()
    const [, other] = guards(here, { retry: true, onMissed })
    await halfWay(here, minute(17), { retry: true })
    const ticks: Date[] = []
    await other.run((_, tick) => ticks.push(tick), { tick: minute(18) })
    expect(ticks).toEqual([minute(17), minute(18)])
    expect(onMissed).not.toHaveBeenCalled()
  })

  test('runs again before those that nobody took are told; else a second host that dies would make a third tell them', async () => {
    const here = await scene()
    const missed: Date[] = []
    const onMissed = (tick: Date): void => void missed.push(tick)
    const [, other] = guards(here, { retry: true, onMissed })
    await halfWay(here, minute(15), { retry: true })
    const seen: string[] = []
    await other.run((_, tick) => seen.push(`${tick.getTime() / minuteMs} after ${missed.length}`))
    expect(seen).toEqual(['15 after 0', '17 after 1'])
    expect(missed).toEqual([minute(16)])
  })

  test('runs again with retry, and no older one after it', async () => {
    const here = await scene()
    const [one, other] = guards(here, { retry: true })
    await halfWay(here, minute(17), { retry: true })
    const job = vi.fn()
    expect(await other.run(job, { tick: minute(16) })).toMatchObject({ ran: false })
    expect(job).not.toHaveBeenCalled()
    expect(await one.run(job, { tick: minute(17) })).toMatchObject({ ran: true })
  })

  test('is waited for with retry while it goes on, and left alone when it is done', async () => {
    const here = await scene()
    const [one, other] = guards(here, { retry: true })
    const { open, opened } = gate()
    const running = one.run(() => opened)
    await settle()
    const onWait = vi.fn()
    const waiting = other.run(() => {}, { onWait })
    await here.clock.advance(5_000)
    expect(await Promise.race([waiting, settle()])).toBeUndefined()
    expect(onWait).toHaveBeenCalledWith(1)
    open()
    await running
    await here.clock.advance(3_000)
    expect(await waiting).toMatchObject({ ran: false, by: { pid: process.pid } })
  })

  test('is taken over by the waiter', async () => {
    const here = await scene()
    const [, other] = guards(here, { retry: true })
    const ticks: Date[] = []
    const dying = halfWay(here, minute(17), { retry: true })
    const waiting = other.run((_, tick) => ticks.push(tick), { tick: minute(17) })
    await dying
    expect(await waiting).toMatchObject({ ran: true })
    expect(ticks).toEqual([minute(17)])
  })
})

test('a store that fails between the lock and the look at the last tick leaves the lock to others', async () => {
  const here = await scene()
  const [one] = guards(here)
  here.store.lateMs.set('attempt', 100)
  const refused = expect(one.run(() => {})).rejects.toThrow(RefusedError)
  await here.clock.advance(50)
  here.store.faults.set('readCheckpoint', 'forbid')
  await here.clock.advance(50)
  await refused
  here.store.faults.clear()
  here.store.lateMs.clear()
  expect(await here.other.mutex('a').tryAcquire()).toBeDefined()
})

describe('ticks that nobody took', () => {
  /** The runs and reports of the second host at 21, after the first one ran 17 last. */
  async function after17(options: CronOptions): Promise<{ ran: Date[]; missed: Date[] }> {
    const [ran, missed]: Date[][] = [[], []]
    const onMissed = (tick: Date): void => void missed?.push(tick)
    const [one, other] = guards(await scene(), { ...options, onMissed })
    await one.run(() => {}, { tick: minute(17) })
    await other.run((_, tick) => ran?.push(tick), { tick: minute(21) })
    await one.run(() => {}, { tick: minute(22) })
    return { ran: ran ?? [], missed: missed ?? [] }
  }

  test('are told once, by the host that runs the next one', async () => {
    const { ran, missed } = await after17({})
    expect(ran).toEqual([minute(21)])
    expect(missed).toEqual([minute(18), minute(19), minute(20)])
  })

  test('run late and in order with catchUp, and are told no more', async () => {
    const { ran, missed } = await after17({ catchUp: true })
    expect(ran).toEqual([minute(18), minute(19), minute(20), minute(21)])
    expect(missed).toEqual([])
  })

  test('run late where catchUp says so, and are told otherwise', async () => {
    const { ran, missed } = await after17({ catchUp: (tick) => tick.getTime() === minute(19).getTime() })
    expect(ran).toEqual([minute(19), minute(21)])
    expect(missed).toEqual([minute(18), minute(20)])
  })

  test('are not there before the first tick ever', async () => {
    const onMissed = vi.fn()
    const [one] = guards(await scene(), { catchUp: true, onMissed })
    const job = vi.fn()
    await one.run(job)
    expect(onMissed).not.toHaveBeenCalled()
    expect(job).toHaveBeenCalledTimes(1)
  })

  test('and fail when they run late keep the others from running; the next run goes on behind them', async () => {
    const [one, other] = guards(await scene(), { catchUp: true })
    await one.run(() => {}, { tick: minute(17) })
    const failing = other.run(() => Promise.reject(new Error('no disk')), { tick: minute(20) })
    await expect(failing).rejects.toThrow('no disk')
    const ticks: Date[] = []
    await one.run((_, tick) => ticks.push(tick), { tick: minute(20) })
    expect(ticks).toEqual([minute(19), minute(20)])
  })
})

describe('an argument that makes no sense is refused, and named', () => {
  const cron = (name: unknown, options: unknown) => (client: Leasehold) =>
    client.cron(name as string, options as CronOptions)

  test.each<[string, (client: Leasehold) => unknown, RegExp]>([
    ['name', cron('', everyMinute), /^name: "" is empty/],
    ['schedule', cron('a', { schedule: '* 25 * * *' }), /^schedule: .* field 2 is "25"/],
    ['timezone', cron('a', { ...everyMinute, timezone: 'Mars' }), /^timezone: "Mars"/],
    [
      'catchUp',
      cron('a', { ...everyMinute, catchUp: 'all' }),
      /^catchUp: "all" is not true, false or a function/,
    ],
    ['onMissed', cron('a', { ...everyMinute, onMissed: 1 }), /^onMissed: 1 is not a function/],
    ['retry', cron('a', { ...everyMinute, retry: 'no' }), /^retry: "no" is not true or false/],
    ['aheadMs', cron('a', { ...everyMinute, aheadMs: -1 }), /^aheadMs: -1 is out of range/],
    ['no options', cron('a', undefined), /^options: undefined is not an object/],
  ])('%s, before anything is sent', async (_, make, message) => {
    const { one } = await scene()
    expect(() => make(one)).toThrow(message)
  })

  test.each([
    ['job', undefined, {}, /^job: undefined is not a function/],
    ['tick', () => {}, { tick: '17:00' }, /^tick: "17:00" is not a Date/],
    ['an invalid tick', () => {}, { tick: new Date(Number.NaN) }, /^tick: the Date is invalid/],
    ['waitMs', () => {}, { waitMs: -1 }, /^waitMs: -1 is out of range/],
    ['graceMs', () => {}, { graceMs: '1s' }, /^graceMs: "1s" is not a number/],
    ['giveUpMs', () => {}, { giveUpMs: '1h' }, /^giveUpMs: "1h" is not a number/],
    ['onError', () => {}, { onError: 1 }, /^onError: 1 is not a function/],
    ['signal', () => {}, { signal: {} }, /^signal: .* is not an AbortSignal/],
    ['onWait', () => {}, { onWait: 1 }, /^onWait: 1 is not a function/],
  ])('run: %s', async (_, job, options, message) => {
    const here = await scene()
    const [one] = guards(here)
    here.store.asked.length = 0
    await expect(one.run(job as () => void, options as object)).rejects.toThrow(message)
    expect(here.store.asked).toEqual([])
  })

  test.each([
    ['job', 'x', {}, /^job: "x" is not a function/],
    ['graceMs', () => {}, { graceMs: -1 }, /^graceMs: -1 is out of range/],
    ['signal', () => {}, { signal: 1 }, /^signal: 1 is not an AbortSignal/],
    ['onError', () => {}, { onError: 1 }, /^onError: 1 is not a function/],
    ['onTick', () => {}, { onTick: 1 }, /^onTick: 1 is not a function/],
  ])('start: %s', async (_, job, options, message) => {
    const [one] = guards(await scene())
    await expect(one.start(job as unknown as () => void, options as object)).rejects.toThrow(message)
  })
})
