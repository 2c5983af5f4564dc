// The line of a mutex, over the simulated data of Consul: how much a claim reads, and its order if claims leave it.
import { expect, test } from 'vitest'
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

  claimant(session: string, wait = true): Claimant {
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
      permits: 1,
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

/** A holder, and claims in line. */
async function lined(count: number): Promise<{ store: Store; holder: Claimant; waiters: Claimant[] }> {
  const store = new Store()
  const holder = store.claimant('s0')
  expect(await holder.ask()).toBe(true)
  const waiters: Claimant[] = []
  for (let place = 1; place <= count; place += 1) {
    const waiter = store.claimant(`s${place}`)
    expect(await waiter.ask()).toBe(false)
    waiters.push(waiter)
  }
  return { store, holder, waiters }
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

test('a line is served in order, and leaves no key', async () => {
  const { store, holder, waiters } = await lined(5)
  await holder.leave()
  for (const waiter of waiters) {
    expect(await waiter.goOn()).toBe(true)
    await waiter.leave()
  }
  expect(store.keys()).toEqual([])
})

test('a claim behind one that gave up waits for those ahead of that one', async () => {
  const { store, holder, waiters } = await lined(3)
  const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
  await second.leave()
  expect(await third.goOn()).toBe(false)
  await holder.leave() // the lock is free now, and it is the turn of the first
  expect(await third.ask()).toBe(false)
  expect(await first.goOn()).toBe(true)
  await first.leave()
  expect(await third.goOn()).toBe(true)
  await third.leave()
  expect(store.keys()).toEqual([])
})

test('a claim behind one that gave up while the lock is free does not pass the one whose turn it is', async () => {
  const { holder, waiters } = await lined(3)
  const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
  await holder.leave()
  await second.leave()
  expect(await third.goOn()).toBe(false)
  expect(await first.goOn()).toBe(true)
})

test('if the last in line gives up, a new claim waits for the one that is the last then', async () => {
  const { store, holder, waiters } = await lined(3)
  const [first, second, third] = waiters as [Claimant, Claimant, Claimant]
  await third.leave()
  const next = store.claimant('next')
  expect(await next.ask()).toBe(false)
  await holder.leave()
  expect(await first.goOn()).toBe(true)
  await first.leave()
  expect(await second.goOn()).toBe(true)
  store.take()
  await second.leave()
  expect(await next.goOn()).toBe(true)
  expect(store.take().requests).toBe(3) // its sign was there, so it read no line
  await next.leave()
  expect(store.keys()).toEqual([])
})

test('if all in line give up, from its end or from its start, no key is left', async () => {
  for (const order of [(all: Claimant[]) => all, (all: Claimant[]) => [...all].reverse()]) {
    const { store, holder, waiters } = await lined(4)
    for (const waiter of order(waiters)) await waiter.leave()
    await holder.leave()
    expect(store.keys()).toEqual([])
  }
})

test('a claim whose predecessor died reads the line, and is served after those ahead', async () => {
  const { store, holder, waiters } = await lined(3)
  const [first, , third] = waiters as [Claimant, Claimant, Claimant]
  store.state.destroySession('s2', () => {})
  expect(await third.goOn()).toBe(false)
  await holder.leave()
  expect(await first.goOn()).toBe(true)
  await first.leave()
  expect(await third.goOn()).toBe(true)
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
