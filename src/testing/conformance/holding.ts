// The life of a hold without faults: how long it is valid, how it ends, and what `run` returns.
import assert from 'node:assert/strict'
import { HoldLostError } from '../../base/errors.ts'
import type { Draft } from './case.ts'
import { rejection } from './wait.ts'

/** The cases about holds that end by a release. */
export const holding: readonly Draft[] = [
  {
    title: 'release is idempotent, ends the hold at once, never aborts its signal and touches no later hold',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      assert.ok(hold.remainingMs > 1_000)
      const released = hold.release()
      assert.equal(hold.held, false)
      assert.equal(hold.remainingMs, 0)
      await Promise.all([released, hold.release()])
      const next = await other.mutex(name).acquire()
      await hold.release()
      await next.verify()
      assert.equal(hold.signal.aborted, false)
      assert.throws(() => hold.assertHeld(), HoldLostError)
      await next.release()
    },
  },
  {
    title: 'run returns the result of the work or throws its error, with the lock released',
    async run(stage) {
      const name = stage.name()
      const mutex = (await stage.client()).mutex(name)
      assert.equal(await mutex.run((hold) => hold.token > 0n), true)
      const failure = new Error('of the work')
      assert.equal(await rejection(mutex.run(() => Promise.reject(failure))), failure)
      assert.equal(await stage.standing(name), 0)
    },
  },
]
