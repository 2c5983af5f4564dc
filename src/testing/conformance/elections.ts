// Elections as every client can see them: the leader's value, and when observers learn of a change.
import assert from 'node:assert/strict'
import { HoldLostError } from '../../base/errors.ts'
import type { Leader, Observation } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { abortable, never } from './signals.ts'
import type { Stage } from './stage.ts'
import { lossMs, quietMs, wakeMs } from './timing.ts'
import { pending, rejection, started, until, within } from './wait.ts'

/** Follows an election in the background until the case is over. */
function follow(stage: Stage, observed: AsyncIterable<Leader | undefined>): (Leader | undefined)[] {
  const seen: (Leader | undefined)[] = []
  const read = async (): Promise<void> => {
    for await (const leader of observed) seen.push(leader)
  }
  started(read()) // ends when the case closes its client
  assert.ok(stage)
  return seen
}

/** Waits until the observer has seen a leader with this value, or no leader. */
function told(
  stage: Stage,
  seen: readonly (Leader | undefined)[],
  value: string | undefined,
  withinMs: number = wakeMs,
): Promise<void> {
  const last = (): string => (seen.length > 0 ? String(seen.at(-1)?.value) : 'nothing yet')
  return until(stage.clock, { withinMs }, 'the values of the observed leaders', last, String(value))
}

/** The cases about the parts of the contract that elections need. */
export const elections: readonly Draft[] = [
  {
    title: 'every client sees the leader, with its unchanged value and the token of its term',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      assert.equal(await other.election(name).leader(), undefined)
      const value = 'ünï\n\0 "🔒" %2f '
      const term = await one.election(name).campaign({ value })
      const leader = await other.election(name).leader()
      assert.deepEqual([leader?.value, leader?.token], [value, term.token])
      await term.proclaim('')
      assert.deepEqual(
        [(await other.election(name).leader())?.value, (await one.election(name).leader())?.token],
        ['', term.token],
      )
      await term.resign()
      assert.equal(await other.election(name).leader(), undefined)
    },
  },
  {
    title: 'the next candidate leads when a term is resigned, with a larger token and its own value',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const first = await one.election(name).campaign({ value: 'first' })
      const waiting = started(other.election(name).campaign({ value: 'second' }))
      await stage.untilStanding(name, 2)
      await first.proclaim('first again')
      assert.equal((await one.election(name).leader())?.value, 'first again')
      await first.resign()
      const second = await waiting
      assert.ok(second.token > first.token)
      const leader = await one.election(name).leader()
      assert.deepEqual([leader?.value, leader?.token], ['second', second.token])
      await assert.rejects(first.proclaim('late'), HoldLostError)
      await second.resign()
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'an observer sees every state that lasts: a leader, its new value, the next leader, and none',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const seen = follow(stage, other.election(name).observe())
      await told(stage, seen, undefined)
      const first = await one.election(name).campaign({ value: 'first' })
      await told(stage, seen, 'first')
      await first.proclaim('again')
      await told(stage, seen, 'again')
      const waiting = started(other.election(name).campaign({ value: 'second' }))
      await stage.untilStanding(name, 2)
      await first.resign()
      const second = await waiting
      await told(stage, seen, 'second')
      assert.equal(seen.at(-1)?.token, second.token)
      await second.resign()
      await told(stage, seen, undefined)
    },
  },
  {
    title: 'a leader whose session ended in the store cannot proclaim, and observers see that nobody leads',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const term = await one.election(name).campaign({ value: 'gone soon' })
      const seen = follow(stage, other.election(name).observe())
      await told(stage, seen, 'gone soon')
      await stage.endSession(name)
      await assert.rejects(term.proclaim('late'), HoldLostError)
      await told(stage, seen, undefined, lossMs(stage.facts) + wakeMs)
      assert.equal(await other.election(name).leader(), undefined)
    },
  },
  {
    title:
      "a checkpoint does not change the leader's value, and a proclamation does not change the checkpoint",
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const term = await one.election(name).campaign({ value: 'said' })
      for (const text of ['one', 'two', 'two']) await term.checkpoint(text)
      assert.equal((await other.election(name).leader())?.value, 'said')
      await term.proclaim('said anew')
      await term.checkpoint('three')
      assert.equal((await other.election(name).leader())?.value, 'said anew')
      assert.equal(await other.mutex(name).readCheckpoint(), 'three')
      await term.verify()
      await term.resign()
    },
  },
  {
    title: 'proclaim is refused to a withdrawn claim, and the next leader keeps its own value',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const [mine, theirs] = await Promise.all([stage.session(), stage.session()])
      const claim = claimOf(name, mine, { candidate: true, value: 'mine' })
      const other = claimOf(name, theirs, { candidate: true, value: 'theirs' })
      assert.ok((await backend.attempt(claim, never)).held)
      assert.ok(!(await backend.attempt(other, never)).held)
      assert.equal((await backend.observe(name, never)).leader?.value, 'mine')
      await backend.withdraw(claim, never)
      assert.equal(await backend.proclaim(claim, 'too late', never), false)
      assert.equal((await backend.attempt(other, never)).held, true)
      assert.equal((await backend.observe(name, never)).leader?.value, 'theirs')
    },
  },
  {
    title:
      'a waiting observer rejects with the reason of its signal, and notices a change from before the wait',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const none = await backend.observe(name, never)
      const { signal, abort } = abortable()
      const given = started(backend.leaderChanged(name, none, signal))
      abort('up')
      assert.equal(await rejection(given), 'up')
      const claim = claimOf(name, await stage.session(), { candidate: true, value: 'new' })
      await backend.attempt(claim, never)
      const proven = await backend.leaderChanged(name, structuredClone(none), never)
      const now = proven ?? (await backend.observe(name, never))
      assert.equal(now.leader?.value, 'new')
    },
  },
  {
    title: 'a waiting observer is woken soon by a new value and by the next leader, and not before',
    async run(stage) {
      const { backend, clock } = stage
      const name = stage.name()
      const [mine, theirs] = [await stage.session(), await stage.session()]
      const claim = claimOf(name, mine, { candidate: true, value: 'first' })
      const next = claimOf(name, theirs, { candidate: true, value: 'next' })
      await backend.attempt(claim, never)
      await backend.attempt(next, never)
      let seen = await backend.observe(name, never)
      const follow = async (what: string, value: string, change: () => Promise<unknown>): Promise<void> => {
        const told = started(observedNext(stage, name, seen))
        await pending(clock, quietMs, `the wait for ${what}`, told)
        await change()
        seen = await within(clock, wakeMs, `the wait for ${what}`, told)
        assert.equal(seen.leader?.value, value)
      }
      await follow('a new value', 'again', () => backend.proclaim(claim, 'again', never))
      await follow('the next leader', 'next', async () => {
        await backend.withdraw(claim, never)
        await backend.attempt(next, never)
      })
    },
  },
]

/** The first observation with a leader that differs from `seen`. The store may wake the observer without news before. */
async function observedNext(stage: Stage, name: string, seen: Observation): Promise<Observation> {
  const { backend } = stage
  for (;;) {
    const now = (await backend.leaderChanged(name, seen, never)) ?? (await backend.observe(name, never))
    const leaderOf = ({ leader }: Observation): string => `${leader?.token} ${leader?.value}`
    if (now.leader && leaderOf(now) !== leaderOf(seen)) return now
  }
}
