// Requests that arrive late, twice, or whose answers are lost: each leaves one claim or none, never a ghost.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { systemClock } from '../../../../src/base/clock.ts'
import { connect, type Hold, type Leasehold } from '../../../../src/index.ts'
import { drawFor, replayOf } from '../../../property/draw.ts'
import {
  type Fate,
  type Kind,
  Network,
  openNetwork,
  type TestConsul,
  useConsul,
  type Write,
} from '../../../servers/consul-faults.ts'
import { freshNamespace, open } from '../../../servers/etcd.ts'

const store: TestConsul = useConsul()
const gone = new Error('given up')
/** Asks again soon: there are many requests to repeat. */
const clock = { ...systemClock(), random: () => 0 }

/** Two clients, of which the first has an unreliable network. */
async function pair() {
  const namespace = freshNamespace()
  const network = openNetwork(store, clock)
  const client = await open(network.source(namespace), { clock })
  return { namespace, network, client, other: await store.client(namespace) }
}

/** The purpose of a write, and the call that makes it. */
interface Case {
  readonly permits: 1 | 2
  /** Whether somebody else holds all there is when the client asks. */
  readonly taken: boolean
}

const asking = {
  take: { permits: 1, taken: false },
  join: { permits: 1, taken: true },
  'take from the line': { permits: 1, taken: true },
  slot: { permits: 2, taken: false },
  'slot from the line': { permits: 2, taken: true },
} satisfies Partial<Record<Kind, Case>>
const asks = [
  ...(Object.entries(asking) as [Kind, Case][]),
  ['join', { permits: 2, taken: true }] as [Kind, Case],
].map(([kind, how]) => ({ kind, ...how, what: how.permits === 1 ? 'a mutex' : 'a semaphore' }))

function lockOf(client: Leasehold, permits: number) {
  return permits === 1 ? client.mutex('a') : client.semaphore('a', { permits: permits })
}

/** Takes all permits, if the case says so. The returned function releases them. */
async function occupy(client: Leasehold, { permits, taken }: Case): Promise<() => Promise<unknown>> {
  const holds = await Promise.all(
    Array.from({ length: taken ? permits : 0 }, () => lockOf(client, permits).acquire()),
  )
  return () => Promise.all(holds.map((hold) => hold.release()))
}

const isTaking = (kind: Kind): boolean => kind !== 'join'

test.for(asks)(
  'when the answer to a $kind of $what is lost, it is asked again and there is one claim',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'unanswered')

    const acquired = lockOf(client, how.permits).acquire()
    if (!isTaking(kind)) await came
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    const hold = await acquired

    await came
    await hold.verify()
    await lockOf(client, how.permits)
      .tryAcquire()
      .then((second) => second?.release())
    await hold.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for(asks)(
  'a $kind of $what that was given up and arrives later takes nothing',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'hanging')
    const abort = new AbortController()

    const given = lockOf(client, how.permits).acquire({ signal: abort.signal })
    given.catch(() => {})
    if (isTaking(kind) && how.taken) await store.line(namespace, 'a', 1)
    if (isTaking(kind)) await free()
    await came
    abort.abort(gone)
    await expect(given).rejects.toBe(gone)
    if (!isTaking(kind)) await free()
    await vi.waitFor(() => expect(network.log.join()).toContain('burial'))
    await (await lockOf(client, how.permits).acquire()).release()
    await network.arrive()

    expect(network.log.join()).toContain('arrived, applied: false')
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for(asks)(
  'the late first of two requests for a $kind of $what does not disturb the next claim of the client',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const came = network.next(kind, 'late')

    const acquired = lockOf(client, how.permits).acquire()
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    await (await acquired).release()
    await came
    const second = await lockOf(client, how.permits).acquire()
    const before = await store.names(namespace)
    await network.arrive()

    await second.verify()
    expect(await store.names(namespace)).toEqual(before)
    await second.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

const giving = [
  { kind: 'release', permits: 1, taken: false },
  { kind: 'release from the line', permits: 1, taken: true },
  { kind: 'give up slot', permits: 2, taken: true },
] as const

test.for(giving)(
  'a $kind that arrives late gives back nothing of a later claim of the client',
  async ({ kind, ...how }) => {
    const { namespace, network, client, other } = await pair()
    const free = await occupy(other, how)
    const acquired = lockOf(client, how.permits).acquire()
    if (how.taken) await store.line(namespace, 'a', 1)
    await free()
    const hold = await acquired
    const came = network.next(kind, 'late')

    await hold.release()
    await came
    const later = await lockOf(client, how.permits).acquire()
    await network.arrive()

    await later.verify()
    expect(later.held).toBe(true)
    if (how.permits === 1) expect(await other.mutex('a').tryAcquire()).toBeUndefined()
    await later.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test('a late request does not delete the key of a line that has new waiters', async () => {
  const { namespace, network, client, other } = await pair()
  const first = await other.mutex('a').acquire()
  const waiting = client.mutex('a').acquire()
  await store.line(namespace, 'a', 1)
  await first.release()
  const came = network.next('tidying', 'late')
  await (await waiting).release() // asked a second time, it was tidied
  await came

  const hold = await other.mutex('a').acquire()
  const next = client.mutex('a').acquire()
  await store.line(namespace, 'a', 1)
  await network.arrive()

  expect(await store.names(namespace)).toContain(`${namespace}a/.line`)
  await hold.release()
  await (await next).release()
  expect(await store.names(namespace)).toEqual([])
})

test('a waiter whose answer was lost has the slot at once that became free meanwhile', async () => {
  const { namespace, network, client, other } = await pair()
  const free = await occupy(other, { permits: 2, taken: true })
  const came = network.next('join', 'unanswered')

  const acquired = lockOf(client, 2).acquire({ waitMs: 3_000 })
  let isFree = false
  await came
  network.hears = () => isFree // not before the slots are free, or it would see that it has to wait
  await store.line(namespace, 'a', 1)
  await free()
  isFree = true

  await (await acquired).release()
  expect(await store.names(namespace)).toEqual([])
})

test.for([1, 2])(
  'of a name with %d holders at a time nothing is left when the last in line is done',
  async (permits) => {
    const { namespace, client, other } = await pair()
    const free = await occupy(other, { permits: permits as 1 | 2, taken: true })
    const waiting = lockOf(client, permits).acquire()
    await store.line(namespace, 'a', 1)

    await free()
    await (await waiting).release()

    expect(await store.names(namespace)).toEqual([])
  },
)

test.for([1, 2])(
  'a checkpoint that arrives late does not replace a later one (%d holders)',
  async (permits) => {
    const { namespace, network, client, other } = await pair()
    const hold = await lockOf(client, permits).acquire()
    const came = network.next('checkpoint', 'late')

    await hold.checkpoint('first')
    await came
    await hold.checkpoint('second')
    await network.arrive()

    expect(await lockOf(other, permits).readCheckpoint()).toBe('second')
    await hold.verify()
    await hold.release()
    expect(await store.names(namespace)).toEqual([])
  },
)

test.for([1, 2])('a checkpoint that arrives after the release is refused (%d holders)', async (permits) => {
  const { network, client, other } = await pair()
  const hold = await lockOf(client, permits).acquire()
  await hold.checkpoint('first')
  void network.next('checkpoint', 'hanging')

  const written = hold.checkpoint('late').catch((error: unknown) => error)
  await vi.waitFor(() => expect(network.log.join()).toContain('checkpoint: hanging'))
  await hold.release()
  const next = await lockOf(client, permits).acquire()
  await network.arrive()

  expect(await lockOf(other, permits).readCheckpoint()).toBe('first')
  await next.verify()
  expect(await written).toMatchObject({ code: expect.stringMatching('LEASEHOLD_') })
})

test.for(['unsent', 'unanswered', 'late'] as const)(
  'a client works when the answer to the first request for its session was %s',
  async (fate) => {
    const namespace = freshNamespace()
    const network = openNetwork(store, clock)
    void network.next('session', fate)
    const client = await open(network.source(namespace), { clock })
    const hold = await client.mutex('a').acquire()
    await network.arrive()

    await hold.verify()
    await client.close()
    expect(await store.names(namespace)).toEqual([])
  },
)

test('the end of a session that arrives late frees nothing that another client holds since', async () => {
  const namespace = freshNamespace()
  const network = openNetwork(store, clock)
  const client = await open(network.source(namespace), { clock })
  await client.mutex('a').acquire()
  void network.next('end of session', 'late')
  await client.close()
  const hold = await (await store.client(namespace)).mutex('a').acquire()

  await network.arrive()

  await hold.verify()
})

/** The fate of one write: with `lateBy` it arrives after this many later writes, or at the end. */
type Mishap = Fate | { readonly lateBy: number }

interface Plan {
  readonly of: (write: Write) => Mishap
  readonly hears?: () => boolean
  /** The write at which one gives up its wait. */
  readonly quitsAt?: number
}

/** Three clients, and a watch over what they do. */
class Run {
  readonly problems: string[] = []
  readonly network: Network = new Network(store.endpoints[0] ?? '', clock)
  /** The purposes of the writes that did not simply succeed. */
  readonly disturbed = new Set<Kind>()
  readonly #namespace = freshNamespace()
  readonly #limit: number
  readonly #abort = new AbortController()
  readonly #inside = new Set<Hold>()
  readonly #opened: Leasehold[] = []
  #lastReleased = 0n

  constructor(permits: number, { of, hears = () => true, quitsAt = Infinity }: Plan) {
    const due = new Map<number, number>()
    this.#limit = permits
    this.network.before = async ({ index }) => {
      if (index === quitsAt) this.#abort.abort(gone)
      await this.network.arrive((write) => (due.get(write.index) ?? Infinity) <= index)
    }
    this.network.hears = hears
    this.network.decide = (write) => {
      const mishap = of(write)
      if (mishap !== 'delivered') this.disturbed.add(write.kind)
      if (typeof mishap === 'string') return mishap
      due.set(write.index, write.index + mishap.lateBy)
      return 'late'
    }
  }

  async client(): Promise<Leasehold> {
    const client = await connect(this.network.source(this.#namespace), { clock })
    this.#opened.push(client)
    return client
  }

  async enter(client: Leasehold, signal?: AbortSignal): Promise<Hold> {
    const released = this.#lastReleased
    const hold = await lockOf(client, this.#limit).acquire({ waitMs: 10_000, signal })
    this.#inside.add(hold)
    if (this.#inside.size > this.#limit) this.problems.push('too many hold')
    if (hold.token <= released) this.problems.push('a token did not grow')
    return hold
  }

  /** Uses the hold, and releases it. Until then it must stand, after any fault. */
  async leave(hold: Hold): Promise<void> {
    await hold.checkpoint(`by ${hold.token}`)
    await hold.verify()
    if (hold.token > this.#lastReleased) this.#lastReleased = hold.token
    this.#inside.delete(hold)
    await hold.release()
  }

  async visit(client: Leasehold): Promise<void> {
    await this.leave(await this.enter(client))
  }

  /** Comes and waits, but not to the end. */
  async quit(client: Leasehold): Promise<void> {
    const hold = await this.enter(client, this.#abort.signal).catch((error) => {
      if (error !== gone) throw error
    })
    if (hold) await this.leave(hold)
  }

  async waiting(count: number): Promise<void> {
    const look = async (): Promise<void> => {
      const tickets = await store.keys(`${this.#namespace}a/.line/`)
      expect(tickets.length).toBeGreaterThanOrEqual(count)
    }
    await vi.waitFor(look, { timeout: 10_000, interval: 5 })
  }

  /** All that is late arrives, and then nothing may be left, or be in the way. */
  async end(): Promise<void> {
    this.network.decide = () => 'delivered'
    this.network.hears = () => true
    await this.network.arrive()
    const names = await store.names(this.#namespace)
    if (names.length > 0) this.problems.push(`when all is over there is ${names}`)
    const hold = await lockOf(await this.client(), this.#limit).tryAcquire()
    if (!hold) this.problems.push('when all is over it is not free')
    await hold?.release()
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((client) => client.close()))
    await this.network.arrive()
    this.network.close()
  }
}

/** All that there is is held by one client, others wait, each gets its turn; then it is taken without a wait. */
async function play(run: Run, permits: number): Promise<void> {
  const [one, two, three] = [await run.client(), await run.client(), await run.client()]
  const holds: Hold[] = []
  for (let held = 0; held < permits; held += 1) holds.push(await run.enter(one))
  const turns = [run.visit(two), run.quit(two)]
  await run.waiting(1)
  turns.push(run.visit(three))
  await run.waiting(2)
  await Promise.all(holds.map((hold) => run.leave(hold)))
  await Promise.all(turns)
  await run.visit(one)
}

async function outcome(permits: number, plan: Plan): Promise<Run> {
  const run = new Run(permits, plan)
  await play(run, permits)
    .then(() => run.end())
    .catch((error) => run.problems.push(String(error)))
  await run.close()
  return run
}

/** Several at a time: most of a run is a wait for the next try. */
async function inParallel<T>(todo: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const rest = [...todo]
  const worker = async (): Promise<void> => {
    for (let one = rest.shift(); one; one = rest.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

const mishaps: readonly Mishap[] = [
  'unsent',
  'unanswered',
  { lateBy: 1 },
  { lateBy: 3 },
  { lateBy: Infinity },
]
const kindsOf: Record<number, Kind[]> = {
  1: ['take', 'join', 'take from the line', 'release', 'release from the line', 'tidying', 'checkpoint'],
  2: ['slot', 'join', 'slot from the line', 'give up slot', 'tidying', 'checkpoint', 'end of session'],
}

test.for([1, 2])(
  'whichever one write goes astray, all get their turn and nothing stays (%d holders)',
  { timeout: 120_000 }, // a hundred cases, each with its outage
  async (permits) => {
    const writes = (await outcome(permits, { of: () => 'delivered' })).network.log.length
    const cases = mishaps.flatMap((mishap) => Array.from({ length: writes }, (_, at) => ({ mishap, at })))
    const disturbed = new Set<Kind>()

    await inParallel(cases, async ({ mishap, at }) => {
      const run = await outcome(permits, { of: ({ index }) => (index === at ? mishap : 'delivered') })
      for (const kind of run.disturbed) disturbed.add(kind)
      expect(run.problems, `write ${at} ${JSON.stringify(mishap)}:\n${run.network.log.join('\n')}`).toEqual(
        [],
      )
    })

    expect([...disturbed]).toEqual(expect.arrayContaining(kindsOf[permits] as Kind[]))
  },
)

/** Up to six mishaps: more in a row, and a client may rightly say that Consul cannot be reached. */
const anyPlan = fc.record({
  writes: fc.array(fc.tuple(fc.integer({ min: 4, max: 40 }), fc.constantFrom(...mishaps)), { maxLength: 4 }),
  reads: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 2 }),
  quitsAt: fc.integer({ min: 0, max: 40 }),
})

test.for([1, 2])(
  'after any faults of several writes, all clients get their turn and nothing is left (%d holders)',
  async (permits, { task }) => {
    const plans = fc.sample(anyPlan, { numRuns: 60, seed: drawFor(task).seed })

    await inParallel(plans, async ({ writes, reads, quitsAt }) => {
      const fates = new Map(writes)
      let heard = 0
      const run = await outcome(permits, {
        of: ({ index }) => fates.get(index) ?? 'delivered',
        hears: () => !reads.includes((heard += 1)),
        quitsAt,
      })
      const plan = JSON.stringify({ writes, reads, quitsAt })
      const story = `${plan}\n${run.network.log.join('\n')}\nreplay it: ${replayOf(task)}`
      expect(run.problems, story).toEqual([])
    })
  },
)
