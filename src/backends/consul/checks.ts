// Verifies mutexes of one client, many in one transaction. Owns that a key counts as its claim's own only if it is as the client
// left it; mutex.ts reads the others one by one.
import { RefusedError } from '../../base/errors.ts'
import { Batches } from '../shared/batches.ts'
import type { Held } from './claims.ts'
import type { Operation, StoredKey, Transport } from './wire/transport.ts'

/** The most operations of one transaction. */
const mostKeys = 64

/** Questions about the keys by which claims hold. */
export class Checks {
  readonly #transport: Transport
  readonly #batches: Batches<Held, boolean>

  constructor(transport: Transport) {
    this.#transport = transport
    this.#batches = new Batches(
      () => mostKeys,
      (held, signal) => this.#ask(held, signal),
    )
  }

  /**
   * Whether this key is as the client left it, by a consistent read that is sent after this call. Then its session still
   * holds it. If not, another client wrote it or took it away.
   */
  unchanged(held: Held, signal: AbortSignal): Promise<boolean> {
    return this.#batches.ask(held, signal)
  }

  /** Only a transaction in which all conditions hold counts: one that fails names those that do not, and is sent without. */
  async #ask(held: readonly Held[], signal: AbortSignal): Promise<boolean[]> {
    const operations = held.map(
      ({ key, modified: index }): Operation => ({ verb: 'check-index', key, index }),
    )
    const outcome = await this.#transport.txn(operations, signal).catch((error) => {
      // The token may not read one of the keys. Each caller then asks alone, and has an error of its own.
      if (error instanceof RefusedError) return undefined
      throw error
    })
    if (!outcome) return held.map(() => false)
    if (outcome.applied) return held.map((each) => outcome.entries.some((entry) => isOwn(entry, each)))
    const failed = new Set(outcome.failures.map(({ operation }) => operation))
    const left = held.filter((_, place) => !failed.has(place))
    const stand = left.length > 0 && left.length < held.length ? await this.#ask(left, signal) : []
    return held.map((each) => stand[left.indexOf(each)] ?? false)
  }
}

function isOwn({ key, session, createIndex, modifyIndex }: StoredKey, held: Held): boolean {
  return (
    key === held.key &&
    session === held.session &&
    createIndex === held.created &&
    modifyIndex === held.modified
  )
}
