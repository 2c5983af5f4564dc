// Questions of one client to its store. Owns that questions of one moment share requests: the holds of a client are verified at
// the same moments, and ten thousand requests of their own would keep the store busy. The backends know what they ask.
import { roomyController, type Settle, untilAborted } from '../../base/abort.ts'

/** A question for which a caller waits. */
interface Wanted<Q, A> {
  readonly question: Q
  readonly settle: Settle<A>
  /** The request that asks it, once it is sent. */
  request?: Request
}

interface Request {
  /** How many callers still wait for it. */
  waiting: number
  readonly limit: AbortController
}

/** Sends questions to the store in one request, and resolves with their answers, in the same order. */
export type Send<Q, A> = (questions: readonly Q[], signal: AbortSignal) => Promise<readonly A[]>

/** Requests of many questions. Questions that are asked while one is under way are in the next one. */
export class Batches<Q, A> {
  readonly #most: () => number
  readonly #send: Send<Q, A>
  readonly #pace: (request: Promise<void>) => Promise<void>
  readonly #sizeOf: (question: Q) => number
  /** The questions that were not sent yet. */
  readonly #wanted = new Set<Wanted<Q, A>>()
  #busy = false

  /**
   * `most` tells the number of questions that one request takes now. `pace` gets a request that is under way, and resolves when the
   * next one may be sent: by default, when that one is over. `sizeOf` tells for how many a question counts: by default, for one.
   */
  constructor(
    most: () => number,
    send: Send<Q, A>,
    pace = (request: Promise<void>): Promise<void> => request,
    sizeOf: (question: Q) => number = () => 1,
  ) {
    this.#most = most
    this.#send = send
    this.#pace = pace
    this.#sizeOf = sizeOf
  }

  /** The answer of a request that is sent after this call. Rejects as that does, and with `signal.reason`. */
  ask(question: Q, signal: AbortSignal): Promise<A> {
    return untilAborted(signal, (settle) => {
      const wanted: Wanted<Q, A> = { question, settle }
      this.#wanted.add(wanted)
      if (!this.#busy) void this.#run()
      return () => {
        this.#wanted.delete(wanted)
        const { request } = wanted
        if (!request) return
        request.waiting -= 1
        // With the reason of the last caller: a server that answers none of them in time is left.
        if (request.waiting === 0 && signal.aborted) request.limit.abort(signal.reason)
      }
    })
  }

  /** Begins when everything that runs at this moment has added its question. */
  async #run(): Promise<void> {
    this.#busy = true
    await undefined
    while (this.#wanted.size > 0) await this.#pace(this.#request(this.#next()))
    this.#busy = false
  }

  /** The questions of the next request. */
  #next(): Wanted<Q, A>[] {
    const batch: Wanted<Q, A>[] = []
    let left = this.#most()
    for (const wanted of this.#wanted) {
      left -= this.#sizeOf(wanted.question)
      if (left < 0 && batch.length > 0) break
      batch.push(wanted)
    }
    return batch
  }

  /** Never rejects: each caller gets the error. */
  async #request(batch: readonly Wanted<Q, A>[]): Promise<void> {
    const request = { waiting: batch.length, limit: roomyController() }
    for (const wanted of batch) {
      this.#wanted.delete(wanted)
      wanted.request = request
    }
    try {
      const questions = batch.map(({ question }) => question)
      const answers = await this.#send(questions, request.limit.signal)
      for (const [place, { settle }] of batch.entries()) settle.resolve(answers[place] as A)
    } catch (error) {
      for (const { settle } of batch) settle.reject(error)
    }
  }
}
