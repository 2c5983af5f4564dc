// Requests that go astray during the turns of three clients, each one by itself and several together: all get their turn,
// and nothing stays.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { connect, type Hold, type Leasehold } from '../../../../src/index.ts'
import { drawFor, replayOf } from '../../../property/draw.ts'
import { impatientClock, lockOf } from '../../../servers/astray.ts'
import {
  type Fate,
  type Kind,
  Network,
  type TestConsul,
  useConsul,
  type Write,
} from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'

const store: TestConsul = useConsul()
const clock = impatientClock
const gone = new Error('given up')

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
  2: ['session', 'look', 'slot', 'join', 'slot from the line', 'give up slot', 'tidying', 'checkpoint'],
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
