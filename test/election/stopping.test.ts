// When the work of a leader has to stop: how it learns of it, and how much time it has before another candidate may lead.
import { describe, expect, test } from 'vitest'
import { HoldLostError, type LedTerm } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { isOver, lead, leader, never, type Scene, scene, untilAborted } from './scene.ts'

const ttlMs = 12_000
const deadlineMs = ttlMs - 1_200
/** When the signal aborts after a last renewal that was sent at 0. */
const stopMs = deadlineMs - ttlMs / 5

describe('a leader that steps down', () => {
  test('leads until its work has ended, stays away, and stands for election again', async () => {
    const here = await scene()
    let finish = (): void => {}
    const seen: unknown[] = []
    const { errors } = lead(here, async (term) => {
      term.stepDown({ awayMs: 20_000 })
      seen.push(term.stopping, term.signal.aborted, term.held)
      await new Promise<void>((resolve) => (finish = resolve))
      seen.push(term.held)
    })
    await here.clock.advance(8_000)
    expect(await leader(here)).toBe('one')
    finish()
    await settle()
    expect(seen).toEqual([true, true, true, true])
    expect(await leader(here)).toBeUndefined()
    await here.clock.advance(19_000)
    expect(await leader(here)).toBeUndefined()
    await here.clock.advance(2_000)
    expect(await leader(here)).toBe('one')
    expect(errors).toEqual([])
  })

  test('has nothing in its term that would give leadership up while the work runs', async () => {
    const here = await scene()
    const seen: boolean[] = []
    const { stop } = lead(here, (term) => {
      for (const verb of ['resign', 'release', Symbol.asyncDispose]) seen.push(verb in term)
    })
    await settle()
    stop()
    expect(seen.slice(0, 3)).toEqual([false, false, false])
  })

  test('gets an error that names an unknown option of stepDown and the nearest right one', async () => {
    const here = await scene()
    const { errors, stop } = lead(here, (term) => term.stepDown({ away: 5 } as object))
    await settle()
    stop()
    expect(String(errors[0])).toMatch(/TypeError: away: is not an option; did you mean awayMs/)
  })
})

test('the loop that asks for its signal ends in its grace, and lead resolves', async () => {
  const here = await scene()
  let steps = 0
  const { ended, stop } = lead(here, async (term) => {
    while (!term.signal.aborted) {
      steps += 1
      await new Promise<void>((resolve) => here.clock.after(1_000, resolve))
    }
  })
  await here.clock.advance(3_500)
  expect(steps).toBe(4)
  stop()
  await here.clock.advance(1_000)
  await ended
  expect(steps).toBe(4)
})

describe('when no renewal is answered', () => {
  /** A leader whose renewals are not answered from its first second on, and the moments at which it was told. */
  async function cutOff(here: Scene, options: object = {}): Promise<{ toldAt: number[]; errors: unknown[] }> {
    const begun = here.clock.wallMs()
    const toldAt: number[] = []
    const { errors } = lead(
      here,
      async (term) => {
        await untilAborted(term)
        toldAt.push(here.clock.wallMs() - begun)
        expect(term.held).toBe(toldAt[0] !== deadlineMs)
      },
      options,
    )
    here.store.breakAll('refuse')
    here.store.faults.delete('attempt')
    await here.clock.advance(ttlMs)
    return { toldAt, errors }
  }

  test('the work has a fifth of the time to live before the deadline, while it still leads', async () => {
    const { toldAt, errors } = await cutOff(await scene())
    expect(toldAt[0]).toBe(stopMs)
    expect(errors[0]).toBeInstanceOf(HoldLostError)
    expect(errors[0]).toMatchObject({ code: 'LEASEHOLD_HOLD_SHORT' })
  })

  test.each([0, 1_000, 5_400])('it has the %s ms that it asked for', async (stopBeforeMs) => {
    const { toldAt } = await cutOff(await scene(), { stopBeforeMs })
    expect(toldAt[0]).toBe(deadlineMs - stopBeforeMs)
  })

  test('and one is answered before that, the work hears nothing', async () => {
    const here = await scene()
    const begun: LedTerm[] = []
    const { stop } = lead(here, (term) => untilAborted(begun[begun.push(term) - 1] as LedTerm))
    await settle()
    here.store.faults.set('renewSession', 'refuse')
    await here.clock.advance(stopMs - 2_000) // a renewal is tried at least once in 2 s
    here.store.faults.clear()
    await here.clock.advance(60_000)
    expect(begun.map(({ stopping }) => stopping)).toEqual([false])
    stop()
  })

  test('a process that was stopped meanwhile sees it at its first look, before any timer', async () => {
    const here = await scene()
    let mine: LedTerm | undefined
    lead(here, (term) => untilAborted((mine = term)))
    await settle()
    here.clock.block(stopMs - 1)
    expect(mine?.signal.aborted).toBe(false)
    here.clock.block(1)
    expect([mine?.signal.aborted, mine?.stopping, mine?.held]).toEqual([true, true, true])
  })

  test('the work under `run` of a lock has that time, too', async () => {
    const here = await scene()
    const begun = here.clock.wallMs()
    let toldMs: number | undefined
    const done = here.one.mutex('b').run(
      async (hold) => {
        await untilAborted(hold)
        toldMs = here.clock.wallMs() - begun
        return hold.held
      },
      { stopBeforeMs: 3_000 },
    )
    await settle()
    here.store.faults.set('renewSession', 'refuse')
    await here.clock.advance(ttlMs)
    expect(toldMs).toBe(deadlineMs - 3_000)
    expect(await done).toBe(true) // it stopped in time: the hold was not lost
    expect(await here.truth.line('b', never)).toEqual([])
  })
})

test('work that has not ended when all else is over is told from a loss by its code', async () => {
  const here = await scene()
  const { ended, stop } = lead(here, () => new Promise(() => {}), { graceMs: 1_000 })
  await settle()
  stop()
  const refused = expect(ended).rejects.toMatchObject({ code: 'LEASEHOLD_WORK_STUCK', retryable: false })
  await here.clock.advance(999)
  expect(await isOver(ended)).toBe(false)
  await here.clock.advance(1)
  await refused
})
