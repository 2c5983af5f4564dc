// A claim that takes the place of another one of its session: the old one is gone, and the line keeps its order. A store
// that cannot do that in one request has no such cases.
import assert from 'node:assert/strict'
import type { Attempt, Claim } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { abortable, never } from './signals.ts'
import type { Stage } from './stage.ts'
import { promptMs, quietMs, wakeMs } from './timing.ts'
import { pending, started, within } from './wait.ts'

type Replace = (old: Claim, next: Claim, signal?: AbortSignal) => Promise<Attempt>

/** The two steps in one; undefined if the store has no such request. */
function replaceOf({ backend }: Stage): Replace | undefined {
  const replace = backend.replace?.bind(backend)
  return replace && ((old, next, signal = never) => replace(old, next, signal))
}

/** The next claim of the same session. */
function after(claim: Claim, id: string): Claim {
  return claimOf(claim.name, claim.session, { id })
}

/** Checks that the claim holds, and returns its token. */
function tokenOf(answer: Attempt): bigint {
  assert.ok(answer.held, 'the claim holds')
  return answer.token
}

/** Replaces a claim and gives up before the answer. Then both are withdrawn, as a client does it. */
async function giveUp(stage: Stage, replace: Replace, [old, next]: readonly [Claim, Claim], afterMs: number) {
  const { signal, abort } = abortable()
  const asked = started(replace(old, next, signal))
  if (afterMs > 0) await new Promise<void>((resolve) => void stage.clock.after(afterMs, resolve))
  abort('enough')
  await within(
    stage.clock,
    promptMs,
    'a question whose signal aborted',
    asked.catch(() => {}),
  )
  await Promise.all([stage.backend.withdraw(old, never), stage.backend.withdraw(next, never)])
}

/** The cases about claims that replace others. */
export const replacing: readonly Draft[] = [
  {
    title:
      'a claim that replaces another holds at once with a larger token if nobody waits, and the old one is gone',
    async run(stage) {
      const replace = replaceOf(stage)
      if (!replace) return
      const { backend } = stage
      let last = claimOf(stage.name(), await stage.session())
      let token = tokenOf(await backend.attempt(last, never))
      for (const id of ['2', '3', '4']) {
        const next = after(last, id)
        const larger = tokenOf(await replace(last, next))
        assert.ok(larger > token, `tokens grow: ${token}, ${larger}`)
        assert.equal(await stage.standing(next.name), 1)
        await backend.withdraw(last, never) // a repeated withdrawal, as after a lost answer
        assert.equal(await backend.verify(next, never), true)
        assert.equal(tokenOf(await backend.attempt(next, never)) >= larger, true)
        token = larger
        last = next
      }
      await backend.withdraw(last, never)
      assert.equal(await stage.standing(last.name), 0)
    },
  },
  {
    title: 'a claim that replaces another stands behind all that wait, and the first of these holds',
    // Long: one story, whose steps need one another.
    async run(stage) {
      const replace = replaceOf(stage)
      if (!replace) return
      const { backend, clock } = stage
      const old = claimOf(stage.name(), await stage.session())
      const token = tokenOf(await backend.attempt(old, never))
      const theirs = claimOf(old.name, await stage.session())
      const behind = await backend.attempt(theirs, never)
      const changed = started(backend.changed(theirs, behind, never))
      await pending(clock, quietMs, 'the turn of a claim behind a holder', changed)
      const next = after(old, '2')
      const answer = await replace(old, next)
      assert.equal(answer.held, false, 'the next claim of the same client does not overtake')
      const larger = tokenOf(
        (await within(clock, wakeMs, 'its turn', changed)) ?? (await backend.attempt(theirs, never)),
      )
      assert.ok(larger > token, 'tokens grow')
      assert.equal(await stage.standing(old.name), 2)
      const turn = started(backend.changed(next, answer, never))
      await pending(clock, quietMs, 'the turn of the claim at the end', turn)
      await backend.withdraw(theirs, never)
      const last =
        (await within(clock, wakeMs, 'the turn of the claim at the end', turn)) ??
        (await backend.attempt(next, never))
      assert.ok(tokenOf(last) > larger, 'tokens grow')
      await backend.withdraw(next, never)
    },
  },
  {
    title: 'a claim that replaces one that an operator has removed joins the line',
    async run(stage) {
      const replace = replaceOf(stage)
      if (!replace) return
      const { backend } = stage
      const old = claimOf(stage.name(), await stage.session())
      await backend.attempt(old, never)
      const [standing] = await backend.line(old.name, never)
      assert.equal(await backend.break(old.name, standing?.token ?? 0n, never), true)
      const theirs = claimOf(old.name, await stage.session())
      const token = tokenOf(await backend.attempt(theirs, never))
      const next = after(old, '2')
      assert.equal((await replace(old, next)).held, false)
      assert.equal(await backend.verify(theirs, never), true)
      await backend.withdraw(theirs, never)
      assert.ok(tokenOf(await backend.attempt(next, never)) > token, 'tokens grow')
      await backend.withdraw(next, never)
    },
  },
  {
    title:
      'a replacement that was aborted before its answer leaves nothing after both withdrawals, even if it arrives late',
    async run(stage) {
      const replace = replaceOf(stage)
      if (!replace) return
      const { backend, clock } = stage
      const session = await stage.session()
      for (const [index, afterMs] of [0, 0, 1, 5].entries()) {
        const old = claimOf(stage.name(), session, { id: `old ${index}` })
        await backend.attempt(old, never)
        await giveUp(stage, replace, [old, after(old, `new ${index}`)], afterMs)
        const since = clock.mark()
        while (stage.elapsedMs(since) < quietMs / 2) {
          assert.equal(await stage.standing(old.name), 0, 'claims after both withdrawals')
          await new Promise<void>((resolve) => void clock.after(20, resolve))
        }
        const other = claimOf(old.name, await stage.session())
        assert.ok((await backend.attempt(other, never)).held)
        await backend.withdraw(other, never)
      }
    },
  },
]
