// Questions that are aborted before their answer: each of them ends soon, and an attempt that arrives late leaves nothing
// in the store. Also: when a waiter must be woken, and when not yet.
import assert from 'node:assert/strict'
import { pause } from '../../base/clock.ts'
import { claimOf, type Draft } from './case.ts'
import { abortable, never } from './signals.ts'
import type { Stage } from './stage.ts'
import { promptMs, quietMs, wakeMs } from './timing.ts'
import { pending, started, within } from './wait.ts'

type Ask = (signal: AbortSignal) => Promise<unknown>

/** Asks, and aborts after `afterMs`. Checks that the question settles soon: with its answer or with the abort's reason. */
export async function giveUp(stage: Stage, ask: Ask, afterMs = 0): Promise<void> {
  const { signal, abort } = abortable()
  const asked = started(ask(signal))
  if (afterMs > 0) await pause(stage.clock, afterMs, never)
  const reason = new Error('given up')
  abort(reason)
  const settled = asked.catch((error) => assert.equal(error, reason))
  await within(stage.clock, promptMs, 'a question whose signal aborted', settled)
}

/** Checks for a while that the name has this many claims. */
export async function staysAt(stage: Stage, name: string, count: number): Promise<void> {
  const since = stage.clock.mark()
  while (stage.elapsedMs(since) < quietMs) {
    assert.equal(await stage.standing(name), count, 'claims after a withdrawal')
    await pause(stage.clock, 20, never)
  }
}

/** The cases about questions without an answer, and about waiters. */
export const unanswered: readonly Draft[] = [
  {
    title:
      'an attempt that was aborted before its answer leaves nothing after its withdrawal, even if it arrives late',
    async run(stage) {
      const { backend } = stage
      const [mine, theirs] = [await stage.session(), await stage.session()]
      const name = stage.name()
      const holder = claimOf(name, theirs)
      for (const holders of [0, 1]) {
        for (const [index, afterMs] of [0, 0, 1, 5].entries()) {
          const claim = claimOf(name, mine, { id: `given up ${holders}.${index}` })
          await giveUp(stage, (signal) => backend.attempt(claim, signal), afterMs)
          await backend.withdraw(claim, never)
        }
        await staysAt(stage, name, holders)
        if (holders === 0) assert.ok((await backend.attempt(holder, never)).held)
      }
      await backend.withdraw(holder, never)
      assert.ok((await backend.attempt(claimOf(name, mine, { id: 'last' }), never)).held)
    },
  },
  {
    title: 'an abort before the store answers ends every question soon, with the reason of the abort',
    async run(stage) {
      const { backend, facts } = stage
      const name = stage.name()
      const [mine, theirs] = [await stage.session(), await stage.session()]
      const [claim, next] = [claimOf(name, mine), claimOf(name, theirs)]
      assert.ok((await backend.attempt(claim, never)).held)
      const questions: Ask[] = [
        (signal) => backend.attempt(next, signal),
        (signal) => backend.verify(claim, signal),
        (signal) => backend.line(name, signal),
        (signal) => backend.survey(name, signal),
        (signal) => backend.observe(name, signal),
        (signal) => backend.renewSession(mine, signal),
        (signal) => backend.createSession(facts.ttlMs.min, signal),
        (signal) => backend.writeCheckpoint(claim, 'text', signal),
        (signal) => backend.readCheckpoint(name, signal),
        (signal) => backend.withdraw(next, signal),
      ]
      for (const ask of questions) await giveUp(stage, ask)
      await backend.withdraw(next, never)
      await staysAt(stage, name, 1)
      assert.equal(await backend.verify(claim, never), true)
    },
  },
  {
    title: 'a claim that waits is woken soon after the lock became free, and not before',
    async run(stage) {
      const name = stage.name()
      const [one, other] = await stage.pair()
      const hold = await one.mutex(name).acquire()
      const waiting = started(other.mutex(name).acquire())
      await stage.untilStanding(name, 2)
      await pending(stage.clock, quietMs, 'the one behind a holder', waiting)
      await hold.release()
      const next = await within(stage.clock, wakeMs, 'the hand-over of a mutex', waiting)
      await next.release()
    },
  },
]
