// The looks of the claims of one client at their lines, each at one state of the store. Owns what is read for a look. Looks of one moment at
// whole lines share a transaction: when a watch begins, each claim that waits for it looks at once. claims.ts acts on what they show.
import type { IKeyValue } from 'etcd3'
import { Batches } from '../shared/batches.ts'
import { admits, type Line } from './line.ts'
import type { Found, Lines } from './lines.ts'
import { getAll, look, read, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { Portions } from './portions.ts'
import type { Reads } from './reads.ts'
import type { Transport } from './wire/transport.ts'

/** The most claims of one transaction, and the most reads of each: etcd takes 128 operations by default. */
const [mostClaims, readsEach] = [50, 2]

/** The keys that a look has found. */
export interface Sight {
  /** Its own keys. */
  readonly own: readonly IKeyValue[]
  /** The claims ahead of it. Throws ConflictError if there are too many keys. */
  line(): Line
}

/** The looks of one client. */
export class Looks {
  readonly #transport: Transport
  readonly #lines: Lines
  readonly #reads: Reads
  readonly #shared: Batches<ClaimState, Sight>

  constructor(transport: Transport, lines: Lines, reads: Reads, portions: Portions) {
    this.#transport = transport
    this.#lines = lines
    this.#reads = reads
    this.#shared = new Batches(
      () => portions.size(mostClaims, readsEach),
      (states, signal) => portions.send(states, readsEach, (some) => this.#together(some, signal)),
    )
  }

  /**
   * The claim's own keys and its line, `most` keys of it or all with 0, as they are after this call. Nobody is put ahead of a claim that
   * stands. So if it has room behind those that are known to stand ahead, its own keys are all that is read. Rejects as the transport does.
   */
  async at(state: ClaimState, signal: AbortSignal, most: number): Promise<Sight> {
    const { claim, keys } = state
    const known = this.#lines.present(state)
    if (known && admits(known, claim))
      return { own: await this.#reads.all(keys.own, signal), line: () => known }
    if (claim.permits > 1 && keys.records === undefined) return this.#shared.ask(state, signal)
    return this.#alone(state, signal, most)
  }

  async #alone(state: ClaimState, signal: AbortSignal, most: number): Promise<Sight> {
    const { keys, created: before } = state
    const reads = [getAll(keys.own), ...look(keys, most, { before })]
    const answer = await this.#transport.txn(txn([], reads), signal)
    const line = (): Line => this.#lines.of(state, this.#lines.found(state, answer, 1), { before })
    return { own: read(answer.responses, 0).kvs, line }
  }

  /** Reads the lines of these claims, each of them once and only what is not known of it, and the claims' own keys. */
  async #together(states: readonly ClaimState[], signal: AbortSignal): Promise<Sight[]> {
    const firsts = new Map(states.map((state) => [state.keys.line.key, state]))
    const asked = [...firsts.values()].map((state) => ({ state, after: this.#lines.after(state) }))
    const lines = asked.flatMap(({ state, after }) => look(state.keys, 0, { after }))
    const own = states.map(({ keys }) => getAll(keys.own))
    const answer = await this.#transport.txn(txn([], [...lines, ...own]), signal)
    const upTo = BigInt(answer.header.revision)
    const found = new Map(
      asked.map(({ state, after }, place) => {
        const keys = once(() => this.#lines.found(state, answer, place))
        return [state.keys.line.key, { keys, after }] as const
      }),
    )
    return states.map((state, place) => {
      const { keys, after } = found.get(state.keys.line.key) as { keys: () => Found; after: bigint }
      const line = (): Line => this.#lines.of(state, keys(), { before: state.created, after, upTo })
      return { own: read(answer.responses, lines.length + place).kvs, line }
    })
  }
}

/** Calls `make` when its result is needed, and at most once unless it throws. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
