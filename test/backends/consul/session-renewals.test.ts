// How the sessions of a client with many permits are renewed, over a store that answers as the test says.
import { expect, test } from 'vitest'
import { PermitSessions } from '../../../src/backends/consul/permit-sessions.ts'
import type { SessionPlan, Transport } from '../../../src/backends/consul/wire/transport.ts'
import { roomyController, untilAborted } from '../../../src/base/abort.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../src/base/errors.ts'
import type { Claim, Renewal } from '../../../src/contract.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const plan: SessionPlan = { name: 'client', ttlMs: 15_000, lockDelayMs: 30_000, checks: [] }
const never = roomyController().signal
const silence = (signal: AbortSignal): Promise<never> => untilAborted(signal, () => () => {})

/** A store that answers as it is told, and the requests that it got. */
class Store {
  readonly clock = new ManualClock()
  /** The sessions that live, each with its node. */
  readonly alive = new Map<string, string>()
  /** Sessions that a list leaves out. */
  readonly hidden = new Set<string>()
  /** Sessions whose renewals get no answer. */
  readonly silent = new Set<string>()
  /** The error of the renewals of some sessions. */
  readonly errors = new Map<string, Error>()
  readonly log: string[] = []
  sessionsOfOthers = 0
  list: 'answered' | 'refused' | 'silent' = 'answered'
  atOnce = 0
  mostAtOnce = 0
  #opened = 0

  readonly transport: Partial<Transport> = {
    createSession: async () => {
      const id = `s${this.#opened++}`
      this.alive.set(id, 'node')
      return id
    },
    renewSession: async (id, signal) => {
      this.log.push(`renew ${id}`)
      this.atOnce += 1
      this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce)
      try {
        if (this.silent.has(id)) await silence(signal)
        await null // so that others are sent meanwhile
      } finally {
        this.atOnce -= 1
      }
      const error = this.errors.get(id)
      if (error) throw error
    },
    confirmSession: async (id, signal) => {
      signal.throwIfAborted()
      this.log.push(`info ${id}`)
      const node = this.alive.get(id)
      if (node === undefined) throw new SessionGoneError('gone')
      return node
    },
    listSessions: async (node, signal) => {
      this.log.push(`list ${node}`)
      if (this.list === 'refused') throw new RefusedError('403')
      if (this.list === 'silent') await silence(signal)
      const own = [...this.alive].filter(([id, on]) => on === node && !this.hidden.has(id)).map(([id]) => id)
      return [...own, ...Array.from({ length: this.sessionsOfOthers }, (_, n) => `other ${n}`)]
    },
    destroySession: async (id) => void this.alive.delete(id),
  }

  /** The requests since the last call, without the renewals. */
  reads(): string[] {
    return this.log.splice(0).filter((request) => !request.startsWith('renew'))
  }
}

interface Scene {
  readonly store: Store
  readonly claims: readonly Claim[]
  /** Renews all sessions, and lets so much time pass. */
  renew(ms?: number, signal?: AbortSignal): Promise<Renewal>
}

/** A client with so many permits of one name: its own session is `s0`, and `s1` is that of the second permit. */
async function holding(permits: number, endsEarly = true): Promise<Scene> {
  const store = new Store()
  const sessions = new PermitSessions(store.transport as Transport, store.clock, { endsEarly })
  const own = await sessions.create(plan, never)
  const claims = Array.from(
    { length: permits },
    (_, n) => ({ id: `c${n}`, session: own, name: 'a' }) as Claim,
  )
  for (const claim of claims) await sessions.take(claim, never)
  const renew = async (ms = 5_000, signal = never): Promise<Renewal> => {
    const renewal = sessions.renew(own, signal)
    renewal.catch(() => {}) // until it is awaited
    await store.clock.advance(ms)
    return renewal
  }
  return { store, claims, renew }
}

test('one read confirms all sessions of a client with many permits, and with few each has its own', async () => {
  const many = await holding(100)
  expect(await many.renew()).toEqual({ lost: [] })
  expect(many.store.reads()).toEqual(['info s0', 'list node'])
  const few = await holding(4)
  expect(await few.renew()).toEqual({ lost: [] })
  expect(few.store.reads()).toEqual(['info s0', 'info s1', 'info s2', 'info s3'])
})

test('a permit is not lost if the list of sessions leaves its session out, as with a token that may not read it', async () => {
  const { store, renew } = await holding(10)
  store.hidden.add('s5')
  store.alive.set('s6', 'another node')
  expect(await renew()).toEqual({ lost: [] })
  expect(store.reads()).toEqual(['info s0', 'list node', 'info s5', 'info s6'])
})

test('a permit is lost if its session has ended, though a leader that is cut off renewed that', async () => {
  const { store, claims, renew } = await holding(10)
  await renew()
  store.alive.delete('s7')
  expect(await renew()).toEqual({ lost: [claims[7]] })
  expect(await renew()).toEqual({ lost: [] })
})

test.each(['refused', 'silent'] as const)(
  'sessions are read one by one if the list of all is %s',
  async (list) => {
    const { store, renew } = await holding(10)
    store.list = list
    const renewal = await renew().catch((error) => error)
    if (list === 'silent') expect(renewal).toBeInstanceOf(UnavailableError)
    store.reads()
    expect(await renew()).toEqual({ lost: [] })
    expect(store.reads()).toHaveLength(10)
  },
)

test('a list with many sessions of others is read once in a while only', async () => {
  const { store, renew } = await holding(11)
  store.sessionsOfOthers = 1_000
  const lists = async (renewals: number): Promise<number> => {
    for (let n = 0; n < renewals; n += 1) await renew()
    return store.reads().filter((read) => read.startsWith('list')).length
  }
  expect(await lists(1)).toBe(1)
  expect(await lists(30)).toBe(0)
  store.sessionsOfOthers = 0
  expect(await lists(30)).toBeGreaterThan(20)
})

test("the client's own session is renewed before the others, and of these at most 12 at a time", async () => {
  const { store, renew } = await holding(100)
  await renew()
  store.log.splice(0)
  await renew()
  expect(store.log.slice(0, 2).sort()).toEqual(['info s0', 'renew s0'])
  expect(store.mostAtOnce).toBe(12)
})

test('a session that gets no answer delays no other one, and the renewal counts from its last answer only', async () => {
  const { store, renew } = await holding(30)
  await renew()
  const last = store.clock.mark()
  await renew()
  store.silent.add('s9')
  store.hidden.add('s9')
  store.log.splice(0)
  expect(await renew()).toEqual({ lost: [], since: last })
  expect(store.log.filter((request) => request.startsWith('renew'))).toHaveLength(30)
  store.log.splice(0)
  store.silent.clear()
  expect(await renew()).toEqual({ lost: [] })
  expect(store.log.filter((request) => request.startsWith('renew'))[1]).toBe('renew s9')
})

test.each([true, false])(
  'a list shows that a session exists, but does not renew it: %s',
  async (endsEarly) => {
    const { store, renew } = await holding(30, endsEarly)
    await renew()
    const last = store.clock.mark()
    await renew()
    store.silent.add('s9')
    const now = store.clock.mark()
    expect(await renew()).toEqual({ lost: [], since: endsEarly ? now : last })
  },
)

test('a session that a list shows is renewed well before its time to live is over, and not each time', async () => {
  const { store, renew } = await holding(30)
  const renewed = new Map<string, number>()
  for (let n = 0; n < 20; n += 1) {
    await renew(3_000)
    const atMs = store.clock.mark().monotonicMs - 3_000
    for (const request of store.log.splice(0)) {
      if (!/^renew s[1-9]/.test(request)) continue
      expect(atMs - (renewed.get(request) ?? 0)).toBeLessThan(plan.ttlMs / 2)
      renewed.set(request, atMs)
    }
  }
  expect([...renewed.values()].every((atMs) => atMs >= 54_000)).toBe(true)
  expect(renewed.size).toBe(29)
})

test('a permit whose session gets no answer is lost alone, before its hold ends', async () => {
  const { store, claims, renew } = await holding(30)
  await renew(0)
  const begun = store.clock.mark().monotonicMs
  store.silent.add('s9')
  store.hidden.add('s9')
  const lifeMs = plan.lockDelayMs * 0.9
  let lost: readonly Claim[] = []
  while (lost.length === 0 && store.clock.mark().monotonicMs - begun < lifeMs)
    lost = (await renew(3_000)).lost
  expect(lost).toEqual([claims[9]])
  expect(store.clock.mark().monotonicMs - begun).toBeLessThan(lifeMs + 500) // it was told half a second before, at the least
  expect(await renew()).toEqual({ lost: [] })
})

test('a renewal fails with the error that the store gives about a further session', async () => {
  const { store, renew } = await holding(3)
  for (const id of ['s1', 's2']) store.errors.set(id, new UnavailableError('no leader'))
  await expect(renew()).rejects.toThrow('no leader')
  store.errors.clear()
  expect(await renew()).toEqual({ lost: [] })
})

test('a loss that was found by a renewal without an answer in time is told by the next one', async () => {
  const { store, claims, renew } = await holding(3)
  store.alive.delete('s1')
  store.silent.add('s2')
  const late = roomyController()
  store.clock.after(1_000, () => late.abort(new UnavailableError('no answer')))
  const first = renew(5_000, late.signal).catch((error) => error)
  expect(await first).toBe(late.signal.reason)
  store.silent.clear()
  expect(await renew()).toEqual({ lost: [claims[1]] })
})
