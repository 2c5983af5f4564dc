// Work that only the leader does: what other clients see of it, and how its errors and the store's errors are handled.
import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  ConflictError,
  type LeadWork,
  type Leasehold,
  RefusedError,
  type Term,
  UnavailableError,
} from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { depose, isOver, lead, leader, scene, untilAborted } from './scene.ts'

describe('while it leads', () => {
  test('others read its value, and the work may replace it', async () => {
    const here = await scene()
    const { stop, ended } = lead(here, async (term) => {
      expect(await leader(here)).toBe('one')
      await term.proclaim('one, ready')
      await untilAborted(term)
    })
    await settle()
    expect(await leader(here)).toBe('one, ready')
    stop()
    await ended
    expect(await leader(here)).toBeUndefined()
  })

  test('a value that the work proclaimed is that of the next term, too', async () => {
    const here = await scene()
    const { stop } = lead(here, async (term) => {
      if (term.token === 1n) await term.proclaim('one, moved')
      await untilAborted(term)
    })
    await settle()
    await depose(here)
    expect(await leader(here)).toBe('one, moved')
    stop()
  })

  test('work that is done lets the next candidate lead, and stands for election again', async () => {
    const here = await scene()
    const turns: string[] = []
    const host = (client: Leasehold, name: string): void => {
      void client.election('a').lead(() => turns.push(name), { value: name })
    }
    host(here.one, 'one')
    host(here.other, 'other')
    await here.clock.advance(20_000)
    expect(turns.slice(0, 6)).toEqual(['one', 'other', 'one', 'other', 'one', 'other'])
  })
})

describe('work that fails', () => {
  test('is reported with its own error, the term is resigned, and the candidate leads again', async () => {
    const here = await scene()
    const work = vi.fn().mockRejectedValueOnce('no disk').mockImplementation(untilAborted)
    const { errors } = lead(here, work)
    await settle()
    expect(errors).toEqual(['no disk'])
    expect(await leader(here)).toBeUndefined()
    await here.clock.advance(50)
    expect(work).toHaveBeenCalledTimes(2)
    const [[first], [second]] = work.mock.calls as [[Term], [Term]]
    expect(second.token > first.token).toBe(true)
  })

  test('again and again is tried ever more rarely, up to retryMaxMs', async () => {
    const here = await scene()
    const begins: number[] = []
    const work = (): Promise<never> => {
      begins.push(here.clock.wallMs())
      return Promise.reject(new Error('no disk'))
    }
    lead(here, work, { retryMaxMs: 10_000 })
    await here.clock.advance(60_000)
    const rests = begins.slice(1).map((at, index) => at - (begins[index] as number))
    // With the jitter of this clock a rest is three quarters of 50 ms, 100 ms, 200 ms and so on.
    expect(rests.slice(0, 4)).toEqual([37.5, 75, 150, 300])
    expect(rests.at(-1)).toBe(7_500)
    expect(Math.max(...rests)).toBe(7_500)
  })

  test('is tried soon again once a term went well for as long as retryMaxMs', async () => {
    const here = await scene()
    let works = (): Promise<unknown> => Promise.reject(new Error('no disk'))
    const work = vi.fn(() => works())
    lead(here, work, { retryMaxMs: 10_000 })
    await here.clock.advance(60_000)
    works = () =>
      new Promise((_, reject) => void here.clock.after(10_000, () => reject(new Error('no disk'))))
    await here.clock.advance(10_000) // it begins within the first 7.5 s of this
    works = () => Promise.reject(new Error('no disk'))
    work.mockClear()
    await here.clock.advance(10_000)
    expect(work.mock.calls.length).toBeGreaterThanOrEqual(5)
  })

  test('emits a process warning if there is no onError', async () => {
    const here = await scene()
    const warned = once(process, 'warning')
    const { ended, stop } = lead(here, () => Promise.reject(new Error('no disk')), { onError: undefined })
    expect((await warned)[0]).toMatchObject({ message: 'no disk' })
    stop()
    await ended
  })

  test('ends lead if onError throws, and the term is resigned', async () => {
    const here = await scene()
    const onError = (error: unknown): never => {
      throw error
    }
    const { ended } = lead(here, () => Promise.reject('no disk'), { onError })
    await expect(ended).rejects.toBe('no disk')
    expect(await leader(here)).toBeUndefined()
  })

  test.each(['onError', 'onWait'] as const)(
    'ends it all where a promise of %s rejects, and leaves no rejection without a handler',
    async (which) => {
      const here = await scene()
      const strays: unknown[] = []
      const stray = (reason: unknown): void => void strays.push(reason)
      process.on('unhandledRejection', stray)
      const term = which === 'onWait' ? await here.other.election('a').campaign() : undefined
      const told: unknown[] = []
      const onError = async (error: unknown): Promise<void> => {
        told.push(error)
        throw error
      }
      const onWait = (): Promise<never> => Promise.reject('no pager')
      const { ended } = lead(here, () => Promise.reject('no pager'), { onError, onWait })
      await expect(ended).rejects.toBe('no pager')
      await settle()
      process.off('unhandledRejection', stray)
      expect(told).toEqual(['no pager'])
      expect(strays).toEqual([])
      await term?.resign()
      expect(await leader(here)).toBeUndefined()
    },
  )

  test('is told when leadership was given back, and onError is awaited before the next campaign', async () => {
    const here = await scene()
    let heard = (): void => {}
    const led: unknown[] = []
    const onError = async (): Promise<void> => {
      led.push(await leader(here))
      await new Promise<void>((resolve) => (heard = resolve))
    }
    const work = vi.fn(() => Promise.reject('no disk'))
    lead(here, work, { onError })
    await here.clock.advance(60_000)
    expect(led).toEqual([undefined])
    expect(work).toHaveBeenCalledTimes(1)
    heard()
    await here.clock.advance(1_000)
    expect(work.mock.calls.length).toBeGreaterThan(1)
  })

  test('with the reason why it was asked to stop is no failure', async () => {
    const here = await scene()
    const { ended, errors, stop } = lead(here, async (term) => {
      await untilAborted(term)
      term.signal.throwIfAborted()
    })
    await settle()
    stop('deploy')
    await ended
    expect(errors).toEqual([])
  })
})

describe('a store that fails', () => {
  test('by being down is reported, and the candidate leads when the store is back', async () => {
    const here = await scene()
    here.store.faults.set('attempt', 'refuse')
    const work = vi.fn(untilAborted)
    const { errors } = lead(here, work)
    await here.clock.advance(40_000)
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) expect(error).toBeInstanceOf(UnavailableError)
    here.store.faults.clear()
    await here.clock.advance(4_000)
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('by a refusal as its first answer ends it with RefusedError', async () => {
    const here = await scene()
    here.store.faults.set('attempt', 'forbid')
    const { ended, errors } = lead(here, () => {})
    await expect(ended).rejects.toThrow(RefusedError)
    expect(errors).toEqual([])
  })

  test.each<[string, 'while it waits' | 'after a term']>([
    ['while it waits in line', 'while it waits'],
    ['after it has led', 'after a term'],
  ])(
    'by a refusal that passes, %s, is reported at most every second, and it leads afterwards',
    async (_, when) => {
      const here = await scene()
      const term = when === 'while it waits' ? await here.other.election('a').campaign() : undefined
      const work = vi.fn().mockResolvedValueOnce(1).mockImplementation(untilAborted)
      const { ended, errors, stop } = lead(here, work)
      await settle()
      here.store.faults.set('attempt', 'forbid')
      await here.clock.advance(60_000)
      expect(await isOver(ended)).toBe(false)
      expect(errors.length).toBeGreaterThan(2)
      expect(errors.length).toBeLessThan(60)
      for (const error of errors) expect(error).toBeInstanceOf(RefusedError)
      here.store.faults.clear()
      await term?.resign()
      work.mockClear()
      await here.clock.advance(4_000)
      expect(work).toHaveBeenCalled()
      expect(await leader(here)).toBe('one')
      stop()
      await ended
    },
  )

  test('by a refusal that its caller calls fatal ends it, whenever that comes', async () => {
    const here = await scene()
    const { ended } = lead(here, () => {}, { fatal: (error) => error instanceof RefusedError })
    await settle()
    here.store.faults.set('attempt', 'forbid')
    const refused = expect(ended).rejects.toThrow(RefusedError)
    await here.clock.advance(2_000)
    await refused
  })

  test('by a refusal from the start does not end it where its caller says that it is not fatal', async () => {
    const here = await scene()
    here.store.faults.set('attempt', 'forbid')
    const { ended, errors } = lead(here, untilAborted, { fatal: () => false })
    await here.clock.advance(10_000)
    expect(errors).toContainEqual(expect.any(RefusedError))
    expect(await isOver(ended)).toBe(false)
    here.store.faults.clear()
    await here.clock.advance(2_000)
    expect(await leader(here)).toBe('one')
  })

  test('since the name is a semaphore ends it with ConflictError', async () => {
    const here = await scene()
    await here.other.semaphore('a', { permits: 2 }).acquire()
    const { ended, errors } = lead(here, () => {})
    await expect(ended).rejects.toThrow(ConflictError)
    expect(errors).toEqual([])
  })

  test('during a resignation is reported, and lead goes on', async () => {
    const here = await scene()
    here.store.faults.set('withdraw', 'forbid')
    const work = vi.fn().mockResolvedValueOnce(1).mockImplementation(untilAborted)
    const { errors } = lead(here, work)
    await here.clock.advance(1_000)
    expect(errors).toEqual([expect.any(RefusedError)])
    expect(work).toHaveBeenCalledTimes(2)
  })
})

describe('a wrong argument is refused, and named, before anything is sent', () => {
  test.each<[string, unknown, object, RegExp]>([
    ['work', undefined, {}, /^work: undefined is not a function/],
    ['value', () => {}, { value: 7 }, /^value: 7 is not a string/],
    ['graceMs', () => {}, { graceMs: -1 }, /^graceMs: -1 is out of range/],
    ['signal', () => {}, { signal: 'x' }, /^signal: "x" is not an AbortSignal/],
    ['onError', () => {}, { onError: 1 }, /^onError: 1 is not a function/],
    ['onWait', () => {}, { onWait: 1 }, /^onWait: 1 is not a function/],
    ['fatal', () => {}, { fatal: true }, /^fatal: true is not a function/],
    ['stopBeforeMs', () => {}, { stopBeforeMs: -1 }, /^stopBeforeMs: -1 is out of range/],
    [
      'stopBeforeMs beyond half of the way to the deadline',
      () => {},
      { stopBeforeMs: 5_401 },
      /^stopBeforeMs: 5401 is out of range; it takes a number of ms from 0 to 5400, with a ttlMs of 12000/,
    ],
    ['retryMaxMs', () => {}, { retryMaxMs: 'x' }, /^retryMaxMs: "x" is not a number/],
  ])('%s', async (_, work, options, message) => {
    const { one, store } = await scene()
    store.asked.length = 0
    // If `lead` threw instead of rejecting, a caller's catch would not get the error.
    await expect(one.election('a').lead(work as LeadWork, options)).rejects.toThrow(message)
    expect(store.asked).toEqual([])
  })
})
