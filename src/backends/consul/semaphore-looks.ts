// The reads of a semaphore in Consul, each a consistent one. Owns how little of the name a claim reads: its own keys and the list
// of holders, whose size does not depend on the line. semaphore.ts acts on what they show.
import { type ClaimState, ownerOf } from './claims.ts'
import { heldBy, isWhole } from './holders.ts'
import { passedKey } from './layout.ts'
import { readPassed } from './line.ts'
import { type Sight, see } from './semaphore-sight.ts'
import type { Operation, StoredKey, Transport } from './wire/transport.ts'

/** How many signs of others a claim deletes when it takes its permit, next to dead holders. */
const signsMost = 4

/** The reads for the semaphores of one client. */
export class Looks {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Reads the whole name, and notes whether the claim is on the list or in line: an answer that said so may have been lost.
   */
  async all(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    const { claim, keys } = state
    const snapshot = await this.#transport.read({ prefix: keys.folder }, signal)
    const sight = see(claim, keys, snapshot)
    noteOwn(state, sight)
    state.ticket ??= sight.tickets.find(({ key }) => key === keys.ticket)?.created
    const { ticket = 0, behind } = state
    state.isFirst = !sight.tickets.some(({ created }) => created < ticket) && state.ticket !== undefined
    state.passed = state.isFirst ? readPassed(keys, snapshot.entries).slice(0, signsMost) : undefined
    state.hasLine = snapshot.entries.some(({ key }) => key === keys.line)
    state.isUnusual = false
    if (behind) state.behind = { ...behind, left: true }
    return sight
  }

  /** Reads the list and the own key of a claim that may be on it, and notes whether it is. */
  async own(state: ClaimState, signal: AbortSignal): Promise<Sight> {
    const { claim, keys, permitSession } = state
    if (permitSession === undefined) return this.all(state, signal)
    const own = `${keys.folder}${permitSession}`
    const entries = await this.#ask([], [keys.lock, own], signal)
    const sight = see(claim, keys, { index: 1, entries: entries ?? [] })
    noteOwn(state, sight)
    return sight
  }

  /** Whether the claim and the one ahead of it still stand. */
  async isBehind(state: ClaimState, signal: AbortSignal): Promise<boolean> {
    const { behind, keys, ticket } = state
    if (!behind || behind.left || ticket === undefined) return false
    const stand = [{ key: keys.ticket, session: ownerOf(state) }, behind].map(
      ({ key, session }): Operation => ({ verb: 'check-session', key, session }),
    )
    return (await this.#ask(stand, [], signal)) !== undefined
  }

  /**
   * The state of the list if no ticket stands ahead, with every holder on it counted as alive. Undefined if that is not so, if
   * something unusual was seen before, or if the claim itself is on the list, which is noted. Costs one request.
   */
  async turn(state: ClaimState, signal: AbortSignal): Promise<Sight | undefined> {
    const { ticket, behind, held, isFirst, isUnusual, keys } = state
    if (held || isUnusual) return undefined
    if (ticket !== undefined) return isFirst || behind ? this.#inLine(state, signal) : undefined
    const entries = await this.#ask([{ verb: 'check-not-exists', key: keys.line }], [keys.lock], signal)
    state.hasLine = !entries
    return entries && turnOf(state, entries)
  }

  /** The same for a claim in line: others may have called it. */
  async #inLine(state: ClaimState, signal: AbortSignal): Promise<Sight | undefined> {
    const { keys, behind, isFirst } = state
    const owner = ownerOf(state)
    const [own, passed] = [`${keys.folder}${owner}`, passedKey(keys, behind?.key ?? keys.ticket)]
    const entries = (await this.#ask([], [keys.ticket, own, passed, keys.lock], signal)) ?? []
    const keyOf = (wanted: string): StoredKey | undefined => entries.find(({ key }) => key === wanted)
    const ticket = keyOf(keys.ticket)?.session === owner
    const sight = turnOf(state, entries)
    const called = !ticket && sight.list.holders.some(({ session }) => session === owner)
    const seat = called ? keyOf(own) : undefined
    state.called = seat?.session === owner ? heldBy(seat) : undefined
    if (!ticket || !(isFirst || keyOf(passed))) return undefined
    state.isFirst = true
    state.hasLine = true
    return sight
  }

  /** Reads all keys with these starts, on these conditions; undefined if one fails. */
  async #ask(
    conditions: readonly Operation[],
    starts: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly StoredKey[] | undefined> {
    const reads = starts.map((key): Operation => ({ verb: 'get-tree', key }))
    const outcome = await this.#transport.txn([...conditions, ...reads], signal)
    return outcome.applied ? outcome.entries : undefined
  }
}

/** The state of the list, if no other ticket stands ahead. */
export function turnOf({ claim, keys }: ClaimState, entries: readonly StoredKey[]): Sight {
  const sight = see(claim, keys, { index: 1, entries })
  return { ...sight, index: Math.max(1, sight.list.index), alive: sight.list.holders, isPart: true }
}

function noteOwn(state: ClaimState, { contenders, list }: Sight): void {
  const { claim, permitSession } = state
  const own = contenders.find(({ session }) => session === permitSession)
  // A claim that was only found on the list may have made its key anew, by a request that got no answer.
  const same = state.held === undefined || state.isUnproven || state.held.created === own?.createIndex
  const isListed = own && same && list.holders.some((each) => isWhole(each, own, claim))
  state.stray = own && !isListed ? heldBy(own, state.held) : undefined
  if (isListed && !state.held) state.isUnproven = true
  state.held = isListed ? heldBy(own, state.held) : undefined
  if (state.held) state.holders = list
}
