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
import { lead, leader, scene, untilAborted } from './scene.ts'

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

  test('again and again is tried after longer and longer pauses, which are short again after a success', async () => {
    const here = await scene()
    let works = (): Promise<unknown> => Promise.reject(new Error('no disk'))
    const work = vi.fn(() => works())
    lead(here, work)
    await here.clock.advance(60_000)
    expect(work.mock.calls.length).toBeGreaterThan(20)
    expect(work.mock.calls.length).toBeLessThan(60)
    works = () => new Promise((_, reject) => void here.clock.after(5_000, () => reject(new Error('no disk'))))
    await here.clock.advance(2_000)
    work.mockClear()
    works = () => Promise.reject(new Error('no disk'))
    await here.clock.advance(5_100)
    expect(work.mock.calls.length).toBeGreaterThanOrEqual(2)
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

  test('with exactly the reason for which it was asked to stop is no failure', async () => {
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

  test('by a refusal ends lead with RefusedError', async () => {
    const here = await scene()
    here.store.faults.set('attempt', 'forbid')
    const { ended, errors } = lead(here, () => {})
    await expect(ended).rejects.toThrow(RefusedError)
    expect(errors).toEqual([])
  })

  test('since the name is a semaphore ends lead with ConflictError', async () => {
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
  ])('%s', async (_, work, options, message) => {
    const { one, store } = await scene()
    store.asked.length = 0
    // If `lead` threw instead of rejecting, a caller's catch would not get the error.
    await expect(one.election('a').lead(work as LeadWork, options)).rejects.toThrow(message)
    expect(store.asked).toEqual([])
  })
})
