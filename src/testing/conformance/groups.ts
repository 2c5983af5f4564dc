// Several names at once: all of them or none, by a client on every store, and in one step on a store that can.
import assert from 'node:assert/strict'
import type { Claim } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { quietMs, wakeMs } from './timing.ts'
import { giveUp, staysAt } from './unanswered.ts'
import { pending, started, within } from './wait.ts'

/** Claims of one session on three names, which the store is to admit together. */
async function three(stage: Stage, id = '1'): Promise<Claim[]> {
  const session = await stage.session()
  return [stage.name(), stage.name(), stage.name()].map((name, index) =>
    claimOf(name, session, { id: `${id}.${index}`, wait: false }),
  )
}

/** The token of all claims, or undefined if they do not hold. */
async function ask({ backend }: Stage, claims: readonly Claim[]): Promise<bigint | undefined> {
  const answer = await backend.attemptAll?.(claims, never)
  return answer?.held ? answer.token : undefined
}

async function standing(stage: Stage, claims: readonly Claim[]): Promise<number[]> {
  return Promise.all(claims.map(({ name }) => stage.standing(name)))
}

/** The cases about groups. */
export const groups: readonly Draft[] = [
  {
    title: 'a client holds several names or none of them, and the next one has larger tokens',
    async run(stage) {
      const [one, other] = await stage.pair()
      const names = [stage.name(), stage.name(), stage.name()]
      const last = names.toSorted().at(-1) ?? ''
      const first = await one.mutexes(names).acquire()
      assert.equal(await other.mutexes(names.slice(1)).tryAcquire(), undefined)
      const waiting = started(other.mutexes(names.toReversed()).acquire())
      await pending(stage.clock, quietMs, 'a group behind another one', waiting)
      await first.release()
      const next = await within(stage.clock, wakeMs, 'the turn of the next group', waiting)
      for (const [name, token] of next.tokens) assert.ok(token > (first.tokens.get(name) ?? token))
      await next.release()
      const blocker = await one.mutex(last).acquire()
      await assert.rejects(other.mutexes(names).acquire({ waitMs: 500 }), { code: 'LEASEHOLD_WAIT_TIMEOUT' })
      await blocker.release()
      for (const name of names) await stage.untilStanding(name, 0)
    },
  },
  {
    title: 'claims that are asked for together hold together, or none of them is in the store',
    async run(stage) {
      const { backend, facts } = stage
      if (!facts.groupMax) return
      const claims = await three(stage)
      const [, second] = claims as [Claim, Claim]
      const blocker = claimOf(second.name, await stage.session())
      const earlier = await backend.attempt(blocker, never)
      assert.ok(earlier.held)
      assert.equal(await ask(stage, claims), undefined)
      assert.deepEqual(await standing(stage, claims), [0, 1, 0])
      await backend.withdraw(blocker, never)
      const token = (await ask(stage, claims)) ?? 0n
      assert.ok(token > earlier.token, 'the token is larger than that of an earlier holder')
      assert.ok(((await ask(stage, claims)) ?? 0n) >= token, 'a repeated question finds the claims')
      assert.deepEqual(await standing(stage, claims), [1, 1, 1])
      for (const claim of claims) assert.equal(await backend.verify(claim, never), true)
      assert.ok(!(await backend.attempt({ ...blocker, id: '2' }, never)).held)
      await backend.withdrawAll?.(claims, never)
      assert.deepEqual(await standing(stage, claims), [0, 1, 0])
    },
  },
  {
    title:
      'claims that were asked for together, and given up, leave nothing, even if the question arrives late',
    async run(stage) {
      const { backend, facts } = stage
      if (!facts.groupMax) return
      for (const [index, afterMs] of [0, 0, 1, 5].entries()) {
        const claims = await three(stage, `given up ${index}`)
        await giveUp(stage, async (signal) => backend.attemptAll?.(claims, signal), afterMs)
        if (index % 2 === 0) await backend.withdrawAll?.(claims, never)
        else for (const claim of claims) await backend.withdraw(claim, never)
        for (const { name } of claims) await staysAt(stage, name, 0)
      }
    },
  },
  {
    title: 'claims that leave together leave although one of them was removed, and touch no later claim',
    async run(stage) {
      const { backend, facts } = stage
      if (!facts.groupMax) return
      const claims = await three(stage)
      const [, second] = claims as [Claim, Claim]
      assert.ok(await ask(stage, claims))
      const [held] = await backend.line(second.name, never)
      assert.equal(await backend.break(second.name, held?.token ?? 0n, never), true)
      const later = claimOf(second.name, await stage.session())
      assert.ok((await backend.attempt(later, never)).held)
      await backend.withdrawAll?.(claims, never)
      await backend.withdrawAll?.(claims, never)
      assert.deepEqual(await standing(stage, claims), [0, 1, 0])
      assert.equal(await backend.verify(later, never), true)
    },
  },
]
