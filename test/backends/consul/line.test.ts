// The lines of a mutex and of a semaphore, over the simulated data of Consul: how much a claim reads, and its order if claims leave it.
import { describe, expect, test } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Layout } from '../../../src/backends/consul/layout.ts'
import type { Snapshot, Transport, TxnOutcome } from '../../../src/backends/consul/wire/transport.ts'
import type { Attempt, Claim } from '../../../src/contract.ts'
import { ConsulState } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal

/** A datacenter with one client for each claim, whose requests are counted by the keys in their answers. */
class Store {
  readonly state = new ConsulState(() => this.#wake())
  readonly #waiting = new Set<() => void>()
  #read = 0
  #requests = 0

  /** The keys in the answers, and the requests, since the last call. */
  take(): { keys: number; requests: number } {
    const counts = { keys: this.#read, requests: this.#requests }
    this.#read = 0
    this.#requests = 0
    return counts
  }

  claimant(session: string, permits = 1, wait = true): Claimant {
    this.state.createSession(session)
    const transport: Partial<Transport> = {
      txn: async (operations) => this.#counted(this.state.txn(operations)),
      read: async (target) => this.#counted(this.state.read(target)),
      block: async (target, { index }) => {
        this.#requests += 1
        for (;;) {
          const now = this.state.read(target)
          if (now.index > index) return now
          await new Promise<void>((resolve) => this.#waiting.add(resolve))
        }
      },
    }
    const options = { layout: new Layout(''), clock: new ManualClock(), checks: [], lockDelayMs: 0 }
    const backend = new ConsulBackend(transport as Transport, options)
    const claim = {
      id: '1',
      name: 'a',
      session,
      permits,
      weight: 1,
      value: session,
      wait,
      candidate: false,
    }
    return new Claimant(backend, claim)
  }

  keys(): string[] {
    return this.state.read({ prefix: '' }).entries.map(({ key }) => key)
  }

  #counted<T extends TxnOutcome | Snapshot>(answer: T): T {
    this.#requests += 1
    if ('entries' in answer) this.#read += answer.entries.length
    return answer
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

class Claimant {
  readonly #backend: ConsulBackend
  readonly claim: Claim
  answer: Attempt | undefined

  constructor(backend: ConsulBackend, claim: Claim) {
    this.#backend = backend
    this.claim = claim
  }

  async ask(): Promise<boolean> {
    this.answer = await this.#backend.attempt(this.claim, never)
    return this.answer.held
  }

  /** Waits until its answer may have changed, and asks again. */
  async goOn(): Promise<boolean> {
    await this.#backend.changed(this.claim, this.answer as Attempt, never)
    return this.ask()
  }

  leave(): Promise<void> {
    return this.#backend.withdraw(this.claim, never)
  }
}

interface Lined {
  readonly store: Store
  /** The first of the holders. */
  readonly holder: Claimant
  readonly others: readonly Claimant[]
  readonly waiters: Claimant[]
}

/** A holder for each permit, and claims in line. */
async function lined(count: number, permits = 1): Promise<Lined> {
  const store = new Store()
  const [holder, ...others] = Array.from({ length: permits }, (_, place) =>
    store.claimant(`h${place}`, permits),
  ) as [Claimant, ...Claimant[]]
  for (const each of [holder, ...others]) expect(await each.ask()).toBe(true)
  const waiters: Claimant[] = []
  for (let place = 1; place <= count; place += 1) {
    const waiter = store.claimant(`s${place}`, permits)
    expect(await waiter.ask()).toBe(false)
    waiters.push(waiter)
  }
  return { store, holder, others, waiters }
}

test('a claim reads as much when it joins a line of two hundred as in a line of two, and so does its turn', async () => {
  for (const count of [2, 200]) {
    const { store, holder, waiters } = await lined(count)
    store.take()
    const last = store.claimant('last')
    await last.ask()
    expect(store.take(), `join behind ${count}`).toEqual({ keys: 4, requests: 2 })
    await last.ask() // once per time to live
    expect(store.take(), 'still there').toEqual({ keys: 2, requests: 1 })

    await holder.leave()
    expect(await waiters[0]?.goOn()).toBe(true)
    store.take()
    await waiters[0]?.leave()
    expect(await waiters[1]?.goOn()).toBe(true)
    const { keys, requests } = store.take()
    expect(requests).toBe(3) // release, wait, take
    expect(keys).toBeLessThan(12)
  }
})

test('so do a claim and its turn on a semaphore, whatever the length of its line', async () => {
  for (const count of [2, 200]) {
    const { store, holder, waiters } = await lined(count, 2)
    store.take()
    const last = store.claimant('last', 2)
    await last.ask()
    const { keys, requests } = store.take()
    expect(requests, `join behind ${count}`).toBe(2)
    expect(keys).toBeLessThanOrEqual(4)
    await last.ask() // once per time to live
    expect(store.take().requests, 'still there').toBe(1)

    await holder.leave()
    expect(await waiters[0]?.goOn()).toBe(true)
    store.take()
    await waiters[0]?.leave()
    expect(await waiters[1]?.goOn()).toBe(true)
    const turn = store.take()
    expect(turn.requests).toBe(4) // release, wait, look at the list, take
    expect(turn.keys).toBeLessThan(12)
  }
})

describe.each([
  ['a mutex', 1],
  ['a semaphore', 2],
])('%s', (_, permits) => {
  test('a line is served in order, and leaves no key', async () => {
    const { store, holder, others, waiters } = await lined(5, permits)
    await holder.leave()
    for (const waiter of waiters) {
      expect(await waiter.goOn()).toBe(true)
      await waiter.leave()
    }
    for (const other of others) await other.leave()
    expect(store.keys()).toEqual([])
  })

  test('a claim behind one that gave up waits for those ahead of that one', async () => {
    const { store, holder, others, waiters } = await lined(3, permits)
    const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
    await second.leave()
    expect(await third.goOn()).toBe(false)
    await holder.leave() // the lock is free now, and it is the turn of the first
    expect(await third.ask()).toBe(false)
    expect(await first.goOn()).toBe(true)
    await first.leave()
    expect(await third.goOn()).toBe(true)
    await third.leave()
    for (const other of others) await other.leave()
    expect(store.keys()).toEqual([])
  })

  test('a claim behind one that gave up while the lock is free does not pass the one whose turn it is', async () => {
    const { holder, waiters } = await lined(3, permits)
    const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
    await holder.leave()
    await second.leave()
    expect(await third.goOn()).toBe(false)
    expect(await first.goOn()).toBe(true)
  })

  test('if the last in line gives up, a new claim waits for the one that is the last then', async () => {
    const { store, holder, others, waiters } = await lined(3, permits)
    const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
    await third.leave()
    const next = store.claimant('next', permits)
    expect(await next.ask()).toBe(false)
    await holder.leave()
    expect(await first.goOn()).toBe(true)
    await first.leave()
    expect(await second.goOn()).toBe(true)
    store.take()
    await second.leave()
    expect(await next.goOn()).toBe(true)
    expect(store.take().requests).toBe(permits === 1 ? 3 : 4) // its sign was there, so it read no line
    await next.leave()
    for (const other of others) await other.leave()
    expect(store.keys()).toEqual([])
  })

  test('if all in line give up, from its end or from its start, no key is left', async () => {
    for (const order of [(all: Claimant[]) => all, (all: Claimant[]) => [...all].reverse()]) {
      const { store, holder, others, waiters } = await lined(4, permits)
      for (const waiter of order(waiters)) await waiter.leave()
      await holder.leave()
      for (const other of others) await other.leave()
      expect(store.keys()).toEqual([])
    }
  })

  test('a claim whose predecessor died reads the line, and is served after those ahead', async () => {
    const { store, holder, waiters } = await lined(3, permits)
    const [first, , third] = waiters as [Claimant, Claimant, Claimant]
    store.state.destroySession('s2', () => {})
    expect(await third.goOn()).toBe(false)
    await holder.leave()
    expect(await first.goOn()).toBe(true)
    await first.leave()
    expect(await third.goOn()).toBe(true)
  })
})

test('a claim joins a line whose key somebody has written, or whose last claim has died, and all are served', async () => {
  for (const spoil of [
    (state: ConsulState) => state.txn([{ verb: 'set', key: 'a/.line', value: 'a text' }]),
    (state: ConsulState) => state.destroySession('s2', () => {}),
  ]) {
    const { store, holder, waiters } = await lined(2)
    spoil(store.state)
    const next = store.claimant('next')
    expect(await next.ask()).toBe(false)
    await holder.leave()
    expect(await waiters[0]?.goOn()).toBe(true)
    await waiters[0]?.leave()
    const served = [waiters[1] as Claimant, next]
    for (const each of served) {
      const session = each.claim.session
      if (!store.state.hasSession(session)) continue
      while (!(await each.goOn())) {}
      await each.leave()
    }
    expect(store.keys()).toEqual([])
  }
})
