// Order: exclusion, the order in line, tokens, and the permits of a semaphore.
import assert from 'node:assert/strict'
import type { Hold } from '../../api/hold.ts'
import { ClosedError } from '../../base/errors.ts'
import { claimOf, type Draft } from './case.ts'
import { abortable, never } from './signals.ts'
import type { Stage } from './stage.ts'
import { lossMs, quietMs, wakeMs } from './timing.ts'
import { pending, started, until, within } from './wait.ts'

/** The result of `crowd`. */
interface Served {
  /** The clients in the order in which they held, each by its number in line. */
  readonly order: number[]
  readonly tokens: bigint[]
}

/** Five clients come one after the other while the first one holds; then all of them get their turn. */
async function crowd(stage: Stage, name: string): Promise<Served> {
  const first = await (await stage.client()).mutex(name).acquire()
  const served: Served = { order: [], tokens: [first.token] }
  const waiting: Promise<void>[] = []
  let inside = 0
  for (let index = 0; index < 5; index += 1) {
    const work = async ({ token }: { token: bigint }): Promise<void> => {
      inside += 1
      served.order.push(index)
      served.tokens.push(token)
      await stage.standing(name) // a second client could wrongly come in during this request
      assert.equal(inside, 1, 'one holds at a time')
      inside -= 1
    }
    waiting.push(started((await stage.client()).mutex(name).run(work)))
    await stage.untilStanding(name, index + 2)
  }
  assert.deepEqual(served.order, [], 'nobody gets in while the first holds')
  await first.release()
  await Promise.all(waiting)
  return served
}

/** The cases about the order of holders and waiters, and about growing tokens. */
export const order: readonly Draft[] = [
  {
    title: 'one client holds at a time, in order of arrival if the store is fair, with growing tokens',
    async run(stage) {
      const name = stage.name()
      const { order, tokens } = await crowd(stage, name)
      const inOrder = stage.facts.fair ? order : order.toSorted()
      assert.deepEqual(inOrder, [0, 1, 2, 3, 4])
      for (const [index, token] of tokens.slice(1).entries()) {
        assert.ok(token > (tokens[index] ?? token), `tokens grow: ${tokens.join(', ')}`)
      }
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'callers of one client are served in turn and never overlap',
    async run(stage) {
      const mutex = (await stage.client()).mutex(stage.name())
      const order: number[] = []
      let inside = 0
      const enter = async (index: number): Promise<void> => {
        inside += 1
        assert.equal(inside, 1)
        order.push(index)
        await Promise.resolve()
        inside -= 1
      }
      await Promise.all(Array.from({ length: 20 }, (_, index) => mutex.run(() => enter(index))))
      assert.deepEqual(order, [...order.keys()])
      assert.equal(order.length, 20)
    },
  },
  {
    title:
      'two objects of one client with one name are the same lock: two mutexes, or a mutex and an election',
    async run(stage) {
      const name = stage.name()
      const client = await stage.client()
      for (const again of [() => client.mutex(name).acquire(), () => client.election(name).campaign()]) {
        const hold = await client.mutex(name).acquire()
        assert.equal(await client.mutex(name).tryAcquire(), undefined)
        let entered = false
        const waiting = started(again().finally(() => (entered = true)))
        await hold.verify() // another caller could wrongly come in during this request
        assert.equal(entered, false)
        await hold.release()
        const next = await waiting
        assert.equal(await client.mutex(name).tryAcquire(), undefined)
        await hold.release()
        await next.verify()
        await next.release()
        assert.equal(await stage.standing(name), 0)
      }
    },
  },
  {
    title: 'a semaphore admits as many as it has permits, then the next in line, with growing tokens',
    async run(stage) {
      const name = stage.name()
      const [one, other] = await stage.pair()
      const pool = one.semaphore(name, { permits: 2 })
      const first = await pool.acquire()
      const second = await other.semaphore(name, { permits: 2 }).acquire()
      assert.equal(await pool.tryAcquire(), undefined)
      const third = started(other.semaphore(name, { permits: 2 }).acquire())
      await stage.untilStanding(name, 3)
      await pending(stage.clock, quietMs, 'the third one at two permits', third)
      await second.release()
      const hold = await within(stage.clock, wakeMs, 'the hand-over of a permit', third)
      assert.ok(hold.held && first.held)
      assert.ok(hold.token > second.token && second.token > first.token)
      await Promise.all([hold.release(), first.release()])
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'two permits that become free together wake two waiters, and no third one',
    takesMs: lossMs,
    async run(stage) {
      const { backend, clock, facts } = stage
      const name = stage.name()
      const session = await stage.session()
      for (const id of ['1', '2'])
        assert.ok((await backend.attempt(claimOf(name, session, { id, permits: 2 }), never)).held)
      const waiting: Promise<Hold>[] = []
      for (const client of [await stage.client(), await stage.client(), await stage.client()]) {
        waiting.push(started(client.semaphore(name, { permits: 2 }).acquire()))
        await stage.untilStanding(name, 2 + waiting.length)
      }
      await pending(clock, quietMs, 'a waiter while both permits are taken', Promise.race(waiting))
      const next: Hold[] = []
      const entered = waiting.map((each) => started(each.then((hold) => void next.push(hold))))
      await backend.destroySession(session, never)
      await until(clock, { withinMs: lossMs(facts) + wakeMs }, 'waiters that hold', () => next.length, 2)
      await pending(clock, quietMs, 'the last waiter', Promise.all(entered))
      assert.equal(next.length, 2)
      await next[0]?.release()
      await within(clock, wakeMs, 'the turn of the last waiter', Promise.all(entered))
      await Promise.all(next.map((hold) => hold.release()))
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'tokens grow, also if the name was free in between',
    async run(stage) {
      const name = stage.name()
      const tokens: bigint[] = []
      for (const client of [...(await stage.pair()), await stage.client()]) {
        const hold = await client.mutex(name).acquire()
        tokens.push(hold.token)
        await hold.release()
        assert.equal(await stage.standing(name), 0)
      }
      for (const [index, token] of tokens.slice(1).entries()) {
        assert.ok(token > (tokens[index] ?? token), `tokens grow: ${tokens.join(', ')}`)
      }
    },
  },
  {
    title: 'one client may hold several permits, and releasing one keeps the others',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const pool = one.semaphore(name, { permits: 2 })
      const [first, second] = [await pool.acquire(), await pool.acquire()]
      assert.equal(await other.semaphore(name, { permits: 2 }).tryAcquire(), undefined)
      await first.release()
      await second.verify()
      const third = await other.semaphore(name, { permits: 2 }).tryAcquire()
      assert.ok(third?.held)
      await second.verify()
      await Promise.all([second.release(), third.release()])
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'line lists the claims on a name, holders first and then waiters in order, and leaves no trace',
    // Long: one story from an empty line to a full one and back.
    async run(stage) {
      const name = stage.name()
      const [one, other] = await stage.pair()
      assert.deepEqual(await other.line(name), [])
      const { signal, abort } = abortable()
      const waiting: Promise<unknown>[] = []
      const term = await one.election(name).campaign({ value: 'leader' })
      for (const value of ['first', 'second']) {
        waiting.push(started((await stage.client()).election(name).campaign({ value, signal })))
        await stage.untilStanding(name, waiting.length + 1)
      }
      const line = await other.line(name)
      const values = line.map(({ value }) => value)
      const [leader, ...waiters] = stage.facts.fair ? values : [values[0], ...values.slice(1).sort()]
      assert.deepEqual([leader, ...waiters], ['leader', 'first', 'second'])
      assert.deepEqual(
        line.map(({ held }) => held),
        [true, false, false],
      )
      abort('enough')
      await Promise.allSettled(waiting)
      await term.resign()
      await stage.untilStanding(name, 0)
      await assert.rejects(one.line(''), RangeError)
      await one.close()
      await assert.rejects(one.line(name), ClosedError)
    },
  },
]
