// A store that nearly always answers at once, such as a file: it is asked first without a time limit, and may refuse. On a manual clock.
import { expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import type { Backend, BackendSource } from '../../src/contract.ts'
import { connect, type Leasehold, UnavailableError } from '../../src/index.ts'
import { type Fault, FaultyStore } from './faulty.ts'
import { ManualClock, settle } from './manual-clock.ts'

const atOnce = { signal: new AbortController().signal, refusal: new UnavailableError('it has to wait') }

/** A store that refuses what it is asked at once while `isBusy`, and the signals of its requests. */
class Store extends FaultyStore {
  isBusy = false
  override facts = { atOnce }
  override readonly source: BackendSource = { url: 'memory:', open: (clock) => this.#open(clock) }
  readonly #whole = new FaultyStore()

  async #open(clock: Clock): Promise<Backend> {
    this.#whole.facts = { atOnce }
    const backend = await this.#whole.source.open(clock)
    return new Proxy(backend, {
      get: (target, property: keyof Backend) => {
        const original = target[property]
        if (typeof original !== 'function') return original
        return async (...args: unknown[]) => {
          if (args.at(-1) === atOnce.signal && this.isBusy) throw atOnce.refusal
          return (original as (...all: unknown[]) => unknown).apply(target, args)
        }
      },
    })
  }

  break(fault: Fault): void {
    this.#whole.breakAll(fault)
  }
}

/** A clock that counts the timers that were ever set. */
class CountingClock extends ManualClock {
  set = 0

  override after(ms: number, run: () => void): () => void {
    this.set += 1
    return super.after(ms, run)
  }
}

async function scene(): Promise<{ clock: CountingClock; store: Store; client: Leasehold }> {
  const clock = new CountingClock()
  const store = new Store()
  return { clock, store, client: await connect(store.source, { clock, ttlMs: 10_000 }) }
}

test('a hold and its release set no timer if the store answers at once', async () => {
  const { clock, client } = await scene()
  await (await client.mutex('a').acquire()).release() // sets the timer that looks after all holds
  const before = clock.set
  await (await client.mutex('a').acquire()).release()
  expect(clock.set).toBe(before)
  await client.close()
})

test('a call that the store refuses to answer at once is asked again at once, and waits for the answer', async () => {
  const { store, client } = await scene()
  store.isBusy = true
  const hold = await client.mutex('a').acquire()
  await hold.release()
  expect(await client.survey()).toEqual([])
  await client.close()
})

test('a store that refuses, and then is silent, is given up when the time of the request is over', async () => {
  const { clock, store, client } = await scene()
  store.isBusy = true
  store.break('hang')
  const refused = client.mutex('a').tryAcquire().catch(String)
  await clock.advance(7_000)
  expect(await refused).toMatch(/did not answer/)
})

test('a caller that gives up does not wait for a store that refused, and then is silent', async () => {
  const { store, client } = await scene()
  store.isBusy = true
  store.break('hang')
  const caller = new AbortController()
  const waiting = client.mutex('a').acquire({ signal: caller.signal }).catch(String)
  await settle()
  caller.abort(new Error('enough'))
  expect(await waiting).toMatch('enough')
})
