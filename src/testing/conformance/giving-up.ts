// The ways in which a wait ends without a hold: refusal, time-out, abort, conflict, close. None of them leaves anything
// behind, or lets in a claim that is not next.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { ClosedError, ConflictError, WaitTimeoutError } from '../../base/errors.ts'
import type { Draft } from './case.ts'
import { abortable } from './signals.ts'
import { rejection, started } from './wait.ts'

/** The cases about claims that give up: they hold nothing, and leave the line. */
export const givingUp: readonly Draft[] = [
  {
    title: 'tryAcquire on a taken name resolves with undefined and leaves nothing behind',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      assert.equal(await other.mutex(name).tryAcquire(), undefined)
      assert.equal(await one.mutex(name).tryAcquire(), undefined)
      assert.equal(await stage.standing(name), 1)
      assert.ok(hold.held)
      await hold.release()
    },
  },
  {
    title: 'when waitMs is over, the error names the holder, and the place in line is given up',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      const reason = await rejection(other.mutex(name).acquire({ waitMs: 500 })) // long enough for a busy store to answer
      assert.ok(reason instanceof WaitTimeoutError, String(reason))
      assert.match(reason.message, new RegExp(`pid ${process.pid}`))
      await stage.untilStanding(name, 1)
      await assert.rejects(other.mutex(name).acquire({ waitMs: 0 }), WaitTimeoutError)
      assert.equal(await stage.standing(name), 1)
      assert.ok(hold.held)
      await hold.release()
    },
  },
  {
    title: 'an abort rejects with exactly the reason of the signal, and leaves no listener on it',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      const { signal, abort } = abortable()
      const waiting = started(other.mutex(name).acquire({ signal }))
      await stage.untilStanding(name, 2)
      abort('enough')
      assert.equal(await rejection(waiting), 'enough')
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
      await stage.untilStanding(name, 1)
      assert.equal(await rejection(other.mutex(name).acquire({ signal })), 'enough')
      assert.ok(hold.held)
      await hold.release()
    },
  },
  {
    title: 'a waiter that leaves the middle of the line does not let in the waiter behind it',
    async run(stage) {
      const name = stage.name()
      const [holder, leaver, last] = await Promise.all([stage.client(), stage.client(), stage.client()])
      const hold = await holder.mutex(name).acquire()
      const { signal, abort } = abortable()
      const leaving = started(leaver.mutex(name).acquire({ signal }))
      await stage.untilStanding(name, 2)
      let entered = false
      const waiting = started(last.mutex(name).acquire())
      waiting.then(() => (entered = true)).catch(() => {})
      await stage.untilStanding(name, 3)
      abort('gone')
      assert.equal(await rejection(leaving), 'gone')
      await stage.untilStanding(name, 2)
      assert.equal(await (await stage.client()).mutex(name).tryAcquire(), undefined)
      assert.equal(entered, false)
      await hold.release()
      await (await waiting).release()
    },
  },
  {
    title: 'another number of permits, or another kind of lock, is a conflict that leaves nothing behind',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.semaphore(name, { permits: 2 }).acquire()
      await assert.rejects(other.semaphore(name, { permits: 3 }).acquire(), ConflictError)
      await assert.rejects(other.semaphore(name, { permits: 3 }).tryAcquire(), ConflictError)
      await assert.rejects(other.mutex(name).acquire(), ConflictError)
      await assert.rejects(other.mutex(name).tryAcquire(), ConflictError)
      await stage.untilStanding(name, 1)
      assert.ok(hold.held)
      await hold.verify()
      await hold.release()
    },
  },
  {
    title: 'close rejects waiting acquires and releases holds, and the next waiter holds at once',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      const next = started(other.mutex(name).acquire())
      await stage.untilStanding(name, 2)
      const late = started(one.mutex(name).acquire())
      await one.close()
      await assert.rejects(late, ClosedError)
      assert.equal(hold.held, false)
      assert.equal(hold.signal.aborted, false)
      assert.ok((await next).held)
      await assert.rejects(one.mutex(name).acquire(), ClosedError)
      await other.close()
      assert.equal(await stage.standing(name), 0)
    },
  },
]
