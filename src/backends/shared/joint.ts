// Transactions about different names that one client sends as one. Owns which go together, and that each is sent by itself if
// they cannot. A backend says what goes together, and splits the answer.
import type { Clock } from '../../base/clock.ts'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import { Batches } from './batches.ts'

/** How many transactions of a client are under way by themselves before further ones go together. */
export const aloneMost = 2

/** The transactions of a store. */
export interface Sender<Q, A> {
  /** Sends one. */
  send(request: Q, signal: AbortSignal): Promise<A>
  /**
   * Sends several, so that all are done or none. Resolves with the answer to each, in order; undefined for those of which it is
   * only known that they were not done.
   */
  sendTogether(requests: readonly Q[], signal: AbortSignal): Promise<readonly (A | undefined)[]>
  /** Whether it may go together with others. */
  isSmall(request: Q): boolean
  /** The longest time that the next ones wait for the answer to those before, in ms: the network may have lost that. */
  readonly patienceMs: number
  /** How many go together now, or how large they may be in sum. */
  togetherMost(): number
  /** For how many one counts. */
  sizeOf?(request: Q): number
}

/** The transactions of one name that wait or go together. */
interface Share {
  /** Whether they only end claims. */
  readonly areEnds: boolean
  count: number
}

/** Sends the transactions of one client. */
export class Joint<Q, A> {
  readonly #sender: Sender<Q, A>
  readonly #clock: Clock
  readonly #aloneMost: number
  readonly #batches: Batches<Q, A | undefined>
  /** By name, the transactions that wait or go together. */
  readonly #shares = new Map<string, Share>()
  #alone = 0

  /** `most` is the number of transactions under way from which on others go together. */
  constructor(sender: Sender<Q, A>, clock: Clock, most: number = aloneMost) {
    this.#sender = sender
    this.#clock = clock
    this.#aloneMost = most
    this.#batches = new Batches(
      () => sender.togetherMost(),
      (parts, signal) => this.#together(parts, signal),
      (request) => this.#inPatience(request),
      sender.sizeOf,
    )
  }

  /**
   * Sends a transaction about one name. If many are under way, it goes together with those of other names, on the condition that
   * all their conditions hold. Otherwise nothing was changed, and each is sent by itself. Several of one name go together only if each
   * `isEnd`: it only ends a claim. Rejects as the store does, and with `signal.reason`.
   */
  txn(name: string, request: Q, signal: AbortSignal, isEnd = false): Promise<A> {
    const share = this.#shares.get(name)
    const isTaken = share !== undefined && !(isEnd && share.areEnds)
    const isAlone = this.#alone < this.#aloneMost || isTaken || !this.#sender.isSmall(request)
    return isAlone ? this.#byItself(request, signal) : this.#withOthers(name, request, signal, isEnd)
  }

  async #withOthers(name: string, request: Q, signal: AbortSignal, isEnd: boolean): Promise<A> {
    const share = this.#shares.get(name) ?? { areEnds: isEnd, count: 0 }
    this.#shares.set(name, share)
    share.count += 1
    try {
      const answer = await this.#batches.ask(request, signal)
      if (answer) return answer
    } finally {
      share.count -= 1
      if (share.count === 0) this.#shares.delete(name)
    }
    return this.#byItself(request, signal)
  }

  async #byItself(request: Q, signal: AbortSignal): Promise<A> {
    this.#alone += 1
    try {
      return await this.#sender.send(request, signal)
    } finally {
      this.#alone -= 1
    }
  }

  /** Undefined for each part if nothing was changed. A refusal may be due to one part: then each gets its own answer. */
  async #together(parts: readonly Q[], signal: AbortSignal): Promise<readonly (A | undefined)[]> {
    const [first, ...more] = parts as [Q, ...Q[]]
    if (more.length === 0) return [await this.#sender.send(first, signal)]
    try {
      return await this.#sender.sendTogether(parts, signal)
    } catch (error) {
      if (error instanceof RefusedError || error instanceof SessionGoneError)
        return parts.map(() => undefined)
      throw error
    }
  }

  /** Resolves when the request is over, or has taken long. */
  #inPatience(request: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#sender.patienceMs, resolve)
      request.then(cancel).then(resolve)
    })
  }
}
