// Claims that stay for a while after their holder is done: whatever its session does, and no longer than they should.
import assert from 'node:assert/strict'
import { leastElapsedMs } from '../../base/clock.ts'
import type { Attempt, Claim, Facts } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { keptMostMs, quietMs, wakeMs } from './timing.ts'
import { pending, started, until, within } from './wait.ts'

/** The text that a kept claim shows. */
const value = '{"host":"a","pid":1,"keptUntil":"2030-01-01T00:00:00.000Z"}'

/** How long the cases keep a claim: as short as the store takes, but longer than their looks at it. */
const briefMs = ({ keepMs }: Facts): number => Math.max(keepMs?.min ?? 0, 1_500)

/** The longest time that the store takes. */
const longMs = ({ keepMs }: Facts): number => Math.min(keepMs?.max ?? 0, 3_600_000)

/** Keeps a claim. Resolves with whether it stood; a store that cannot keep claims has no such cases. */
async function kept({ backend }: Stage, claim: Claim, ms: number): Promise<boolean | undefined> {
  return backend.keep?.(claim, { ms, value }, never)
}

/** A claim that waits behind a kept one, with a session of its own, and the change that it waits for. */
async function waits(
  { backend }: Stage,
  claim: Claim,
): Promise<{ claim: Claim; changed: Promise<Attempt | undefined> }> {
  const answer = await backend.attempt(claim, never)
  assert.ok(!answer.held, 'a claim behind a kept one waits')
  return { claim, changed: started(backend.changed(claim, answer, never)) }
}

async function holds({ backend, clock }: Stage, claim: Claim, withinMs = wakeMs): Promise<bigint> {
  let token: bigint | undefined
  const held = async (): Promise<boolean> => {
    const answer = await backend.attempt(claim, never)
    token = answer.held ? answer.token : undefined
    return answer.held
  }
  await until(clock, { withinMs }, 'a claim that holds', held, true)
  return token as bigint
}

/** Keeps a claim with a claim in line behind it, ends its session, and then breaks it. */
async function outlives(stage: Stage, sized: Partial<Claim>, nextWeight: number): Promise<void> {
  const { backend, clock, facts } = stage
  const name = stage.name()
  const claim = claimOf(name, await stage.session(), sized)
  const first = await backend.attempt(claim, never)
  assert.ok(first.held)
  const behind = claimOf(name, await stage.session(), { ...sized, weight: nextWeight })
  const next = await waits(stage, behind)
  assert.equal(await kept(stage, claim, longMs(facts)), true)
  await backend.verify(claim, never) // a look that was on its way
  await backend.withdraw(claim, never)
  await backend.destroySession(claim.session, never)
  await pending(clock, quietMs, 'a claim behind a kept one', next.changed)
  const [standing, waiting] = await backend.line(name, never)
  assert.deepEqual([standing?.held, waiting?.held], [true, false])
  assert.deepEqual([standing?.value, standing?.weight, standing?.key], [value, sized.weight, undefined])
  assert.equal(await backend.break(name, standing?.token ?? 0n, never), true)
  await within(clock, wakeMs, 'the turn of the next claim', next.changed)
  assert.ok((await holds(stage, behind)) > first.token, 'tokens grow over a kept claim')
  await backend.withdraw(behind, never)
  assert.equal(await stage.standing(name), 0)
}

/** The cases about claims that are kept. */
export const keeping: readonly Draft[] = [
  {
    title: 'a claim that is kept outlives its session and its withdrawal, and only break or its time ends it',
    async run(stage) {
      if (!stage.facts.keepMs) return
      await outlives(stage, {}, 1)
      await outlives(stage, { permits: 4, weight: 3 }, 2)
    },
  },
  {
    title: 'a claim that is kept stays for its time, and then the next one holds',
    takesMs: (facts) => keptMostMs(briefMs(facts), facts),
    async run(stage) {
      const { backend, clock, facts } = stage
      if (!facts.keepMs) return
      const [ms, name] = [briefMs(facts), stage.name()]
      const claim = claimOf(name, await stage.session())
      assert.ok((await backend.attempt(claim, never)).held)
      const next = await waits(stage, claimOf(name, await stage.session()))
      const sent = clock.mark()
      assert.equal(await kept(stage, claim, ms), true)
      await backend.withdraw(claim, never)
      await backend.destroySession(claim.session, never)
      await within(clock, keptMostMs(ms, facts) + wakeMs, 'the end of the kept time', next.changed)
      // The clock that a store of one machine uses has whole milliseconds.
      assert.ok(leastElapsedMs(sent, clock.mark()) >= ms - 2, 'no sooner than the kept time is over')
      await holds(stage, next.claim)
      await backend.withdraw(next.claim, never)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'the client that keeps a name waits for it like every other, also without a place in line',
    async run(stage) {
      const { backend, facts } = stage
      if (!facts.keepMs) return
      const name = stage.name()
      const session = await stage.session()
      const claim = claimOf(name, session)
      assert.ok((await backend.attempt(claim, never)).held)
      assert.equal(await kept(stage, claim, longMs(facts)), true)
      await backend.withdraw(claim, never)
      const again = claimOf(name, session, { id: '2', wait: false })
      assert.equal((await backend.attempt(again, never)).held, false)
      await backend.withdraw(again, never)
      const third = await waits(stage, claimOf(name, session, { id: '3' }))
      assert.equal(await backend.verify(claim, never), false)
      const [standing] = await backend.line(name, never)
      assert.equal(await backend.break(name, standing?.token ?? 0n, never), true)
      await holds(stage, third.claim)
      await backend.withdraw(third.claim, never)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'a claim that was removed is not kept',
    async run(stage) {
      const { backend, facts } = stage
      if (!facts.keepMs) return
      const name = stage.name()
      const claim = claimOf(name, await stage.session())
      assert.ok((await backend.attempt(claim, never)).held)
      const [standing] = await backend.line(name, never)
      assert.equal(await backend.break(name, standing?.token ?? 0n, never), true)
      assert.equal(await kept(stage, claim, longMs(facts)), false)
      await backend.withdraw(claim, never)
      assert.equal(await stage.standing(name), 0)
    },
  },
]
