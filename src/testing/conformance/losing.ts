// The store ends a session under its client: the holder learns of it, the next claim holds, and a waiter begins anew.
import assert from 'node:assert/strict'
import { HoldLostError } from '../../base/errors.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import { lossMs, slackMs, usualTtlMs } from './timing.ts'
import { started } from './wait.ts'

/** The cases about lost holds and lost places in line. */
export const losing: readonly Draft[] = [
  {
    title: 'a holder whose session ends in the store learns of it once, and the next claim holds',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      let told = 0
      hold.signal.addEventListener('abort', () => (told += 1))
      const next = started(other.mutex(name).acquire())
      await stage.untilStanding(name, 2)
      await stage.endSession(name)
      const after = await next
      assert.ok(after.token > hold.token)
      await stage.lost(hold)
      assert.ok(hold.signal.reason instanceof HoldLostError)
      assert.equal(hold.held, false)
      await hold.release()
      assert.equal(told, 1)
      await after.verify()
      await after.release()
      await (await one.mutex(name).acquire()).release()
    },
  },
  {
    title: 'verify reports a loss before any renewal has reported it',
    async run(stage) {
      const name = stage.name()
      const hold = await (await stage.client()).mutex(name).acquire()
      await hold.verify()
      await stage.endSession(name)
      await assert.rejects(hold.verify(), HoldLostError)
      assert.equal(hold.held, false)
      assert.equal(hold.signal.aborted, true)
    },
  },
  {
    title: 'run rejects when the lock was lost during the work',
    async run(stage) {
      const name = stage.name()
      const mutex = (await stage.client()).mutex(name)
      const run = mutex.run(async (hold) => {
        await stage.endSession(name)
        await hold.verify().catch(() => {})
      })
      await assert.rejects(run, HoldLostError)
    },
  },
  {
    title: 'a waiter whose session ends goes to the end of the line and still gets its turn',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      const waiting = started(other.mutex(name).acquire())
      await stage.untilStanding(name, 2)
      await stage.endSession(name, 1)
      await stage.untilStanding(name, 2, lossMs(stage.facts) + slackMs / 3)
      await hold.verify()
      await hold.release()
      const next = await waiting
      assert.ok(next.held)
      await next.verify()
      await next.release()
    },
  },
  {
    title: 'permits of holders that died are free again, each of them once',
    takesMs: lossMs,
    async run(stage) {
      const name = stage.name()
      const pool = (await stage.client()).semaphore(name, { permits: 2 })
      const dying = [await stage.session(), await stage.session()]
      for (const session of dying) await stage.backend.attempt(claimOf(name, session, { permits: 2 }), never)
      assert.equal(await pool.tryAcquire(), undefined)
      const waiting = Array.from({ length: 3 }, () => started(pool.acquire()))
      for (const session of dying) await stage.backend.destroySession(session, never)
      const [one, other] = [await waiting[0], await waiting[1]]
      await Promise.all([one?.verify(), other?.verify()])
      assert.equal(await stage.standing(name), 2)
      assert.equal(await pool.tryAcquire(), undefined)
      await one?.release()
      const third = await waiting[2]
      await third?.verify()
      await Promise.all([other?.release(), third?.release()])
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'a waiter behind waiters that died holds as soon as the holder releases',
    takesMs: lossMs,
    async run(stage) {
      const name = stage.name()
      const hold = await (await stage.client()).mutex(name).acquire()
      const dying = await Promise.all([stage.session(), stage.session(), stage.session()])
      for (const session of dying) await stage.backend.attempt(claimOf(name, session), never)
      const waiting = started((await stage.client()).mutex(name).acquire())
      await stage.untilStanding(name, 5)
      for (const session of dying) await stage.backend.destroySession(session, never)
      await stage.untilStanding(name, 2)
      await hold.verify()
      const since = stage.clock.mark()
      await hold.release()
      const next = await waiting
      const tookMs = stage.elapsedMs(since)
      assert.ok(tookMs < usualTtlMs(stage.facts) / 3, `the hand-over took ${tookMs} ms`)
      await next.verify()
      await next.release()
    },
  },
]
