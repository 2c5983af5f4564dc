// Looks at the store while at least one page is open, once for all pages, and sends them the differences. Owns when it looks.
import type { CronState } from '../../api/cron.ts'
import type { Leasehold } from '../../api/leasehold.ts'
import { roomyController, untilAborted } from '../../base/abort.ts'
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import { RefusedError } from '../../base/errors.ts'
import { printableJson } from '../../base/printable.ts'
import type { NameState } from '../../contract.ts'
import { messageOf } from '../exit.ts'
import { Chronicle, historyMs } from './chronicle.ts'
import type { Change, JobView, NameView, Pulse, State } from './ui-messages.ts'
import { jobView, nameView } from './views.ts'
import { Watches } from './watches.ts'

/** The time between two looks, in ms. A look that takes long makes it longer: a store is busy for at most a fifth of it. */
const everyMs = 1_000
const busyShare = 4
/** The least time between two looks, in ms: a name that changes hands all the time does not keep the store busy. */
const leastMs = 100
/** How long one look may take, in ms. */
const lookMs = 10_000
const pulseMs = 1_000

/** One open page. */
export interface Viewer {
  /** Sends an event. A page that has not got everything before gets `whole` instead. */
  send(event: string, whole: () => string): void
  /** Sends a short event that may be left out. */
  pulse(event: string): void
}

/** The looks of one server. */
export class Feed {
  readonly #client: Leasehold
  readonly #clock: Clock
  readonly #about: Pick<State, 'prefix' | 'mayBreak'>
  readonly #chronicle = new Chronicle()
  readonly #watches: Watches
  readonly #viewers = new Set<Viewer>()
  #names = new Map<string, NameView>()
  #texts = new Map<string, string>()
  #jobs: readonly JobView[] = []
  #running: AbortController | undefined
  #whole: string | undefined
  #isCurrent = false
  #answered: number | null = null
  #error: string | null = null
  /** Whether something has changed since the last look began. */
  #isDue = false
  #wake = (): void => {}

  constructor(client: Leasehold, clock: Clock, about: Pick<State, 'prefix' | 'mayBreak'>) {
    this.#client = client
    this.#clock = clock
    this.#about = about
    this.#watches = new Watches(client, () => this.look())
  }

  /** How many pages are open. */
  get viewers(): number {
    return this.#viewers.size
  }

  /** Adds a page, which gets the whole state as soon as the store has answered. Returns a function that removes it. */
  join(viewer: Viewer): () => void {
    this.#viewers.add(viewer)
    if (!this.#running) this.#begin()
    viewer.pulse(this.#pulse())
    if (this.#isCurrent) viewer.send('', () => this.#state())
    return () => {
      this.#viewers.delete(viewer)
      if (this.#viewers.size === 0) this.end()
    }
  }

  /** Looks soon, and not only when it is time. */
  look(): void {
    this.#isDue = true
    this.#wake()
  }

  /** Ends the looks. They begin again with the next page. */
  end(): void {
    this.#running?.abort()
    this.#running = undefined
    this.#isCurrent = false
    this.#answered = null
    this.#error = null
    this.#watches.end()
  }

  #begin(): void {
    const running = roomyController()
    this.#running = running
    const { signal } = running
    const ended = (error: unknown): void => {
      if (!signal.aborted) throw error
    }
    void this.#run(signal).catch(ended)
    void this.#beat(signal).catch(ended)
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failed = false; ; ) {
      const begun = this.#clock.mark()
      this.#isDue = false
      failed = !(await this.#lookNow(signal, failed))
      const tookMs = leastElapsedMs(begun, this.#clock.mark())
      await pause(this.#clock, Math.max(leastMs, tookMs), signal)
      await this.#rest(Math.max(everyMs, busyShare * tookMs), signal)
    }
  }

  /** Waits, at most until something changes. */
  #rest(ms: number, signal: AbortSignal): Promise<void> {
    return untilAborted(signal, ({ resolve }) => {
      this.#wake = resolve
      if (this.#isDue) resolve()
      return this.#clock.after(ms, resolve)
    })
  }

  async #beat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.#clock, pulseMs, signal)
      const event = this.#pulse()
      for (const viewer of this.#viewers) viewer.pulse(event)
    }
  }

  #pulse(): string {
    const pulse: Pulse = { now: this.#clock.wallMs(), answered: this.#answered, error: this.#error }
    return eventOf('pulse', pulse)
  }

  /** Asks the store, and sends the differences. Returns whether it answered. */
  async #lookNow(signal: AbortSignal, failed: boolean): Promise<boolean> {
    try {
      const [states, jobs] = await this.#ask(signal)
      signal.throwIfAborted()
      this.#answered = this.#clock.wallMs()
      this.#error = null
      this.#tell(states, jobs, failed)
      return true
    } catch (error) {
      signal.throwIfAborted()
      this.#error = messageOf(error)
      return false
    }
  }

  #ask(signal: AbortSignal): Promise<[NameState[], CronState[]]> {
    const { prefix } = this.#about
    const options = { signal, timeoutMs: lookMs }
    const jobs = this.#client.cronJobs(prefix, options).catch((error) => {
      if (!(error instanceof RefusedError)) throw error
      return [] // credentials for the claims alone
    })
    return Promise.all([this.#client.survey(prefix, options), jobs])
  }

  #tell(states: readonly NameState[], cronJobs: readonly CronState[], failed: boolean): void {
    const nowMs = this.#clock.wallMs()
    const history = this.#chronicle.note(nowMs, states, cronJobs, failed)
    const { names, gone } = this.#differences(states, nowMs)
    const jobs = cronJobs.map(jobView)
    const change: Change = { names, gone, jobs: isSame(jobs, this.#jobs) ? null : jobs, ...history }
    this.#jobs = jobs
    this.#watches.follow(this.#names.values())
    this.#whole = undefined
    this.#isCurrent = true
    const event = hasNews(change) ? eventOf('change', change) : ''
    for (const viewer of this.#viewers) viewer.send(event, () => this.#state())
  }

  /** The names that differ from the last look, and those that are gone. */
  #differences(states: readonly NameState[], nowMs: number): { names: NameView[]; gone: string[] } {
    const before = this.#names
    const texts = this.#texts
    this.#names = new Map()
    this.#texts = new Map()
    for (const state of states) {
      const { name } = state
      const seen = (claim: NameState['claims'][number]): number | null =>
        this.#chronicle.seenSince(name, claim)
      const view = nameView(state, nowMs, seen, before.get(name))
      this.#names.set(name, view)
      this.#texts.set(name, printableJson(view))
    }
    const names = [...this.#names.values()].filter(({ name }) => texts.get(name) !== this.#texts.get(name))
    return { names, gone: [...before.keys()].filter((name) => !this.#names.has(name)) }
  }

  #state(): string {
    return (this.#whole ??= eventOf('state', this.#everything()))
  }

  #everything(): State {
    const { history } = this.#chronicle
    const names = [...this.#names.values()]
    return { url: this.#client.url, ...this.#about, historyMs, names, gone: [], jobs: this.#jobs, ...history }
  }
}

function hasNews({ jobs, names, gone, spans, waits, ticks, gaps }: Change): boolean {
  return jobs !== null || [names, gone, spans, waits, ticks, gaps].some((each) => each.length > 0)
}

function isSame(jobs: readonly JobView[], before: readonly JobView[]): boolean {
  return printableJson(jobs) === printableJson(before)
}

/** An event as `text/event-stream` has it. JSON has no line break, and a terminal obeys none of it. */
function eventOf(name: string, data: object): string {
  return `event: ${name}\ndata: ${printableJson(data)}\n\n`
}
