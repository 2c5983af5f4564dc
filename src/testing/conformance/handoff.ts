// A mutex with `handoff`: the callers of one client pass the hold on, others get their turn when the bounds say so, and the name
// keeps its form. A store that cannot keep the form of a name refuses the option.
import assert from 'node:assert/strict'
import type { Leasehold } from '../../api/leasehold.ts'
import type { Mutex } from '../../api/lock.ts'
import { ConflictError, HoldLostError } from '../../base/errors.ts'
import type { Draft } from './case.ts'
import type { Stage } from './stage.ts'
import { slackMs } from './timing.ts'
import { rejection, until, within } from './wait.ts'

/** Bounds that no case reaches by chance. */
const far = { max: 1_000, forMs: 600_000 }

function passing(client: Leasehold, name: string, max: number = far.max): Mutex {
  return client.mutex(name, { handoff: { ...far, max } })
}

/** Checks that no other lock can have the name. One after the other: callers of one client would wait for each other. */
async function isTaken(client: Leasehold, name: string): Promise<void> {
  const { read, write } = client.rwlock(name)
  for (const lock of [client.mutex(name), client.semaphore(name, { permits: 2 }), read, write])
    for (const ask of [() => lock.tryAcquire(), () => lock.acquire({ waitMs: slackMs })])
      assert.ok(
        (await rejection(ask())) instanceof ConflictError,
        'another lock on the name is a ConflictError',
      )
}

/** Whether tokens only grow. */
function grow(tokens: readonly bigint[]): boolean {
  return tokens.every((token, index) => index === 0 || token > (tokens[index - 1] as bigint))
}

/** Lets `count` callers of a client queue, each of which notes `who` and its token while it holds. */
function queue(
  lock: Mutex,
  count: number,
  notes: [who: string, token: bigint][],
  who: string,
): Promise<void>[] {
  return Array.from({ length: count }, () => lock.run(({ token }) => void notes.push([who, token])))
}

/** The cases about stores that can keep the form of a name. */
const cases: readonly Draft[] = [
  {
    title:
      'with handoff, callers of one client hold as often in a row as the bound says, and then the next client',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const notes: [who: string, token: bigint][] = []
      const first = await passing(one, name, 3).acquire()
      const own = queue(passing(one, name, 3), 6, notes, 'one')
      const theirs = queue(passing(other, name), 1, notes, 'other')
      await stage.untilStanding(name, 2)
      await first.release()
      await within(stage.clock, slackMs, 'all turns', Promise.all([...own, ...theirs]))
      assert.equal(notes.map(([who]) => who).join(' '), 'one one one other one one one')
      assert.ok(grow([first.token, ...notes.map(([, token]) => token)]), `tokens grow: ${notes}`)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'a name that a mutex with handoff has held is no other lock any more, also while nobody holds it',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const first = await passing(one, name).acquire()
      await isTaken(other, name)
      await first.release()
      await isTaken(other, name)
      assert.deepEqual(await other.line(name), [])
      assert.deepEqual(await other.survey(name), [])
      const next = await passing(other, name).tryAcquire()
      assert.ok(next && next.token > first.token, 'tokens grow')
      assert.equal(await passing(one, name).tryAcquire(), undefined)
      await next.release()
      const last = await passing(one, name).tryAcquire()
      assert.ok(last && last.token > next.token, 'tokens grow')
      await last.release()
    },
  },
  {
    title: 'on a name that another lock uses, a mutex with handoff is a ConflictError that leaves nothing',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const hold = await other.mutex(name).acquire()
      for (const lock of [passing(one, name), passing(other, name)]) {
        assert.ok((await rejection(lock.tryAcquire())) instanceof ConflictError)
        assert.ok((await rejection(lock.acquire())) instanceof ConflictError)
      }
      await hold.release()
      const next = await one.mutex(name).acquire()
      assert.ok(next.token > hold.token, 'the name is a mutex as before')
      await next.release()
    },
  },
  {
    title:
      'a lock with handoff that an operator breaks is handed to nobody, and the next caller makes a claim of its own',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const lock = passing(one, name)
      const first = await lock.acquire()
      const second = lock.acquire()
      await first.release()
      const hold = await second
      const third = lock.acquire()
      const [standing] = await other.line(name)
      assert.ok(standing?.held && (await other.break(name, standing.token)))
      assert.ok((await rejection(hold.verify())) instanceof HoldLostError)
      const next = await within(stage.clock, slackMs, 'the turn of the next caller', third)
      assert.ok(grow([first.token, hold.token, next.token]), 'tokens grow')
      await next.release()
      await until(stage.clock, { withinMs: slackMs }, 'claims', () => stage.standing(name), 0)
    },
  },
]

async function refuses(stage: Stage): Promise<void> {
  const client = await stage.client()
  assert.throws(() => passing(client, stage.name()), TypeError)
}

/** The cases about `handoff`. */
export const handoff: readonly Draft[] = cases.map(({ title, run }) => ({
  title,
  run: (stage) => (stage.facts.handoff ? run(stage) : refuses(stage)),
}))
