// Claims that take more than one permit: weights in the order of the line, readers and writers, and giving back a part.
import assert from 'node:assert/strict'
import { ConflictError } from '../../base/errors.ts'
import { sharedPermits } from '../../base/shapes.ts'
import type { Attempt, Claim } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { quietMs, wakeMs } from './timing.ts'
import { pending, rejection, started, until, within } from './wait.ts'

/** The claims of one case on one name, each with a session of its own. */
class Line {
  readonly #stage: Stage
  readonly #permits: number
  readonly name: string

  constructor(stage: Stage, permits: number) {
    this.#stage = stage
    this.#permits = permits
    this.name = stage.name()
  }

  async claim(weight: number, more: Partial<Claim> = {}): Promise<Claim> {
    const own = { permits: this.#permits, weight, ...more }
    return claimOf(this.name, await this.#stage.session(), own)
  }

  /** Puts a claim in line, or asks about one that stands. Returns its token, or undefined while it waits. */
  async ask(claim: Claim): Promise<bigint | undefined> {
    const answer = await this.#stage.backend.attempt(claim, never)
    return answer.held ? answer.token : undefined
  }

  /** A claim that waits, and the change that it waits for. */
  async waits(weight: number): Promise<{ claim: Claim; changed: Promise<Attempt | undefined> }> {
    const { backend } = this.#stage
    const claim = await this.claim(weight)
    const answer = await backend.attempt(claim, never)
    assert.ok(!answer.held && answer.ahead >= 1, `a claim of ${weight} waits`)
    return { claim, changed: started(backend.changed(claim, answer, never)) }
  }

  /** Waits until a claim holds. Returns its token. */
  async holds(claim: Claim): Promise<bigint> {
    let token: bigint | undefined
    const held = async (): Promise<boolean> => (token = await this.ask(claim)) !== undefined
    await until(this.#stage.clock, { withinMs: wakeMs }, `a claim of ${claim.weight} that holds`, held, true)
    return token as bigint
  }

  async leave(...claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) await this.#stage.backend.withdraw(claim, never)
  }

  /** How the store shows the line: each weight, and whether it holds. */
  async shown(): Promise<string> {
    const line = await this.#stage.backend.line(this.name, never)
    return line.map(({ weight = 1, held }) => `${weight}${held ? ' holds' : ''}`).join(', ')
  }
}

/** The cases about weights. */
export const shapes: readonly Draft[] = [
  {
    title:
      'a claim holds when the weights before it and its own fit, and a heavy one stops the lighter ones behind it',
    async run(stage) {
      const line = new Line(stage, 4)
      const first = await line.claim(3)
      assert.ok(await line.ask(first))
      const heavy = await line.waits(2)
      const light = await line.waits(1)
      await pending(stage.clock, quietMs, 'a claim behind a heavier one', light.changed)
      assert.equal(await line.ask(await line.claim(1, { wait: false })), undefined)
      assert.equal(await line.shown(), '3 holds, 2, 1')
      await line.leave(first)
      await within(stage.clock, wakeMs, 'the turn of the heavy claim', heavy.changed)
      const tokens = [await line.holds(heavy.claim), await line.holds(light.claim)]
      assert.ok((tokens[0] ?? 0n) < (tokens[1] ?? 0n), 'tokens grow in the order of the line')
      assert.equal(await line.shown(), '2 holds, 1 holds')
      assert.equal(await line.ask(await line.claim(2, { wait: false })), undefined)
      const last = await line.claim(1, { wait: false })
      assert.ok(await line.ask(last))
      await line.leave(heavy.claim, light.claim, last)
      assert.equal(await stage.standing(line.name), 0)
    },
  },
  {
    title: 'a claim that leaves the line lets the lighter one behind it hold',
    async run(stage) {
      const line = new Line(stage, 3)
      const first = await line.claim(1)
      assert.ok(await line.ask(first))
      const heavy = await line.waits(3)
      const light = await line.waits(2)
      await line.leave(heavy.claim)
      await within(stage.clock, wakeMs, 'the turn of the lighter claim', light.changed)
      await line.holds(light.claim)
      await line.leave(first, light.claim)
      assert.equal(await stage.standing(line.name), 0)
    },
  },
  {
    title: 'shrink gives back a part of a claim, admits the next one to it, and keeps the rest',
    async run(stage) {
      const { backend } = stage
      const line = new Line(stage, 4)
      const holder = await line.claim(4)
      assert.ok(await line.ask(holder))
      const [two, three] = [await line.waits(2), await line.waits(1)]
      holder.weight = 2
      assert.equal(await backend.shrink(holder, never), true)
      assert.equal(await backend.shrink(holder, never), true)
      await within(stage.clock, wakeMs, 'the turn of the next claim', two.changed)
      await line.holds(two.claim)
      assert.equal(await line.ask(three.claim), undefined)
      assert.equal(await backend.verify(holder, never), true)
      assert.equal(await line.shown(), '2 holds, 2 holds, 1')
      holder.weight = 1
      assert.equal(await backend.shrink(holder, never), true)
      await line.holds(three.claim)
      await line.leave(holder, two.claim, three.claim)
      assert.equal(await backend.shrink(holder, never), false)
      assert.equal(await stage.standing(line.name), 0)
    },
  },
  {
    title: 'readers hold together and a writer alone, and a reader that comes after a writer waits for it',
    async run(stage) {
      const line = new Line(stage, sharedPermits)
      const readers = [await line.claim(1), await line.claim(1)]
      const tokens = [await line.ask(readers[0] as Claim), await line.ask(readers[1] as Claim)]
      assert.ok(tokens.every((token) => token !== undefined))
      const writer = await line.waits(sharedPermits)
      const late = await line.waits(1)
      await pending(stage.clock, quietMs, 'a reader behind a writer', late.changed)
      await line.leave(...readers)
      await within(stage.clock, wakeMs, 'the turn of the writer', writer.changed)
      const token = await line.holds(writer.claim)
      assert.ok(
        tokens.every((each) => (each ?? token) < token),
        'a writer has the largest token',
      )
      assert.equal(await line.ask(late.claim), undefined)
      writer.claim.weight = 1
      assert.equal(await stage.backend.shrink(writer.claim, never), true)
      assert.ok((await line.holds(late.claim)) > token)
      assert.equal(await stage.backend.verify(writer.claim, never), true)
      await line.leave(writer.claim, late.claim)
      assert.equal(await stage.standing(line.name), 0)
    },
  },
  {
    title: 'a writer whose lock is broken holds no part of it any more, and the next claim holds',
    async run(stage) {
      const { backend } = stage
      const line = new Line(stage, sharedPermits)
      const writer = await line.claim(sharedPermits)
      assert.ok(await line.ask(writer))
      const next = await line.waits(sharedPermits)
      const [standing] = await backend.line(line.name, never)
      assert.equal(standing?.weight, sharedPermits)
      assert.equal(await backend.break(line.name, standing?.token ?? 0n, never), true)
      await line.holds(next.claim)
      assert.equal(await backend.verify(writer, never), false)
      await line.leave(next.claim)
      assert.equal(await stage.standing(line.name), 0)
    },
  },
  {
    title: 'a lock of readers and writers on the name of a mutex or semaphore is a conflict, and the reverse',
    async run(stage) {
      const { backend } = stage
      const forms = [
        [1, 1, sharedPermits],
        [3, 2, sharedPermits],
        [sharedPermits, 1, 1],
        [sharedPermits, 1, 3],
      ] as const
      for (const [permits, weight, others] of forms) {
        const line = new Line(stage, permits)
        const holder = await line.claim(weight)
        assert.ok(await line.ask(holder))
        const other = await line.claim(1, { permits: others })
        assert.ok((await rejection(backend.attempt(other, never))) instanceof ConflictError)
        await line.leave(other, holder)
        assert.equal(await stage.standing(line.name), 0)
      }
    },
  },
]
