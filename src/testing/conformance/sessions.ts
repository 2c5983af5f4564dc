// Sessions: how long one lasts, and how its client learns that it is over.
import assert from 'node:assert/strict'
import { pause } from '../../base/clock.ts'
import type { Attempt, Claim } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { briefTtlMs, expiryMs, slackMs, wakeMs } from './timing.ts'
import { started, until, within } from './wait.ts'

/** Timers may fire early by this much, in ms. */
const grainMs = 50

/** Renews the session ten times in each time to live, until `over` aborts. Rejects when the store refuses. */
function keep(stage: Stage, id: string, ttlMs: number, over: AbortSignal): Promise<void> {
  const renew = async (): Promise<boolean> => {
    await stage.backend.renewSession(id, never)
    return over.aborted
  }
  const patience = { withinMs: Number.POSITIVE_INFINITY, everyMs: ttlMs / 10 }
  return started(until(stage.clock, patience, 'end of the renewals', renew, true))
}

/** Waits until the claim holds. Asks again only when the store wakes it, and every 500 ms during a lock-delay. */
async function admitted({ backend, clock }: Stage, claim: Claim): Promise<void> {
  let answer = await backend.attempt(claim, never)
  assert.equal(answer.held, false)
  while (!answer.held) {
    const isDelayed: boolean = answer.delayed === true
    const news: Attempt | undefined = isDelayed ? undefined : await backend.changed(claim, answer, never)
    if (isDelayed) await pause(clock, 500, never)
    answer = news ?? (await backend.attempt(claim, never))
  }
}

/** The cases about sessions: each ends by itself, and not too early. */
export const sessions: readonly Draft[] = [
  {
    title:
      'a session that is not renewed ends by itself, and not too early; a session that is renewed does not end',
    takesMs: (facts) => expiryMs(briefTtlMs(facts), facts),
    async run(stage) {
      const { backend, facts } = stage
      const [kept, left] = [stage.name(), stage.name()]
      const since = stage.clock.mark()
      const renewed = await stage.grant(briefTtlMs(facts))
      const forgotten = await stage.grant(briefTtlMs(facts))
      const [mine, theirs] = [claimOf(kept, renewed.id), claimOf(left, forgotten.id)]
      assert.ok((await backend.attempt(mine, never)).held && (await backend.attempt(theirs, never)).held)
      const over = new AbortController()
      const renewals = keep(stage, renewed.id, renewed.ttlMs, over.signal)
      const waitMs = expiryMs(forgotten.ttlMs, facts) + slackMs / 2
      const hold = await (await stage.client())
        .mutex(left)
        .acquire({ waitMs })
        .finally(() => over.abort())
      assert.ok(stage.elapsedMs(since) >= forgotten.ttlMs - grainMs, 'the lock was taken away too early')
      assert.equal(await backend.verify(theirs, never), false)
      await renewals
      assert.equal(await backend.verify(mine, never), true, 'a session that was renewed has ended')
      await hold.release()
    },
  },
  {
    title: 'a session that is not renewed ends in time, and its end wakes a waiter that does not ask again',
    takesMs: (facts) => expiryMs(briefTtlMs(facts), facts),
    async run(stage) {
      const { facts, clock } = stage
      const name = stage.name()
      const since = clock.mark()
      const forgotten = await stage.grant(briefTtlMs(facts))
      const patient = await stage.grant(Math.min(facts.ttlMs.max, 10 * expiryMs(forgotten.ttlMs, facts)))
      const claim = claimOf(name, forgotten.id)
      assert.ok((await stage.backend.attempt(claim, never)).held)
      const latestMs = expiryMs(forgotten.ttlMs, facts) + wakeMs
      await within(clock, latestMs, 'the session', admitted(stage, claimOf(name, patient.id)))
      assert.ok(stage.elapsedMs(since) >= forgotten.ttlMs - grainMs, 'the lock was taken away too early')
      assert.equal(await stage.backend.verify(claim, never), false)
    },
  },
  {
    title: 'the store rejects a renewal of a session that it no longer knows',
    async run(stage) {
      const { backend } = stage
      const id = await stage.session()
      await backend.renewSession(id, never)
      await backend.destroySession(id, never)
      const gone = { code: 'LEASEHOLD_SESSION_GONE' }
      await assert.rejects(backend.renewSession(id, never), gone)
      await assert.rejects(backend.attempt(claimOf(stage.name(), id), never), gone)
    },
  },
  {
    title: 'a session lives at least as long as was asked for, and its claims end with it',
    async run(stage) {
      const { backend } = stage
      const { min } = stage.facts.ttlMs
      const { id, ttlMs } = await stage.grant(min)
      assert.ok(ttlMs >= min, `${ttlMs} ms granted, ${min} ms asked for`)
      const claims = [claimOf(stage.name(), id), claimOf(stage.name(), id)]
      for (const claim of claims) assert.ok((await backend.attempt(claim, never)).held)
      await backend.destroySession(id, never)
      for (const claim of claims) {
        assert.equal(await backend.verify(claim, never), false)
        assert.equal(await stage.standing(claim.name), 0)
      }
    },
  },
]
