// Compares the simulated Consul with a real one: both must give the same answers to any questions in any order.
// Indexes are compared by their order, since a real Consul writes entries of its own into the log.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConsulClient } from '../../../../src/backends/consul/wire/client.ts'
import { server } from '../../../../src/backends/consul/wire/servers.ts'
import type * as wire from '../../../../src/backends/consul/wire/transport.ts'
import type {
  Snapshot,
  StoredKey,
  Target,
  Transport,
  TxnOutcome,
} from '../../../../src/backends/consul/wire/transport.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { SimConsul } from '../../../../src/testing/consul/server.ts'
import { World } from '../../../../src/testing/world.ts'
import { type ConsulCluster, startConsul } from '../../../../tools/servers/run.mjs'
import { answerOf, Seen, tryAll } from '../../../servers/differential.ts'
import { failOnComplaints } from '../../../servers/etcd.ts'

/** Names that contain one another, and what sorts otherwise in UTF-16 than in bytes. */
const names = ['a', 'a/1', 'a/b/1', 'ab', '\uffee', '\u{1f512}']
const prefixes = ['', 'a', 'a/', 'a/b/', 'c']
const unknownSession = '11111111-2222-3333-4444-555555555555'

/** An index to compare with: 0, the last that was seen of this key, the nth seen of all, or one that never was. */
type Index = 0 | 'its own' | 'never' | { readonly nth: number }

/** Sessions are numbered in the order in which they were created; one that was not yet is unknown. */
interface Operation {
  readonly verb: wire.Operation['verb']
  readonly key: string
  readonly value: string
  readonly flags: bigint | undefined
  readonly index: Index
  readonly session: number
}

type Step =
  | { readonly ask: 'txn'; readonly operations: readonly Operation[] }
  | { readonly ask: 'create'; readonly lockDelayMs: number }
  | { readonly ask: 'renew' | 'confirm' | 'destroy'; readonly session: number }
  /** With `from`, it blocks from so many below the present index on, which is not to wait at all. */
  | { readonly ask: 'read'; readonly target: Target; readonly from: number }

const writes = ['set', 'cas', 'lock', 'unlock', 'lock', 'unlock', 'delete', 'delete-cas'] as const
const reads = ['get', 'get-tree', 'check-index', 'check-session', 'check-not-exists'] as const
/** Few of each, so that sequences meet. */
const key = fc.oneof({ weight: 3, arbitrary: fc.constant('a') }, fc.constantFrom(...names))
const session = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  fc.constant(2),
)
const operation: fc.Arbitrary<Operation> = fc.record({
  verb: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...writes) }, fc.constantFrom(...reads)),
  key,
  value: fc.constantFrom('', 'x', 'ü'),
  flags: fc.constantFrom(undefined, 0n, 3304740253564472344n, 2n ** 64n - 1n),
  index: fc.oneof(
    { weight: 3, arbitrary: fc.constant('its own' as const) },
    fc.constantFrom(0 as const, 'never' as const),
    fc.record({ nth: fc.integer({ min: 0, max: 9 }) }),
  ),
  session,
})
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ key }),
  fc.record({ prefix: fc.constantFrom(...prefixes) }),
)
const transaction = fc.record({
  ask: fc.constant('txn' as const),
  operations: fc.oneof(
    fc.array(operation, { minLength: 1, maxLength: 1 }),
    fc.array(operation, { minLength: 1, maxLength: 4 }),
  ),
})
/** The steps of most sequences. */
const lock = session.map((number): Step => {
  const held = { verb: 'lock', key: 'a', value: '', flags: undefined, index: 0, session: number } as const
  return { ask: 'txn', operations: [held] }
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: lock },
  { weight: 7, arbitrary: transaction },
  {
    weight: 1,
    arbitrary: fc.record({ ask: fc.constant('create' as const), lockDelayMs: fc.constantFrom(0, 60_000) }),
  },
  { weight: 2, arbitrary: fc.record({ ask: fc.constantFrom('renew', 'confirm', 'destroy'), session }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ask: fc.constant('read' as const),
      target,
      from: fc.constantFrom(0, 0, 1, 5),
    }),
  },
)
const sequences = fc.record({
  lockDelayMs: fc.constantFrom(0, 60_000),
  steps: fc.array(step, { minLength: 1, maxLength: 11, size: 'max' }),
})
type Sequence = typeof sequences extends fc.Arbitrary<infer T> ? T : never

const never = new AbortController().signal
const clock = systemClock()
const longMs = 20_000

/** An index in an answer, until all of a sequence are known and can be numbered in their order. */
class Numbered {
  readonly at: number
  constructor(at: number) {
    this.at = at
  }
}

/** One sequence on one server, with what it answered. */
class Play {
  readonly #store: Transport
  readonly #prefix: string
  readonly #alone: boolean
  readonly #sessions: string[] = []
  readonly #seen: StoredKey[] = []
  readonly #indexes: number[] = []
  readonly #answers: unknown[] = []

  /** `alone` says that nobody else writes: then also the index of what is not there has a meaning. */
  constructor(store: Transport, prefix: string, alone: boolean) {
    this.#store = store
    this.#prefix = prefix
    this.#alone = alone
  }

  async run({ lockDelayMs, steps }: Sequence): Promise<void> {
    for (let count = 0; count < 2; count += 1) await this.ask({ ask: 'create', lockDelayMs })
    for (const each of steps) await this.ask(each)
    await this.ask({ ask: 'read', target: { prefix: '' }, from: 0 })
  }

  async ask(step: Step): Promise<void> {
    this.#answers.push(await answerOf(() => this.#ask(step)))
  }

  /** Begins to wait for a change of what is there now. */
  async wait(what: Target): Promise<() => Promise<void>> {
    const { index } = await this.#store.read(this.#target(what), never)
    const changed = this.#store.block(this.#target(what), { index, waitMs: longMs }, never)
    return async () => void this.#answers.push(this.#snapshot(await changed))
  }

  /** The answers, with indexes in place of each other's absolute ones. */
  get answers(): unknown {
    const order = [...new Set(this.#indexes)].sort((one, other) => one - other)
    const numbered = (value: unknown): unknown => {
      if (value instanceof Numbered) return `index ${order.indexOf(value.at)}`
      if (Array.isArray(value)) return value.map(numbered)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, numbered(each)]))
    }
    return numbered(this.#answers)
  }

  async destroySessions(): Promise<void> {
    for (const id of this.#sessions) await this.#store.destroySession(id, never)
  }

  async #ask(step: Step): Promise<unknown> {
    switch (step.ask) {
      case 'create': {
        const plan = { name: 'differential', ttlMs: 3_600_000, checks: [], lockDelayMs: step.lockDelayMs }
        this.#sessions.push(await this.#store.createSession(plan, never))
        return 'created'
      }
      case 'confirm':
        return this.#store.confirmSession(this.#session(step.session), never)
      case 'renew':
        return this.#store.renewSession(this.#session(step.session), never)
      case 'destroy':
        return void (await this.#store.destroySession(this.#session(step.session), never))
      case 'read': {
        const now = await this.#store.read(this.#target(step.target), never)
        const index = Math.max(1, now.index - step.from)
        if (step.from === 0 || index >= now.index) return this.#snapshot(now)
        const wait = { index, waitMs: longMs }
        return this.#snapshot(await this.#store.block(this.#target(step.target), wait, never))
      }
      case 'txn':
        return this.#outcome(
          await this.#store.txn(
            step.operations.map((each) => this.#operation(each)),
            never,
          ),
        )
    }
  }

  #outcome(outcome: TxnOutcome): unknown {
    if (outcome.applied) return { applied: true, entries: outcome.entries.map((each) => this.#entry(each)) }
    const failures = outcome.failures.map(({ operation: at, reason }) => ({
      operation: at,
      kind: kindOf(reason),
    }))
    return { applied: false, failures }
  }

  #snapshot({ index, entries }: Snapshot): unknown {
    const found = entries.map((each) => this.#entry(each))
    if (found.length > 0 || this.#alone) return { found, index: this.#index(index) }
    // Others move it too, never back.
    return { found, later: this.#indexes.every((before) => before <= index) }
  }

  #entry(entry: StoredKey): unknown {
    this.#seen.push(entry)
    const { createIndex, modifyIndex, key: name, session: holder } = entry
    return {
      ...entry,
      key: name.slice(this.#prefix.length),
      session: holder === undefined ? undefined : `session ${this.#sessions.indexOf(holder)}`,
      createIndex: this.#index(createIndex),
      modifyIndex: this.#index(modifyIndex),
    }
  }

  #index(at: number): Numbered {
    this.#indexes.push(at)
    return new Numbered(at)
  }

  #operation({ verb, key: name, value, flags, index, session: number }: Operation): wire.Operation {
    const full = this.#prefix + name
    const written = { key: full, value, ...(flags === undefined ? {} : { flags }) }
    switch (verb) {
      case 'set':
        return { verb, ...written }
      case 'cas':
        return { verb, ...written, index: this.#indexOf(index, full) }
      case 'lock':
      case 'unlock':
        return { verb, ...written, session: this.#session(number) }
      case 'check-session':
        return { verb, key: full, session: this.#session(number) }
      case 'delete-cas':
      case 'check-index':
        return { verb, key: full, index: this.#indexOf(index, full) }
      default:
        return { verb, key: full }
    }
  }

  #indexOf(index: Index, name: string): number {
    if (index === 0) return 0
    if (index === 'never') return 2 ** 40
    if (index === 'its own') return this.#seen.findLast((entry) => entry.key === name)?.modifyIndex ?? 0
    return this.#seen[index.nth % (this.#seen.length || 1)]?.modifyIndex ?? 0
  }

  #session(number: number): string {
    return this.#sessions[number] ?? unknownSession
  }

  #target(what: Target): Target {
    return 'key' in what ? { key: this.#prefix + what.key } : { prefix: this.#prefix + what.prefix }
  }
}

const kinds = {
  'lock delay': /due to lock delay$/,
  'held by another': /lock is already held$/,
  'not held': /lock isn't held, or is held by another session$/,
  stale: /index is stale$/,
  'another index': /^failed index check/,
  'another session': /^failed session check/,
  missing: /doesn't exist$/,
  exists: /" exists$/,
}

/** The kind of a reason; the reason itself if its kind is not known. */
function kindOf(reason: string): string {
  return Object.entries(kinds).find(([, words]) => words.test(reason))?.[0] ?? reason
}

/** The simulated server as a connection, without a network in between. Its time stands still. */
function simulated(): Transport {
  const consul = new SimConsul(new World(1))
  return {
    createSession: async (plan) => consul.createSession(plan),
    renewSession: async (id) => consul.renewSession(id),
    confirmSession: async (id) => consul.confirmSession(id),
    destroySession: async (id) => consul.destroySession(id),
    txn: async (operations) => consul.txn(operations),
    read: async (what) => consul.read(what),
    block: (what, wait) => consul.block(what, wait),
    registerService: async (service) => consul.registerService(service),
    passCheck: async (service) => consul.passCheck(service),
    deregisterService: async (service) => consul.deregisterService(service),
    close() {},
  }
}

let cluster: ConsulCluster
let store: ConsulClient
let plays = 0
beforeAll(async () => {
  cluster = await startConsul()
  store = new ConsulClient(clock, [server(new URL(cluster.address).host, {})])
})
afterAll(async () => {
  store?.close()
  await cluster?.close()
})
failOnComplaints()

/** Plays the same on both, under a prefix of its own, and compares all answers, which it returns. */
async function both(alone: boolean, play: (on: Play) => Promise<void>): Promise<string> {
  plays += 1
  const real = new Play(store, `${plays}/`, alone)
  const imagined = new Play(simulated(), `${plays}/`, alone)
  try {
    await Promise.all([play(real), play(imagined)])
    expect(imagined.answers).toEqual(real.answers)
  } finally {
    await real.destroySessions()
  }
  return JSON.stringify(real.answers, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
}

const mustSee = [...Object.keys(kinds), 'SessionGoneError', '"applied":true', '"session":"session 1"']

test('Consul answers any sequence of transactions, sessions and reads as the simulated one does', async ({
  task,
}) => {
  const seen = new Seen()
  const compare = async (sequence: Sequence): Promise<string> => {
    const text = await both(false, (on) => on.run(sequence))
    for (const kind of mustSee) if (text.includes(kind)) seen.add(kind)
    return text
  }
  await tryAll(task, { sequences, runs: 2_000, lanes: 8, compare })
  expect(seen.lacking(mustSee)).toEqual([])
}, 120_000)

test('Consul gives what is not there the same index as the simulated one, while nobody else writes', async ({
  task,
}) => {
  const seen = new Seen()
  const compare = async (sequence: Sequence): Promise<string> => {
    const text = await both(true, (on) => on.run(sequence))
    if (text.includes('"found":[],"index":"index')) seen.add('empty')
    return text
  }
  await tryAll(task, { sequences, runs: 300, lanes: 1, compare })
  expect(seen.lacking(['empty'])).toEqual([])
}, 120_000)

const plain = { value: 'first', flags: undefined, index: 0, session: 0 } as const
const neighbour = (verb: 'set' | 'delete'): Step => ({
  ask: 'txn',
  operations: [{ ...plain, verb, key: '\uffee' }],
})

/** The keys, the waiters, changes by others that a waiter need not see, and changes that it must see. */
const waits = fc.record({
  target: fc.constantFrom<Target>({ key: 'a' }, { prefix: 'a' }),
  before: fc.array(transaction, { maxLength: 2 }),
  meanwhile: fc.array(
    fc.constantFrom<Step>(
      neighbour('set'),
      neighbour('delete'),
      { ask: 'create', lockDelayMs: 0 },
      { ask: 'renew', session: 0 },
      { ask: 'confirm', session: 0 },
      { ask: 'read', target: { prefix: '' }, from: 0 },
    ),
    { maxLength: 3 },
  ),
  change: fc.constantFrom('set', 'delete', 'destroy'),
})

type Waiting = typeof waits extends fc.Arbitrary<infer T> ? T : never

test('a waiter for a change gets the same change from Consul and from the simulated one', async ({
  task,
}) => {
  const compare = ({ target: what, before, meanwhile, change }: Waiting): Promise<string> =>
    both(false, async (on) => {
      await on.ask({ ask: 'create', lockDelayMs: 0 })
      for (const each of before) await on.ask(each)
      await on.ask({ ask: 'txn', operations: [{ ...plain, verb: 'delete', key: 'a' }] })
      const held = { ...plain, verb: 'lock', key: 'a' } as const
      await on.ask({ ask: 'txn', operations: [held] })
      const heard = await on.wait(what)
      // None of these is a change: the same lock again, a similar name, sessions.
      await on.ask({ ask: 'txn', operations: [held] })
      for (const each of meanwhile) await on.ask(each)
      if (change === 'destroy') await on.ask({ ask: 'destroy', session: 0 })
      else await on.ask({ ask: 'txn', operations: [{ ...plain, verb: change, key: 'a', value: 'second' }] })
      await heard()
    })
  await tryAll(task, { sequences: waits, runs: 200, lanes: 4, compare })
}, 60_000)
