// Calls of the contract itself, without a client in between: idempotence, wake-ups of waiters, aborts, and whether the
// facts agree.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { claimOf, type Draft } from './case.ts'
import { abortable, never } from './signals.ts'
import { slackMs } from './timing.ts'
import { rejection, started, within } from './wait.ts'

/** The cases about the parts of the contract that locks need. */
export const contract: readonly Draft[] = [
  {
    title: 'attempt, withdraw and destroySession are idempotent and touch no other claim',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const [mine, theirs] = await Promise.all([stage.session(), stage.session()])
      const [claim, other] = [claimOf(name, mine), claimOf(name, theirs)]
      const held = await backend.attempt(claim, never)
      assert.equal((await backend.attempt(claim, never)).held, true)
      for (const _ of ['first', 'again']) {
        const waiting = await backend.attempt(other, never)
        assert.ok(!waiting.held && waiting.ahead === 1)
      }
      assert.equal(await stage.standing(name), 2)
      await backend.withdraw(claim, never)
      await backend.withdraw(claim, never)
      const next = await backend.attempt(other, never)
      assert.ok(held.held && next.held && next.token > held.token)
      await backend.destroySession(mine, never)
      await backend.destroySession(mine, never)
      assert.equal(await backend.verify(other, never), true)
      await backend.destroySession(theirs, never)
      assert.equal(await backend.verify(other, never), false)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'a claim without wait holds if the name is free, and leaves nothing in the store if it is refused',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const [mine, theirs] = await Promise.all([stage.session(), stage.session()])
      const claim = claimOf(name, mine, { wait: false })
      assert.equal((await backend.attempt(claim, never)).held, true)
      const refused = await backend.attempt(claimOf(name, theirs, { wait: false }), never)
      assert.ok(!refused.held && refused.ahead >= 1)
      assert.equal(await stage.standing(name), 1)
      await backend.withdraw(claim, never)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'withdrawing a claim that was never made changes nothing',
    async run(stage) {
      const name = stage.name()
      const hold = await (await stage.client()).mutex(name).acquire()
      await stage.backend.withdraw(claimOf(name, await stage.session()), never)
      await hold.verify()
      assert.equal(await stage.standing(name), 1)
      await hold.release()
    },
  },
  {
    title: 'line names the holder first, then the waiters with their values, in order if the store is fair',
    async run(stage) {
      const { backend, facts } = stage
      const name = stage.name()
      const ids: string[] = []
      for (const value of ['one', 'two', 'three']) {
        const id = await stage.session()
        ids.push(id)
        await backend.attempt(claimOf(name, id, { value }), never)
      }
      const line = await backend.line(name, never)
      assert.deepEqual(
        line.map(({ held }) => held),
        [true, false, false],
      )
      assert.deepEqual([line[0]?.session, line[0]?.value], [ids[0], 'one'])
      const waiters = line.slice(1).map(({ session, value }) => `${session} ${value}`)
      const expected = [`${ids[1]} two`, `${ids[2]} three`]
      assert.deepEqual(facts.fair ? waiters : waiters.toSorted(), facts.fair ? expected : expected.toSorted())
    },
  },
  {
    title:
      'changed rejects with the reason of its signal, resolves when the answer changes, and leaves no listener',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const claim = claimOf(name, await stage.session())
      await backend.attempt(claim, never)
      const next = claimOf(name, await stage.session())
      const waiting = await backend.attempt(next, never)
      const [first, second] = [abortable(), abortable()]
      const given = started(backend.changed(next, waiting, first.signal))
      first.abort('up')
      assert.equal(await rejection(given), 'up')
      const changed = started(backend.changed(next, waiting, second.signal))
      await backend.withdraw(claim, never)
      await changed
      for (const { signal } of [first, second]) assert.deepEqual(getEventListeners(signal, 'abort'), [])
    },
  },
  {
    title: 'an answer is plain data: a client can also wait for a change with a copy of it',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const [claim, next] = [claimOf(name, await stage.session()), claimOf(name, await stage.session())]
      const held = await backend.attempt(claim, never)
      assert.deepEqual(structuredClone(held), held)
      const waiting = structuredClone(await backend.attempt(next, never))
      const changed = started(backend.changed(next, waiting, never))
      await backend.withdraw(claim, never)
      const attempt = (await changed) ?? (await backend.attempt(next, never))
      assert.equal(attempt.held, true)
    },
  },
  {
    title: 'a claim that begins to wait just after the lock became free is woken',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const [claim, next] = [claimOf(name, await stage.session()), claimOf(name, await stage.session())]
      await backend.attempt(claim, never)
      const waiting = await backend.attempt(next, never)
      await backend.withdraw(claim, never)
      const changed = backend.changed(next, waiting, never)
      await within(stage.clock, slackMs / 6, 'a wait for a change that had happened', changed)
      assert.equal((await backend.attempt(next, never)).held, true)
    },
  },
  {
    title: 'a question with an aborted signal rejects with its reason, and nothing is applied',
    async run(stage) {
      const { backend, facts } = stage
      const reason = new Error('aborted before')
      const aborted = AbortSignal.abort(reason)
      const [claim, held] = [
        claimOf(stage.name(), await stage.session()),
        claimOf(stage.name(), await stage.session()),
      ]
      assert.ok((await backend.attempt(held, never)).held)
      const asked: Promise<unknown>[] = [
        backend.attempt(claim, aborted),
        backend.verify(claim, aborted),
        backend.line(claim.name, aborted),
        backend.createSession(facts.ttlMs.min, aborted),
        backend.renewSession(claim.session, aborted),
        backend.writeCheckpoint(held, 'late', aborted),
        backend.readCheckpoint(held.name, aborted),
      ]
      for (const seen of await Promise.all(asked.map(rejection))) assert.equal(seen, reason)
      assert.equal(await stage.standing(claim.name), 0)
      assert.equal(await backend.readCheckpoint(held.name, never), undefined)
    },
  },
  {
    title: 'the facts agree with one another',
    async run({ facts }) {
      const { min, max, default: usual } = facts.ttlMs
      assert.ok(min > 0 && min <= usual && usual <= max, `ttlMs: ${min} to ${max}, ${usual} by default`)
      assert.ok(facts.lockDelayMs >= 0 && facts.checkpointBytesMax >= 0)
      assert.match(facts.scheme, /^[a-z][a-z0-9+.-]*$/)
    },
  },
]
