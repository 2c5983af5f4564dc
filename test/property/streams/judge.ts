// The invariants of a connection's requests and watches, for every behaviour of its peer. Owns the judgement.
import type { Change, WatchListener } from '../../../src/backends/etcd/wire/transport.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../src/base/errors.ts'
import type { Invariant, Violation } from '../invariants.ts'
import type { Peer } from './peer.ts'
import type { StreamPlan } from './plan.ts'

/** The time limit for everything that has to happen: far longer than it takes, even on a busy machine. */
export const boundMs = 20_000

/** The verdict on one run. */
export class Judge {
  readonly violations: Violation[] = []
  /** The states that were seen, with their counts. */
  readonly marks = new Map<string, number>()
  readonly story: string[] = []
  readonly #peer: Peer
  readonly #refuses: boolean
  readonly #beganMs = performance.now()

  constructor(peer: Peer, plan: StreamPlan) {
    const reactions = [...plan.unary, ...plan.renewals, ...plan.watches]
    this.#peer = peer
    this.#refuses = reactions.some(({ kind }) => kind === 'refusal')
  }

  complain(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what })
    this.note(`VIOLATION of ${invariant}: ${what}`)
  }

  note(what: string): void {
    this.story.push(`${(performance.now() - this.#beganMs).toFixed(1).padStart(8)} ms: ${what}`)
  }

  mark(what: string): void {
    this.marks.set(what, (this.marks.get(what) ?? 0) + 1)
  }

  /**
   * Checks that a request settles in time after its caller gave up, and fails only with the errors of a transport.
   * Resolves with the answer, or with undefined if there is none.
   */
  async request<T>(
    title: string,
    signal: AbortSignal,
    asked: Promise<T>,
  ): Promise<{ answer: T } | undefined> {
    const late = Symbol('late')
    let timer: NodeJS.Timeout | undefined
    const bound = new Promise<typeof late>((resolve) => {
      const start = (): void => {
        timer = setTimeout(() => resolve(late), boundMs)
      }
      if (signal.aborted) start()
      else signal.addEventListener('abort', start, { once: true })
    })
    try {
      const answer = await Promise.race([asked, bound])
      if (answer !== late) return { answer: answer as T }
      this.complain('own-answer', `${title} is not settled ${boundMs} ms after its caller gave up`)
    } catch (error) {
      this.#failed(title, signal, error)
    } finally {
      clearTimeout(timer)
    }
    return undefined
  }

  /** Checks that only its own answer counted for a renewal: to this very request, for its lease, with time to live. */
  renewed(title: string, lease: string, sinceMs: number): void {
    this.note(`${title}: answered`)
    this.mark('renewal answered')
    const its = this.#peer.renewals.filter((answer) => answer.lease === lease && answer.ttl > 0)
    // A second copy of an answer cannot be distinguished from the answer to the next question.
    if (its.some(({ askedMs, copy }) => copy || askedMs >= sinceMs)) return
    const late = its.some(({ sentMs }) => sentMs >= sinceMs)
    const instead = late ? 'by the late answer to an earlier one' : `without an answer for ${lease}`
    this.complain('own-answer', `${title} counts ${instead}`)
  }

  /** A listener whose events are judged. */
  watch(key: string): Heard {
    return new Heard(key, this, this.#peer)
  }

  #failed(title: string, signal: AbortSignal, error: unknown): void {
    this.note(`${title}: ${error}`)
    const mark = this.#meaning(signal, error)
    if (mark) this.mark(mark)
    else
      this.complain(
        'own-answer',
        `${title} failed with ${error instanceof Error ? error.stack : String(error)}`,
      )
    if (error instanceof SessionGoneError) this.#gone(title)
  }

  /** The meaning of a failure. Undefined for a failure that a transport must not have. */
  #meaning(signal: AbortSignal, error: unknown): string | undefined {
    if (signal.aborted && error === signal.reason) return 'given up'
    if (error instanceof UnavailableError) return 'unavailable'
    if (error instanceof SessionGoneError) return 'session gone'
    return error instanceof RefusedError && this.#refuses ? 'refused' : undefined
  }

  /** Checks that a lease counts as gone only after an answer about it, or a refused request. */
  #gone(title: string): void {
    const lease = title.split(' ')[1]
    const told = this.#peer.renewals.some((answer) => answer.lease === lease && answer.ttl <= 0)
    if (!told && !this.#refuses)
      this.complain('own-answer', `${title} was told that its lease is gone, which no answer said`)
  }
}

/** The events of one watch: each at most once and in order, until its end. */
export class Heard implements WatchListener {
  readonly key: string
  /** Ended by the connection, or by the program. */
  ended: 'failed' | 'stopped' | undefined
  last = 0n
  readonly #judge: Judge
  readonly #peer: Peer
  #created = false

  constructor(key: string, judge: Judge, peer: Peer) {
    this.key = key
    this.#judge = judge
    this.#peer = peer
  }

  created(): void {
    this.#judge.note(`${this.key} is live`)
    this.#judge.mark('watch live')
    this.#alive('that it is live')
    if (this.#created) this.#judge.complain('ordered-events', `${this.key} hears twice that it is live`)
    this.#created = true
  }

  deleted(deletions: readonly Change[]): void {
    for (const { key, revision } of deletions) {
      this.#judge.note(`${this.key} hears of ${revision}`)
      this.#judge.mark('event heard')
      this.#alive(`of ${revision}`)
      if (!this.#created)
        this.#judge.complain('ordered-events', `${this.key} hears of ${revision} before it is live`)
      if (key !== this.key || !this.#peer.events.get(key)?.has(revision))
        this.#judge.complain(
          'ordered-events',
          `${this.key} hears of ${revision} of ${key}, which is not its own`,
        )
      if (revision <= this.last)
        this.#judge.complain('ordered-events', `${this.key} hears of ${revision} after ${this.last}`)
      this.last = revision
    }
  }

  failed(): void {
    this.#judge.note(`${this.key} has ended`)
    this.#judge.mark('watch ended')
    this.#alive('of its end')
    this.ended = 'failed'
  }

  /** Whether it knows all that it can know: it got this event, or it ended. */
  knows(revision: bigint): boolean {
    return this.ended !== undefined || this.last >= revision
  }

  #alive(what: string): void {
    if (this.ended) this.#judge.complain('ordered-events', `${this.key} hears ${what} after it ${this.ended}`)
  }
}
