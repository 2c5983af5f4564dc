// Several claims of one session in one transaction: all of them hold, or none stands. Owns the conditions of that
// transaction, and of the one that removes the claims. claims.ts has the same steps for one claim.
import type { IKeyValue, ITxnResponse } from 'etcd3'
import type { Attempt } from '../../contract.ts'
import type { Tombstones } from '../shared/tombstones.ts'
import { admits, admitted, keysToRead, waiting } from './line.ts'
import { checkCrowd, checkLine } from './line-checks.ts'
import type { Lines } from './lines.ts'
import type { LockDelay } from './lock-delay.ts'
import {
  absent,
  createdAt,
  get,
  look,
  noneSince,
  put,
  putClaim,
  read,
  removeClaim,
  txn,
} from './operations.ts'
import { type ClaimState, change, stands } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

/** The most operations of one kind in a transaction that etcd takes by default. */
const operationsMost = 128
const triesMax = 8

/** How many claims fit into one transaction. With a lock-delay each of them has a record as well as its key. */
export function groupMax(lockDelayMs: number): number {
  return Math.floor(operationsMost / (lockDelayMs > 0 ? 3 : 2))
}

/** The transactions about groups of one client. */
export class Groups {
  readonly #transport: Transport
  readonly #lines: Lines
  readonly #delay: LockDelay
  readonly #tombstones: Tombstones

  constructor(transport: Transport, lines: Lines, delay: LockDelay, tombstones: Tombstones) {
    this.#transport = transport
    this.#lines = lines
    this.#delay = delay
    this.#tombstones = tombstones
  }

  /**
   * Puts the keys of all claims only if all of them then hold; otherwise leaves nothing behind. Each claim needs the absence of
   * its own tombstone. So the withdrawal of any of them refuses the whole transaction, should it arrive later. `since` is a
   * revision at which no claim stood on any name: if no key was created since then, none does. With 0 the lines must be
   * empty.
   */
  async attempt(
    states: readonly ClaimState[],
    signal: AbortSignal,
    since: bigint = 0n,
    tries: number = triesMax,
  ): Promise<Attempt> {
    const lines = states.map(({ keys }) => keys.line)
    if (states.some(({ unanswered }) => unanswered)) await checkCrowd(this.#transport, lines, signal)
    const free = states.flatMap((state) => freeFor(state, since))
    const puts = states.flatMap(({ claim, keys }) => putClaim(claim, keys))
    const reads = states.flatMap(({ claim, keys }) => [get(keys.key), ...look(keys, keysToRead(claim))])
    const response = await change(states, () => this.#transport.txn(txn(free, puts, reads), signal))
    const revision = BigInt(response.header.revision)
    if (response.succeeded) return all(states, revision)
    const each = reads.length / states.length
    const found = states.map((_, index) => read(response.responses, index * each).kvs)
    if (found.some(({ length }) => length > 0)) return this.#again(states, found, revision, signal)
    for (const state of states) state.created = undefined
    const inTheWay = await this.#inTheWay(states, response, each, signal)
    // If no claim is in the way, the keys belong to longer names.
    if (inTheWay || tries === 1) return inTheWay ?? taken
    return this.attempt(states, signal, revision, tries - 1)
  }

  /** The answer if an earlier attempt has put the keys. If not all of them stand, the caller withdraws those that do. */
  async #again(
    states: readonly ClaimState[],
    found: readonly (readonly IKeyValue[])[],
    revision: bigint,
    signal: AbortSignal,
  ): Promise<Attempt> {
    for (const [index, state] of states.entries()) {
      const [own] = found[index] ?? []
      state.created = own && BigInt(own.create_revision)
    }
    const looks = states.map((state, index) => stands(this.#transport, state, found[index] ?? [], signal))
    const stand = (await Promise.all(looks)).every((one) => one)
    return stand ? admitted(states[0] as ClaimState, revision) : taken
  }

  /** The answer of the first line in which another claim stands. Undefined if none does. `each` is the number of reads for each claim. */
  async #inTheWay(
    states: readonly ClaimState[],
    response: ITxnResponse,
    each: number,
    signal: AbortSignal,
  ): Promise<Attempt | undefined> {
    for (const [index, state] of states.entries()) {
      const { claim } = state
      const line = this.#lines.of(state, this.#lines.found(state, response, index * each + 1))
      const whole = admits(line, claim) === undefined ? await this.#lines.whole(state, signal) : line
      await checkLine(this.#transport, state, whole, signal)
      await this.#delay.count(whole.dead, signal)
      if (!admits(whole, claim)) return waiting(whole, claim)
    }
    return undefined
  }

  /**
   * Removes the claims by one transaction, if each of them is as this client left it, and returns whether that was so. If not,
   * nothing was changed. Sends nothing if no claim can be in the store.
   */
  async withdraw(states: readonly ClaimState[], signal: AbortSignal): Promise<boolean> {
    const present = states.filter(
      ({ created, unanswered, isKept }) => !isKept && (unanswered || created !== undefined),
    )
    if (present.length === 0) return true
    const asLeft = present.map(({ keys, created, unanswered }) =>
      unanswered ? absent(keys.tombstone) : createdAt(keys.key, created as bigint),
    )
    const buried = present.filter(({ unanswered }) => unanswered).map(({ keys }) => keys)
    const bury = buried.map(({ tombstone, lease }) => put(tombstone, '', lease))
    const gone = present.flatMap(({ keys }) => removeClaim(keys))
    const { succeeded } = await this.#transport.txn(txn(asLeft, [...bury, ...gone]), signal)
    if (succeeded) for (const { tombstone } of buried) this.#tombstones.note(tombstone)
    return succeeded
  }
}

/** True if the claim would be the only one on its name, and was not withdrawn. */
function freeFor({ keys }: ClaimState, since: bigint): ReturnType<typeof absent>[] {
  const { line, records, tombstone } = keys
  return [noneSince(line, since), absent(tombstone), ...(records ? [noneSince(records, since)] : [])]
}

/** The answer to claims whose keys were put at this revision, which is the token of each. */
function all(states: readonly ClaimState[], revision: bigint): Attempt {
  for (const state of states) state.created = revision
  return admitted(states[0] as ClaimState, revision)
}

const taken: Attempt = { held: false, ahead: 1 }
