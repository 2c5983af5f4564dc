// The end of a term and of `lead`: the work is asked to stop, then it ends, then leadership is given up, in this
// order.
import { describe, expect, test, vi } from 'vitest'
import { HoldLostError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { depose, isOver, lead, leader, never, scene, untilAborted } from './scene.ts'

describe('when leadership is lost', () => {
  test('the signal of the term aborts, the loss is reported, and it stands for election again', async () => {
    const here = await scene()
    const work = vi.fn(untilAborted)
    const { errors } = lead(here, work)
    await settle()
    await depose(here)
    expect(errors).toEqual([expect.any(HoldLostError)])
    expect(work).toHaveBeenCalledTimes(2)
    expect(await leader(here)).toBe('one')
  })

  test('work that does not end is reported, and no new term begins meanwhile', async () => {
    const here = await scene()
    let finish = (): void => {}
    const work = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)))
    const { errors } = lead(here, work, { graceMs: 3_000 })
    await settle()
    await depose(here)
    await here.clock.advance(60_000)
    expect(errors.map(String)).toEqual([expect.stringMatching(/"a" still runs 3000 ms after it had to stop/)])
    expect(work).toHaveBeenCalledTimes(1)
    finish()
    await here.clock.advance(1_000)
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('and work still runs at the end, lead rejects with HoldLostError', async () => {
    const here = await scene()
    const { ended, stop } = lead(here, () => new Promise(() => {}), { graceMs: 3_000 })
    await settle()
    await depose(here)
    await here.clock.advance(3_000)
    expect(await isOver(ended)).toBe(false)
    stop()
    await expect(ended).rejects.toThrow(HoldLostError)
  })
})

describe('the end', () => {
  test('asks the work to stop while it leads, awaits it, and only then resigns', async () => {
    const here = await scene()
    const seen: unknown[] = []
    let finish = (): void => {}
    const { ended, stop } = lead(here, async (term) => {
      await untilAborted(term)
      seen.push(term.signal.reason, term.held)
      await new Promise<void>((resolve) => (finish = resolve))
      seen.push(term.held, await leader(here))
    })
    await settle()
    stop('deploy')
    await here.clock.advance(9_000)
    expect(await leader(here)).toBe('one')
    finish()
    await ended
    expect(seen).toEqual(['deploy', true, true, 'one'])
    expect(await leader(here)).toBeUndefined()
  })

  test('rejects with HoldLostError if the work does not end within graceMs, and resigns', async () => {
    const here = await scene()
    const { ended, errors, stop } = lead(here, () => new Promise(() => {}), { graceMs: 3_000 })
    await settle()
    stop()
    const refused = expect(ended).rejects.toThrow(/still runs 3000 ms after it had to stop/)
    await here.clock.advance(3_000)
    await refused
    expect(errors).toEqual([]) // it is reported once
    expect(await leader(here)).toBeUndefined()
  })

  test('comes with close of the client, which waits for the work and leaves nothing behind', async () => {
    const here = await scene()
    let finish = (): void => {}
    const { ended } = lead(here, async (term) => {
      await untilAborted(term)
      await new Promise<void>((resolve) => (finish = resolve))
    })
    await settle()
    const closed = here.one.close()
    await settle()
    expect(await isOver(closed)).toBe(false)
    expect(await leader(here)).toBe('one')
    finish()
    await Promise.all([ended, closed])
    expect(await leader(here)).toBeUndefined()
    await here.other.close()
    expect(here.clock.timers).toBe(0)
  })

  test('of a waiting candidate comes at once, and leaves the line', async () => {
    const here = await scene()
    const term = await here.other.election('a').campaign()
    const onWait = vi.fn()
    const { ended, stop } = lead(here, () => {}, { onWait })
    await settle()
    expect(onWait).toHaveBeenCalledWith(1)
    stop()
    await ended
    expect(await here.truth.line('a', never)).toHaveLength(1)
    await term.resign()
  })
})
