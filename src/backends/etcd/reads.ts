// Reads the keys of claims of one client. Owns that reads share transactions: the holds of a client are verified at the same
// moments, and ten thousand requests of their own would keep etcd busy. claims.ts knows what the keys mean.
import type { IKeyValue } from 'etcd3'
import { type Settle, untilAborted } from '../../base/abort.ts'
import { getAll, read, txn } from './operations.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** The most ranges of one transaction. etcd takes 128 operations by default. */
const mostRanges = 100

/** The keys that a caller waits for. */
interface Wanted {
  readonly range: KeyRange
  readonly settle: Settle<readonly IKeyValue[]>
  /** The request that asks for them, once it is sent. */
  request?: Request
}

interface Request {
  /** How many callers still wait for it. */
  waiting: number
  readonly limit: AbortController
}

/** Reads of keys, one request after another. Keys that are asked for during a request are in the next one. */
export class Reads {
  readonly #transport: Transport
  /** The ranges that were not sent yet. */
  readonly #wanted = new Set<Wanted>()
  #busy = false

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** The keys of this range, by a consistent read that is sent after this call. Rejects as the transport does. */
  all(range: KeyRange, signal: AbortSignal): Promise<readonly IKeyValue[]> {
    return untilAborted(signal, (settle) => {
      const wanted: Wanted = { range, settle }
      this.#wanted.add(wanted)
      if (!this.#busy) void this.#run()
      return () => {
        this.#wanted.delete(wanted)
        const { request } = wanted
        if (!request) return
        request.waiting -= 1
        // With the reason of the last caller: a member that answers none of them in time is left.
        if (request.waiting === 0 && signal.aborted) request.limit.abort(signal.reason)
      }
    })
  }

  /** Begins when everything that runs at this moment has added its keys. */
  async #run(): Promise<void> {
    this.#busy = true
    await undefined
    while (this.#wanted.size > 0) await this.#send([...this.#wanted].slice(0, mostRanges))
    this.#busy = false
  }

  /** Never rejects: each caller gets the error. */
  async #send(batch: readonly Wanted[]): Promise<void> {
    const request = { waiting: batch.length, limit: new AbortController() }
    for (const wanted of batch) {
      this.#wanted.delete(wanted)
      wanted.request = request
    }
    try {
      const asked = batch.map(({ range }) => getAll(range))
      const { responses } = await this.#transport.txn(txn([], asked), request.limit.signal)
      for (const [place, { settle }] of batch.entries()) settle.resolve(read(responses, place).kvs)
    } catch (error) {
      for (const { settle } of batch) settle.reject(error)
    }
  }
}
