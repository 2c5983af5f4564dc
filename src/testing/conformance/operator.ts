// The tasks of an operator: look at all names with their holders and waiters, and break one hold. Only its holder
// notices the break.
import assert from 'node:assert/strict'
import { HoldLostError, UnavailableError } from '../../base/errors.ts'
import type { NameState } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { lossMs } from './timing.ts'
import { started, until } from './wait.ts'

/** The state of one name in a survey. */
async function stateOf(stage: Stage, name: string): Promise<NameState | undefined> {
  return (await stage.backend.survey(name, never)).find((state) => state.name === name)
}

/** The token of the claim at this place of a survey: the holders come first. */
async function tokenOf(stage: Stage, name: string, place = 0): Promise<bigint> {
  return (await stateOf(stage, name))?.claims[place]?.token ?? assert.fail(`no claim ${place} on ${name}`)
}

/** The holders and waiters of each name. */
function shape(states: readonly NameState[]): unknown[] {
  return states.map(({ name, permits, claims }) => {
    const values = (held: boolean) => claims.filter((each) => each.held === held).map(({ value }) => value)
    return { name, permits, holders: values(true), waiters: values(false) }
  })
}

/** The cases about surveys and about breaking a lock. */
export const operator: readonly Draft[] = [
  {
    title: 'survey lists each name with the prefix, its permits, its holders and its waiters, in order',
    async run(stage) {
      const { backend, facts } = stage
      const base = stage.name()
      const [mutex, pool] = [`${base}/ünï code`, `${base}.pool`]
      for (const value of ['one', 'two', 'three', 'four']) {
        const session = await stage.session()
        await backend.attempt(claimOf(mutex, session, { value }), never)
        await backend.attempt(claimOf(pool, session, { value, permits: 2 }), never)
      }
      const inOrder = (waiters: string[]): string[] => (facts.fair ? waiters : waiters.toSorted())
      const seen = await backend.survey(base, never)
      const expected = [
        { name: pool, permits: 2, holders: ['one', 'two'], waiters: inOrder(['three', 'four']) },
        { name: mutex, permits: 1, holders: ['one'], waiters: inOrder(['two', 'three', 'four']) },
      ]
      assert.deepEqual(shape(seen), expected)
      const tokens = seen.flatMap(({ claims }) => claims.map(({ token }) => token))
      assert.equal(new Set(tokens.slice(0, 4)).size + new Set(tokens.slice(4)).size, 8)
      assert.deepEqual(shape(await backend.survey(`${base}/`, never)), expected.slice(1))
      assert.deepEqual(shape(await backend.survey(mutex, never)), expected.slice(1))
      assert.deepEqual(await backend.survey(`${base}x`, never), [])
      const all = await backend.survey('', never)
      assert.ok(all.every(({ name, claims }) => name !== '' && claims.length > 0))
      assert.deepEqual(shape(all.filter(({ name }) => name.startsWith(base))), expected)
    },
  },
  {
    title: 'survey leaves out a name without claims, even one with a checkpoint',
    async run(stage) {
      const name = stage.name()
      const hold = await (await stage.client()).mutex(name).acquire()
      await hold.checkpoint('page 7')
      assert.equal((await stage.backend.survey(name, never)).length, 1)
      await hold.release()
      assert.deepEqual(await stage.backend.survey(name, never), [])
    },
  },
  {
    title:
      'a broken claim that asks again is not admitted: it starts anew, behind the claims that came after the break',
    async run(stage) {
      const { backend, clock } = stage
      for (const permits of [1, 2]) {
        const name = stage.name()
        const claim = claimOf(name, await stage.session(), { permits })
        const holds = async (): Promise<boolean> => {
          const asked = await backend.attempt(claim, never).catch((error) => {
            if (!(error instanceof UnavailableError)) throw error // the error asks for a repeated attempt
          })
          return asked?.held === true
        }
        assert.ok(await holds())
        assert.equal(await backend.break(name, await tokenOf(stage, name), never), true)
        const others = [
          claimOf(name, await stage.session(), { permits }),
          claimOf(name, await stage.session(), { permits }),
        ]
        for (const other of others.slice(0, permits)) assert.ok((await backend.attempt(other, never)).held)
        for (const _ of ['first', 'again', 'once more']) assert.equal(await holds(), false)
        for (const other of others) await backend.withdraw(other, never)
        await until(clock, { withinMs: lossMs(backend.facts) }, 'the broken claim holds', holds, true)
        await backend.withdraw(claim, never)
      }
    },
  },
  {
    title: 'a survey shows each holder with a token that no later holder has',
    async run(stage) {
      const name = stage.name()
      const mutex = (await stage.client()).mutex(name)
      const seen: bigint[] = []
      for (const _ of ['first', 'second']) {
        const hold = await mutex.acquire()
        await hold.checkpoint('a write does not change the token')
        seen.push(await tokenOf(stage, name))
        assert.ok((seen.at(-1) as bigint) <= hold.token)
        await hold.release()
      }
      assert.ok((seen[1] as bigint) > (seen[0] as bigint))
    },
  },
  {
    title: 'break takes the lock from its holder, the holder learns of it, and the next claim holds',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await one.mutex(name).acquire()
      const next = started(other.mutex(name).acquire())
      await stage.untilStanding(name, 2)
      assert.equal(await stage.backend.break(name, await tokenOf(stage, name), never), true)
      const after = await next
      assert.ok(after.token > hold.token)
      await stage.lost(hold)
      assert.ok(hold.signal.reason instanceof HoldLostError)
      await hold.release()
      await after.verify()
      assert.equal(await stage.standing(name), 1)
      await after.release()
      await (await one.mutex(name).acquire({ waitMs: 5_000 })).release()
    },
  },
  {
    title: 'break takes one permit from the holder that it names, and no other',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const pool = one.semaphore(name, { permits: 2 })
      const [kept, broken] = [await pool.acquire(), await pool.acquire()]
      const next = started(other.semaphore(name, { permits: 2 }).acquire())
      await stage.untilStanding(name, 3)
      assert.equal(await stage.backend.break(name, broken.token, never), true)
      const after = await next
      await stage.lost(broken)
      await Promise.all([kept.verify(), after.verify()])
      assert.deepEqual(
        (await stateOf(stage, name))?.claims.map(({ held }) => held),
        [true, true],
      )
      await Promise.all([kept, after, broken].map((hold) => hold.release()))
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title:
      'break changes nothing if no holder has the token: that of a waiter, of a past holder, or of no claim',
    async run(stage) {
      const { backend } = stage
      const name = stage.name()
      const sessions = [await stage.session(), await stage.session(), await stage.session()]
      const [first, second, third] = sessions.map((session) => claimOf(name, session))
      assert.ok(first && second && third)
      await backend.attempt(first, never)
      const past = await tokenOf(stage, name)
      await backend.attempt(second, never)
      await backend.attempt(third, never)
      await backend.withdraw(first, never)
      assert.ok((await backend.attempt(second, never)).held)
      const before = await stateOf(stage, name)
      for (const token of [past, await tokenOf(stage, name, 1), 2n ** 70n, 1n]) {
        assert.equal(await backend.break(name, token, never), false)
      }
      assert.equal(await backend.break(stage.name(), await tokenOf(stage, name), never), false)
      assert.deepEqual(
        (await stateOf(stage, name))?.claims.map(({ session, held, token }) => ({ session, held, token })),
        before?.claims.map(({ session, held, token }) => ({ session, held, token })),
      )
      assert.equal(await backend.verify(second, never), true)
    },
  },
  ...[1, 2].map((permits): Draft => {
    return {
      title: `breaking the claim of a holder that hangs removes all of it and wakes the next waiter: ${permits} permits`,
      async run(stage) {
        const { backend } = stage
        const name = stage.name()
        const sessions = await Promise.all(Array.from({ length: permits + 2 }, () => stage.session()))
        const claims = sessions.map((session) => claimOf(name, session, { permits }))
        for (const claim of claims) await backend.attempt(claim, never)
        const [first, second, last] = [claims[0], claims[permits], claims[permits + 1]]
        assert.ok(first && second && last)
        await backend.withdraw(first, never)
        assert.ok((await backend.attempt(second, never)).held) // it has waited before
        const waiting = await backend.attempt(last, never)
        const changed = started(backend.changed(last, waiting, never))
        const [holder] = (await backend.line(name, never)).filter(({ session }) => session === second.session)
        assert.equal(await backend.break(name, holder?.token ?? 0n, never), true)
        const attempt = (await changed) ?? (await backend.attempt(last, never))
        assert.equal(attempt.held, true)
        const left = (await backend.line(name, never)).map(({ session, held }) => ({ session, held }))
        const expected = [...claims.slice(1, permits), last].map(({ session }) => ({ session, held: true }))
        assert.deepEqual(left, expected)
      },
    }
  }),
]
