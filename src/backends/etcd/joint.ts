// Transactions about different names that one client sends as one. Owns which go together, and what each learns from their
// common answer. claims.ts makes them, and ARCHITECTURE.md says why no claim can tell the difference.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { Clock } from '../../base/clock.ts'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import { Batches } from '../shared/batches.ts'
import { txn } from './operations.ts'
import type { Portions } from './portions.ts'
import type { Transport } from './wire/transport.ts'

/** How many transactions of a client are under way by themselves before further ones go together. */
export const aloneMost = 2
/** The most transactions that go together, and the most conditions or changes of each: etcd takes 128 of them by default. */
const [togetherMost, partsMost] = [40, 3]
/** The longest time that a transaction waits for an answer to the one before, in ms: the network may have lost that. */
const patienceMs = 20

/** Sends the transactions of one client. */
export class Joint {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #aloneMost: number
  readonly #batches: Batches<ITxnRequest, ITxnResponse | undefined>
  /** The names of the transactions that wait or go together. */
  readonly #names = new Set<string>()
  #alone = 0

  constructor(transport: Transport, clock: Clock, portions: Portions, most: number = aloneMost) {
    this.#transport = transport
    this.#clock = clock
    this.#aloneMost = most
    this.#batches = new Batches(
      () => portions.size(togetherMost, partsMost),
      (parts, signal) => this.#together(parts, portions, signal),
      (request) => this.#inPatience(request),
    )
  }

  /**
   * Sends a transaction about one name, as `Transport.txn` does. If many are under way, it goes together with those of other
   * names, on the condition that all their conditions hold. Otherwise nothing was changed, and each is sent by itself.
   */
  txn(name: string, request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    const isAlone = this.#alone < this.#aloneMost || this.#names.has(name) || !isSmall(request)
    return isAlone ? this.#byItself(request, signal) : this.#withOthers(name, request, signal)
  }

  async #withOthers(name: string, request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    this.#names.add(name)
    try {
      const answer = await this.#batches.ask(request, signal)
      if (answer) return answer
    } finally {
      this.#names.delete(name)
    }
    return this.#byItself(request, signal)
  }

  async #byItself(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    this.#alone += 1
    try {
      return await this.#transport.txn(request, signal)
    } finally {
      this.#alone -= 1
    }
  }

  /** Undefined for each part if nothing was changed. A refusal may be due to one part: then each gets its own answer. */
  async #together(
    parts: readonly ITxnRequest[],
    portions: Portions,
    signal: AbortSignal,
  ): Promise<readonly (ITxnResponse | undefined)[]> {
    const [first, ...more] = parts as [ITxnRequest, ...ITxnRequest[]]
    if (more.length === 0) return [await this.#transport.txn(first, signal)]
    try {
      return await portions.send(parts, partsMost, async (some) => {
        const answer = await this.#transport.txn(joined(some), signal)
        return answer.succeeded ? split(some, answer) : some.map(() => undefined)
      })
    } catch (error) {
      if (error instanceof RefusedError || error instanceof SessionGoneError)
        return parts.map(() => undefined)
      throw error
    }
  }

  /** Resolves when the request is over, or has taken long. */
  #inPatience(request: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(patienceMs, resolve)
      request.then(cancel).then(resolve)
    })
  }
}

function isSmall({ compare, success }: ITxnRequest): boolean {
  return Math.max(compare?.length ?? 0, success?.length ?? 0) <= partsMost
}

function joined(parts: readonly ITxnRequest[]): ITxnRequest {
  return txn(
    parts.flatMap(({ compare }) => compare ?? []),
    parts.flatMap(({ success }) => success ?? []),
  )
}

/** The answer to each part: its operations stand in a row. */
function split(parts: readonly ITxnRequest[], { header, responses }: ITxnResponse): ITxnResponse[] {
  let next = 0
  return parts.map(({ success }) => {
    const from = next
    next += success?.length ?? 0
    return { header, succeeded: true, responses: responses.slice(from, next) }
  })
}
