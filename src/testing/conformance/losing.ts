// What happens when the store ends a session under its client: the holder is told, the next one holds, and a waiter
// begins anew.
import assert from 'node:assert/strict'
import { HoldLostError } from '../../errors.ts'
import { type Draft, lossMs, slackMs } from './case.ts'
import { started } from './wait.ts'

/** Holds and places in line that are lost. */
export const losing: readonly Draft[] = [
  {
    title: 'a holder whose session ends in the store is told once, and the next one holds',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      let told = 0
      hold.signal.addEventListener('abort', () => (told += 1))
      const next = started(other.mutex(name).acquire())
      await stage.stand(name, 2)
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
    title: 'verify tells a loss that no renewal has told yet',
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
    title: 'run tells the caller when the lock was lost under the work',
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
      await stage.stand(name, 2)
      await stage.endSession(name, 1)
      await stage.stand(name, 2, lossMs(stage.facts) + slackMs / 3)
      await hold.verify()
      await hold.release()
      const next = await waiting
      assert.ok(next.held)
      await next.verify()
      await next.release()
    },
  },
]
