// The list of a semaphore's holders when one client changes it for several claims, over the simulated data of Consul: how many
// requests that costs, and that it changes nothing about order and tokens.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Layout } from '../../../src/backends/consul/layout.ts'
import type { Operation, Transport } from '../../../src/backends/consul/wire/transport.ts'
import type { Attempt, Claim } from '../../../src/contract.ts'
import { ConsulState } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal

/** One client of a datacenter, whose transactions are listed. */
class Client {
  readonly sent: (readonly Operation[])[] = []
  /** Called once, before the first request that puts a claim on the list. */
  whenItTakes: (() => Promise<void>) | undefined
  readonly backend: ConsulBackend
  readonly #session: string
  #claims = 0

  constructor(state: ConsulState, session: string, wakes: Set<() => void>) {
    this.#session = session
    let opened = 0
    const open = (): string => {
      const id = opened === 0 ? session : `${session}${opened}`
      opened += 1
      state.createSession(id)
      return id
    }
    const transport: Partial<Transport> = {
      createSession: async () => open(),
      txn: async (operations) => {
        this.sent.push(operations)
        const { whenItTakes } = this
        if (whenItTakes && operations.some(({ verb }) => verb === 'cas')) {
          this.whenItTakes = undefined
          await whenItTakes()
        }
        return state.txn(operations)
      },
      read: async (target) => state.read(target),
      block: async (target, { index }) => {
        for (;;) {
          const now = state.read(target)
          if (now.index > index) return now
          await new Promise<void>((resolve) => wakes.add(resolve))
        }
      },
    }
    const options = { layout: new Layout(''), clock: new ManualClock(), checks: [], lockDelayMs: 0 }
    this.backend = new ConsulBackend(transport as Transport, options)
  }

  claim(permits: number): Claim {
    this.#claims += 1
    const { length } = this.sent
    const id = String(this.#claims)
    const value = `${this.#session} ${length}`
    return {
      ...{ id, name: 'a', session: this.#session, permits, weight: 1 },
      ...{ value, wait: true, candidate: false },
    }
  }

  async holds(permits: number): Promise<Claim> {
    const claim = this.claim(permits)
    expect(await this.backend.attempt(claim, never)).toMatchObject({ held: true })
    return claim
  }

  /** A claim that waits, with its next answer. */
  async waits(permits: number): Promise<{ claim: Claim; next: Promise<Attempt | undefined> }> {
    const claim = this.claim(permits)
    const answer = await this.backend.attempt(claim, never)
    expect(answer.held).toBe(false)
    return { claim, next: this.backend.changed(claim, answer, never) }
  }

  /** Leaves sessions for further permits: those of holds of another name that have ended. */
  async spare(permits: number): Promise<void> {
    const claims = Array.from({ length: permits }, () => ({ ...this.claim(permits), name: 'b' }))
    for (const each of claims) await this.backend.attempt(each, never)
    for (const each of claims) await this.backend.withdraw(each, never)
  }

  /** The transactions that write, since the last call. */
  writes(): (readonly Operation[])[] {
    const reads = /^(get|get-tree|check-.*)$/
    return this.sent.splice(0).filter((each) => each.some(({ verb }) => !reads.test(verb)))
  }
}

async function datacenter() {
  const wakes = new Set<() => void>()
  const state = new ConsulState(() => {
    for (const wake of wakes) wake()
    wakes.clear()
  })
  const client = async (session: string): Promise<Client> => {
    const one = new Client(state, session, wakes)
    await one.backend.createSession(15_000, never)
    return one
  }
  return { state, client }
}

test('permits that a client gives back at the same moment leave the list in one transaction', async () => {
  const { state, client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(4), await one.holds(4), await one.holds(4)]
  one.writes()

  await Promise.all(claims.map((claim) => one.backend.withdraw(claim, never)))

  expect(one.writes()).toHaveLength(1)
  expect(state.read({ prefix: '' }).entries).toEqual([])
})

test('a permit that a client gives back is that of its own next waiter with the same request', async () => {
  const { client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(2), await one.holds(2)]
  await one.spare(3)
  const { next } = await one.waits(2)
  one.writes()

  await one.backend.withdraw(claims[1] as Claim, never)

  expect(await next).toMatchObject({ held: true })
  expect(one.writes()).toHaveLength(1)
})

test('claims of one client that hold one after the other have tokens of their own', async () => {
  const { client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(3), await one.holds(3), await one.holds(3)]
  const waiting = [await one.waits(3), await one.waits(3)]

  await Promise.all(claims.map((claim) => one.backend.withdraw(claim, never)))
  const answers = await Promise.all(
    waiting.map(async ({ claim, next }) => (await next) ?? (await one.backend.attempt(claim, never))),
  )

  const tokens = answers.map((answer) => (answer.held ? answer.token : 0n))
  expect(tokens[0]).toBeGreaterThan(0n)
  expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0n)
})

test('a claim of this client behind one of another client waits until that one has had its turn', async () => {
  const { client } = await datacenter()
  const [one, other] = [await client('one'), await client('other')]
  const claims = [await one.holds(2), await one.holds(2)]
  await one.spare(4)
  const own = await one.waits(2)
  const foreign = await other.waits(2)
  const last = await one.waits(2)

  for (const claim of claims) await one.backend.withdraw(claim, never)

  expect((await own.next) ?? (await one.backend.attempt(own.claim, never))).toMatchObject({ held: true })
  const turn = (await foreign.next) ?? (await other.backend.attempt(foreign.claim, never))
  expect(turn).toMatchObject({ held: true })
  expect(await one.backend.attempt(last.claim, never)).toMatchObject({ held: false })
})

test('a claim that saw no line joins the one that has formed since, and overtakes nobody', async () => {
  const { client } = await datacenter()
  const [one, other, late] = [await client('one'), await client('other'), await client('late')]
  const first = await one.holds(2)
  // Before the request with which the late claim takes the free permit, the list is filled, a claim waits, and a permit is free.
  let waiter: Promise<{ claim: Claim; next: Promise<Attempt | undefined> }> | undefined
  const claim = late.claim(2)
  const fill = async (): Promise<void> => {
    await other.holds(2)
    waiter = other.waits(2)
    await waiter
    await one.backend.withdraw(first, never)
  }
  late.whenItTakes = fill

  const answer = await late.backend.attempt(claim, never)

  expect(answer.held).toBe(false)
  expect(await other.backend.attempt((await waiter)?.claim as Claim, never)).toMatchObject({ held: true })
})
