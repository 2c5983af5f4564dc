// The public surface: it is the one last agreed on, it contains no internal type, and a test can fake its types.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type CronGuard,
  connect,
  type Election,
  type GroupHold,
  type Hold,
  Leasehold,
  type LedTerm,
  type Lock,
  type Mutex,
  type MutexGroup,
  type Observing,
  type PermitHold,
  type ReadHold,
  type RwLock,
  type Semaphore,
  type Term,
  type WriteHold,
} from '../src/index.ts'
import { readEntrances, snapshot, surfaceText } from '../tools/api.mjs'

/** The declarations that users read: of the entries, and of the types that these export. */
const publicFiles = [
  /^(index|connect|contract)\.d\.ts$/,
  /^api\/\w+\.d\.ts$/,
  /^base\/(announcement|clock|errors|facts|finding|group|keeping|leader|operator|replacing|source|store-key)\.d\.ts$/,
  /^backends\/\w+\/(index|options)\.d\.ts$/,
  /^backends\/shared\/credentials\.d\.ts$/,
  /^cron\/node-cron\.d\.ts$/,
  /^nest\/(decorators|index|module|options)\.d\.ts$/,
  /^opentelemetry\/index\.d\.ts$/,
  /^web-locks\/(index|types)\.d\.ts$/,
]
const entrances = readEntrances()

test('the public surface is the one of test/api.snapshot.md', () => {
  const message = 'if the change is meant: `npm run api` updates it, and CHANGELOG.md tells users'
  expect(surfaceText(entrances), message).toBe(readFileSync(snapshot, 'utf8'))
})

// The simulation in leasehold/testing returns servers that speak the stores' own protocols.
describe.each(entrances.filter(({ name }) => name !== 'leasehold/testing'))('$name', ({ files, strays }) => {
  test('its declarations refer to no internal file', () => {
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !publicFiles.some((known) => known.test(file)))).toEqual([])
  })

  test('every type in it can be imported', () => {
    expect(strays).toEqual([])
  })
})

test('a client is an instance of Leasehold, which can be a token for dependency injection', async () => {
  await using client = await connect('memory:')
  expect(client).toBeInstanceOf(Leasehold)
  expect(new Map<unknown, Leasehold>([[Leasehold, client]]).get(Leasehold)).toBe(client)
})

// The test is that this compiles: types with private members would refuse plain objects.
test('a test can write a fake of each public type as an object', async () => {
  const done = async (): Promise<void> => {}
  const hold: Hold = {
    ...{ name: 'a', token: 1n, held: true, remainingMs: 1_000, signal: new AbortController().signal },
    signalWith: (...signals) => AbortSignal.any(signals),
    ...{ assertHeld: () => {}, verify: done, checkpoint: done, release: done, [Symbol.asyncDispose]: done },
  }
  const about = { stopping: false, value: 'v', session: 's' }
  const term: Term = { ...hold, ...about, proclaim: done, handOver: done, resign: done }
  const led: LedTerm = { ...term, stepDown: () => {} }
  const lock: Lock = {
    name: 'a',
    acquire: async () => hold,
    tryAcquire: async () => hold,
    run: async (work) => work(hold),
    readCheckpoint: async () => undefined,
  }
  const mutex: Mutex = lock
  const permits: PermitHold = { ...hold, permits: 1, shrink: done }
  const ofPermits = {
    acquire: async () => permits,
    tryAcquire: async () => permits,
    run: async <T>(work: (hold: PermitHold) => T | Promise<T>) => work(permits),
  }
  const semaphore: Semaphore = { ...lock, ...ofPermits, permits: 2 }
  const write: WriteHold = { ...hold, downgrade: done }
  const read: ReadHold = { ...hold, upgrade: () => expect.unreachable() }
  const rwlock: RwLock = {
    name: 'a',
    read: {
      ...lock,
      acquire: async () => read,
      tryAcquire: async () => read,
      run: async (work) => work(read),
    },
    write: {
      ...lock,
      acquire: async () => write,
      tryAcquire: async () => write,
      run: async (work) => work(write),
    },
  }
  const all: GroupHold = { ...hold, tokens: new Map([['a', 1n]]) }
  const group: MutexGroup = {
    names: ['a'],
    acquire: async () => all,
    tryAcquire: async () => all,
    run: async (work) => work(all),
  }
  async function* nobody(): AsyncGenerator<undefined, never, void> {
    for (;;) yield undefined
  }
  const observing: Observing = Object.assign(nobody(), { asOfMs: 0, stale: false })
  const election: Election = {
    name: 'a',
    campaign: async () => term,
    tryCampaign: async () => term,
    run: async (work) => work(led),
    leader: async () => undefined,
    candidates: async () => [],
    readCheckpoint: async () => undefined,
    drain: () => {},
    lead: async (work) => void (await work(led)),
    observe: () => observing,
  }
  const guard: CronGuard = {
    name: 'a',
    run: async (job) => ({ ran: true, tick: new Date(0), value: await job(hold, new Date(0)) }),
    runNow: async (job) => job(hold, new Date(0)),
    preview: async () => ({ tick: new Date(0), verdict: 'run', last: undefined, missed: [] }),
    start: done,
    readCheckpoint: async () => undefined,
    readLast: async () => undefined,
    reset: async () => [],
  }
  const real = await connect('memory:')
  const client: Leasehold = {
    ...{
      url: 'memory:',
      facts: real.facts,
      ttlMs: 1,
      session: undefined,
      health: () => real.health(),
      close: done,
      [Symbol.asyncDispose]: done,
    },
    ...{ mutex: () => mutex, semaphore: () => semaphore, rwlock: () => rwlock, mutexes: () => group },
    ...{ election: () => election, cron: () => guard },
    ...{ line: async () => [], survey: async () => [], cronJobs: async () => [], break: async () => false },
  }
  await real.close()
  expect(await client.mutex('a').run(async ({ token }) => token)).toBe(1n)
})
