// The messages from the server of `leasehold ui` to its page, as JSON: types only. Both sides are checked against them.
// Times are ms since 1970 by the clock of the server.

/** One claim on a name. */
export interface ClaimView {
  /** The host and process, or else the value or the session: at most 200 characters, which may be of any kind. */
  readonly who: string
  /** The token that `break` takes, in digits, since JSON numbers cannot hold it. */
  readonly token: string
  /** The value that another program or a candidate chose; null for a claim that names its process. */
  readonly value: string | null
  /** When the client asked, by the clock of its own machine. Null if the claim does not say it. */
  readonly asked: number | null
  /** When the server saw the claim begin to hold or to wait. Null if it stood before the first look. */
  readonly seen: number | null
  /** When its session ends unless it is renewed. Null on stores that do not show it. */
  readonly ends: number | null
  readonly weight: number
  /** Until when a name stays taken after its release, as its last holder wrote it. */
  readonly keptUntil: string | null
}

/** The kind of a name, as `leasehold ls` shows it. */
export type Kind = 'mutex' | 'election' | 'semaphore' | 'rwlock' | '?'

/** One name with claims. */
export interface NameView {
  readonly name: string
  readonly kind: Kind
  readonly permits: number | null
  readonly holders: readonly ClaimView[]
  /** The first 100 waiters, in order. */
  readonly waiters: readonly ClaimView[]
  /** The number of all holders and of all waiters. */
  readonly holding: number
  readonly waiting: number
}

/** One cron job with its last tick. */
export interface JobView {
  readonly name: string
  readonly tick: number
  readonly by: string
  readonly began: number | null
  readonly ended: number | null
  readonly done: boolean
}

/** A time in which one claim held a name. A later message with the same id replaces it. */
export interface Span {
  readonly id: number
  readonly name: string
  readonly who: string
  readonly token: string
  readonly from: number
  /** Null while it holds. */
  readonly to: number | null
  /** Whether the server saw it begin. Otherwise `from` is the time at which the client asked, or that of the first look. */
  readonly whole: boolean
}

/** A wait that is over, because its claim held or because it left the line. */
export interface WaitView {
  readonly name: string
  readonly at: number
  readonly ms: number
  readonly held: boolean
}

/** A time without looks, since nobody had the page open, or since the store did not answer. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly reason: 'unwatched' | 'no answer'
}

/** Everything that happened in the last minutes. */
export interface History {
  readonly spans: readonly Span[]
  readonly waits: readonly WaitView[]
  readonly ticks: readonly JobView[]
  readonly gaps: readonly Gap[]
}

/** The event `change`: the names and jobs that differ from the last message, and the news for the history. */
export interface Change extends History {
  readonly names: readonly NameView[]
  readonly gone: readonly string[]
  /** All jobs, or null if none changed. */
  readonly jobs: readonly JobView[] | null
}

/** The event `state`: all names, jobs and history. It replaces what the page knows. */
export interface State extends Change {
  readonly url: string
  readonly prefix: string
  readonly mayBreak: boolean
  /** How far back the history goes, in ms. */
  readonly historyMs: number
}

/** The event `pulse`, once per second. */
export interface Pulse {
  readonly now: number
  /** When the store answered last. Null if it has not answered since the page was opened. */
  readonly answered: number | null
  /** Why the last question failed; null if it did not. */
  readonly error: string | null
}

/** The answer to `POST /break`. */
export interface BreakAnswer {
  readonly broken: boolean
  readonly message: string
}
