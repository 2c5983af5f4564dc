// Many observers of one election in one client: the requests that they share, and the things that they do not.
import { expect, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import type { Backend, BackendSource } from '../../src/contract.ts'
import { connect, type Leasehold, type ObserveOptions, RefusedError } from '../../src/index.ts'
import { FaultyStore } from '../core/faulty.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'

/** A store whose events say nothing, as those of Consul, and that counts the watches of observers. */
class Counted {
  readonly store = new FaultyStore()
  watches = 0
  readonly source: BackendSource = {
    url: 'memory:',
    open: async (clock) => this.#wrap(await this.store.source.open(clock)),
  }

  #wrap(backend: Backend): Backend {
    return new Proxy(backend, {
      get: (target, property: keyof Backend) => {
        if (property !== 'leaderChanged') return target[property]
        return async (...args: Parameters<Backend['leaderChanged']>) => {
          this.watches += 1
          await target.leaderChanged(...args)
        }
      },
    })
  }
}

async function scene() {
  const clock = new ManualClock()
  const counted = new Counted()
  const [one, other] = await Promise.all([1, 2].map(() => connect(counted.source, { clock, ttlMs: 12_000 })))
  return { clock, counted, store: counted.store, one: one as Leasehold, other: other as Leasehold }
}

/** An observer, and the leaders that it saw. */
function observe(client: Leasehold, options: ObserveOptions = {}) {
  const seen: (string | undefined)[] = []
  const errors: unknown[] = []
  const observing = client.election('a').observe({ onError: (error) => errors.push(error), ...options })
  const ended = (async () => {
    for await (const leader of observing) seen.push(leader?.value)
  })()
  ended.catch(() => {})
  return { seen, errors, observing, ended }
}

const crowd = (client: Leasehold, count: number) => Array.from({ length: count }, () => observe(client))

test('a change costs three hundred observers of one client one question and one watch', async () => {
  const { store, counted, one, other } = await scene()
  const observers = crowd(other, 300)
  await settle()
  const before = { asked: store.count('observe'), watches: counted.watches }
  expect(before.watches).toBe(1)
  const term = await one.election('a').campaign({ value: 'ann' })
  await settle()
  await term.proclaim('anna')
  await settle()
  for (const { seen } of observers) expect(seen).toEqual([undefined, 'ann', 'anna'])
  expect(store.count('observe') - before.asked).toBe(2)
  expect(counted.watches - before.watches).toBe(2)
  await Promise.all([one.close(), other.close()])
})

test('at rest three hundred observers ask once in a time to live, and none of them is stale', async () => {
  const { clock, store, one, other } = await scene()
  const observers = crowd(other, 300)
  await settle()
  const before = store.count('observe')
  await clock.advance(60_000)
  expect(store.count('observe') - before).toBe(5)
  for (const { observing } of observers) expect(observing.stale).toBe(false)
  await Promise.all([one.close(), other.close()])
})

test('an observer that begins later sees the leader of that moment at once, and then the same as the others', async () => {
  const { counted, one, other } = await scene()
  const first = observe(other)
  await settle()
  const term = await one.election('a').campaign({ value: 'ann' })
  const second = observe(other)
  await settle()
  expect(second.seen).toEqual(['ann'])
  await term.resign()
  await settle()
  expect([first.seen, second.seen]).toEqual([
    [undefined, 'ann', undefined],
    ['ann', undefined],
  ])
  expect(counted.watches).toBeLessThanOrEqual(4)
  await Promise.all([one.close(), other.close()])
})

test('an observer whose first answer is newer than that of the others tells it to them, although their watch is silent', async () => {
  const { store, one, other } = await scene()
  store.watches = 'hang'
  const first = observe(other)
  await settle()
  await one.election('a').campaign({ value: 'ann' })
  await settle()
  expect(first.seen).toEqual([undefined])
  const second = observe(other)
  await settle()
  expect(second.seen).toEqual(['ann'])
  expect(first.seen).toEqual([undefined, 'ann'])
  await Promise.all([one.close(), other.close()])
})

test('an observer that is left, and one that meets a fatal error, end alone', async () => {
  const { clock, store, one, other } = await scene()
  const [stays, leaves] = [observe(other), observe(other)]
  const strict = observe(other, { fatal: (error) => error instanceof RefusedError })
  await settle()
  await leaves.observing.return(undefined as never)
  await leaves.ended
  store.faults.set('observe', 'forbid')
  const refused = expect(strict.ended).rejects.toThrow(RefusedError)
  await clock.advance(13_000)
  await refused
  expect(stays.errors.length).toBeGreaterThan(0)
  expect(leaves.errors).toEqual([])
  store.faults.clear()
  await clock.advance(3_000)
  await one.election('a').campaign({ value: 'ann' })
  await settle()
  expect(stays.seen).toEqual([undefined, 'ann'])
  expect(leaves.seen).toEqual([undefined])
  await Promise.all([one.close(), other.close()])
})

test('an observer with a slow onError does not delay the news of the others', async () => {
  const { clock, store, one, other } = await scene()
  store.watches = 'hang'
  const quick = observe(other)
  const slow = observe(other, { onError: () => new Promise(() => {}) })
  await settle()
  store.faults.set('observe', 'forbid')
  await clock.advance(13_000)
  store.faults.clear()
  await one.election('a').campaign({ value: 'ann' })
  await clock.advance(3_000)
  expect(quick.seen).toEqual([undefined, 'ann'])
  expect(slow.seen).toEqual([undefined, 'ann'])
  await Promise.all([one.close(), other.close()])
})

test('the last observer that is left ends the watch', async () => {
  const clock = new ManualClock()
  const client = await connect(memory(), { clock, ttlMs: 12_000 })
  const observers = crowd(client, 3)
  await settle()
  await Promise.all(observers.map(({ observing }) => observing.return(undefined as never)))
  await client.close()
  expect(clock.timers).toBe(0)
})
