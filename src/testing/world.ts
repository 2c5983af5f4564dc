// Virtual time: one queue of events for everything that happens in a simulated run. Owns their order and their trace.
// network.ts sends messages; process.ts runs code.
import { createHash, type Hash } from 'node:crypto'
import { Random } from './random.ts'

/** A future event. */
interface Event {
  readonly atUs: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** The host and process of a holder, as error messages name them. */
const runner = /[^ ]+ \(pid \d+\)/g

/** A run with more events than this counts as one that does not end. */
const eventsMax = 400_000

/** One simulated run. The same seed with the same calls gives the same run, event by event. */
export class World {
  readonly seed: number
  readonly #queue = new Queue()
  readonly #trace: Hash = createHash('sha256')
  readonly #log: string[] | undefined
  readonly #marks = new Map<string, number>()
  #nowUs = 0
  #order = 0
  #events = 0

  /** With `log`, the lines of the trace are kept, so that `story` can show them. */
  constructor(seed: number, { log = false }: { readonly log?: boolean } = {}) {
    this.seed = seed
    this.#log = log ? [] : undefined
  }

  /** True time since the run began, in µs. No process can see it. */
  get nowUs(): number {
    return this.#nowUs
  }

  /** True time in ms. */
  get nowMs(): number {
    return this.#nowUs / 1_000
  }

  /** A stream of randomness for one purpose. */
  random(...purpose: readonly string[]): Random {
    return new Random(this.seed, ...purpose)
  }

  /** Calls `run` after this time. The returned function cancels. Events of the same instant keep their order. */
  after(delayMs: number, run: () => void): () => void {
    const atUs = this.#nowUs + Math.max(0, Math.round(delayMs * 1_000))
    this.#order += 1
    const event: Event = { atUs, order: this.#order, run, cancelled: false }
    this.#queue.push(event)
    return () => {
      event.cancelled = true
    }
  }

  /**
   * Adds a line to the trace, whose hash must be equal in two runs of one seed. Error messages name the host and process
   * of a holder. Here these belong to the test runner and differ from run to run, so the trace leaves them out.
   */
  note(what: string): void {
    const line = `${this.#nowUs} ${what.includes('(pid ') ? what.replaceAll(runner, 'somebody') : what}\n`
    this.#trace.update(line)
    this.#log?.push(line)
  }

  /** Counts a state that is worth testing and has occurred in this run. */
  mark(state: string): void {
    this.#marks.set(state, (this.#marks.get(state) ?? 0) + 1)
  }

  /** The marked states, with their counts. */
  get marks(): ReadonlyMap<string, number> {
    return this.#marks
  }

  /** The last lines of the trace, if it is kept. */
  story(lines = 200): string {
    return (this.#log ?? []).slice(-lines).join('')
  }

  /** A short hash of everything that has happened. */
  digest(): string {
    return this.#trace.copy().digest('hex').slice(0, 16)
  }

  /**
   * Lets time pass until `untilMs`, or until `done` returns true after some event. After each event it waits for every
   * promise that can settle. Throws when there are too many events.
   */
  async run(untilMs: number, done: () => boolean = () => false): Promise<void> {
    await settled()
    while (!done()) {
      const event = this.#queue.pop(untilMs * 1_000)
      if (!event) {
        this.#nowUs = Math.max(this.#nowUs, Math.round(untilMs * 1_000))
        return
      }
      if (event.cancelled) continue
      this.#nowUs = event.atUs
      this.#events += 1
      if (this.#events > eventsMax) throw new Error(`no end after ${eventsMax} events at ${this.nowMs} ms`)
      event.run()
      await settled()
    }
  }
}

/**
 * Resolves when every promise that needs no timer has settled. A promise asks for each `nextTick` here, and Node runs
 * that callback only when no promise is left to run.
 */
export async function settled(): Promise<void> {
  for (let hop = 0; hop < 2; hop += 1) await new Promise<void>((resolve) => process.nextTick(resolve))
}

/** A binary heap of events, the earliest on top. */
class Queue {
  readonly #heap: Event[] = []

  push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (isBefore(heap[above] as Event, event)) break
      heap[at] = heap[above] as Event
      at = above
    }
    heap[at] = event
  }

  /** The next event, if it is not later than this. */
  pop(untilUs: number): Event | undefined {
    const [top] = this.#heap
    if (!top || top.atUs > untilUs) return undefined
    const last = this.#heap.pop() as Event
    if (this.#heap.length > 0) this.#sink(last)
    return top
  }

  #sink(event: Event): void {
    const heap = this.#heap
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const right = left + 1
      const child = right < heap.length && isBefore(heap[right] as Event, heap[left] as Event) ? right : left
      if (child >= heap.length || isBefore(event, heap[child] as Event)) {
        heap[at] = event
        return
      }
      heap[at] = heap[child] as Event
      at = child
    }
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atUs < other.atUs || (one.atUs === other.atUs && one.order < other.order)
}
