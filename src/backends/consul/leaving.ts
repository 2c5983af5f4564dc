// How a claim leaves the line of its name in Consul, and how a withdrawn one is removed completely. Owns that the key `.line` is
// deleted with the last ticket. entering.ts has the way in.
import type { Claim } from '../../contract.ts'
import type { Tombstones } from '../shared/tombstones.ts'
import type { ClaimState } from './claims.ts'
import { unneeded } from './entering.ts'
import type { Joint } from './joint.ts'
import { type ClaimKeys, type NameKeys, passedKey } from './layout.ts'
import { readPassed, readTickets } from './line.ts'
import type { Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

const triesMax = 8
/** How many signs one transaction deletes, of the 64 operations that Consul takes. Others go with their sessions. */
export const signsMax = 40

/** The ways out of the line, for the claims of one client. */
export class Leaving {
  readonly #transport: Transport
  readonly #joint: Joint
  readonly #tombstones: Tombstones

  constructor(transport: Transport, joint: Joint, tombstones: Tombstones) {
    this.#transport = transport
    this.#joint = joint
    this.#tombstones = tombstones
  }

  /** Writes the tombstone, so that no late attempt is applied, and deletes the ticket of an attempt that was. */
  async bury(state: ClaimState, signal: AbortSignal): Promise<void> {
    const { claim, keys } = state
    const bury: Operation[] = [
      { verb: 'lock', key: keys.tombstone, value: '', session: claim.session },
      { verb: 'delete', key: keys.ticket },
      ...unneeded(state),
      ...lineOf(keys),
    ]
    const buried = await this.#transport.txn(bury, signal, 'gives back')
    if (!buried.applied) return
    this.#tombstones.note(keys.tombstone)
    await this.#tidy(keys, buried.entries, signal)
  }

  /**
   * Gives up the place in line of a claim whose turn had come, and applies `give`, in one transaction. The claim behind it
   * learns from one key that nobody else stood ahead. Returns whether it was applied; if not, nothing was changed.
   */
  async pass(
    { claim, keys, ticket }: ClaimState,
    give: readonly Operation[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (ticket === undefined) return this.#together(claim, give, signal)
    const { session } = claim
    const passed = passedKey(keys, keys.ticket)
    const operations: Operation[] = [
      ...give,
      { verb: 'check-session', key: keys.ticket, session },
      { verb: 'delete', key: keys.ticket },
      { verb: 'lock', key: passed, value: '', session },
      { verb: 'get', key: keys.line },
    ]
    const outcome = await this.#transport.txn(operations, signal, 'gives back')
    if (!outcome.applied) return false
    const line = outcome.entries.find(({ key }) => key === keys.line)
    if (line?.value === keys.ticket) await this.end(keys, keys.ticket, line.modifyIndex, signal)
    return true
  }

  /** If many are under way, it may share its request with other names. */
  async #together({ name }: Claim, operations: readonly Operation[], signal: AbortSignal): Promise<boolean> {
    return (await this.#joint.txn(name, operations, signal)).applied
  }

  /** Deletes the key `.line` if the claim was the last in line when its turn came, and nobody has joined since. */
  async endLine({ keys, lineIndex }: ClaimState, signal: AbortSignal): Promise<void> {
    if (lineIndex !== undefined) await this.end(keys, keys.ticket, lineIndex, signal)
  }

  /** The same for a claim with this ticket, if the key `.line` still has this index. */
  async end(keys: NameKeys, ticket: string, index: number, signal: AbortSignal): Promise<void> {
    const end: Operation[] = [
      { verb: 'delete-cas', key: keys.line, index },
      { verb: 'delete', key: passedKey(keys, ticket) },
    ]
    await this.#transport.txn(end, signal, 'gives back')
  }

  /**
   * Gives up the place in line and applies `give`, in one transaction. Returns whether it was applied; if not, nothing
   * was changed.
   */
  async leave(state: ClaimState, give: readonly Operation[], signal: AbortSignal): Promise<boolean> {
    const { keys } = state
    const place: Operation[] = state.ticket === undefined ? [] : [{ verb: 'delete', key: keys.ticket }]
    const operations: Operation[] = [...give, ...place, ...unneeded(state), ...lineOf(keys)]
    const outcome = await this.#transport.txn(operations, signal, 'gives back')
    if (outcome.applied) await this.#tidy(keys, outcome.entries, signal)
    return outcome.applied
  }

  /**
   * After the ticket of a claim is gone: deletes the key `.line` if no ticket stands, unless a claim has joined since the
   * look. If others stand, and that key named this claim, it names the last of them, so that a new claim finds it.
   */
  async #tidy(
    keys: ClaimKeys,
    entries: readonly StoredKey[],
    signal: AbortSignal,
    tries: number = triesMax,
  ): Promise<void> {
    const sign = entries.find(({ key }) => key === keys.line)
    const last = readTickets(keys, entries).at(-1)
    if (!sign || (last && sign.value !== keys.ticket)) return
    const { key, modifyIndex: index } = sign
    const operations: Operation[] = last
      ? [
          { verb: 'check-session', key: last.key, session: last.session },
          { verb: 'cas', key, value: last.key, index },
        ]
      : [{ verb: 'delete-cas', key, index }, ...signsOf(keys, entries)]
    const { applied } = await this.#transport.txn(operations, signal, 'gives back')
    if (applied || !last || tries === 1) return
    // The last one has gone, too, or a claim has joined.
    const now = await this.#transport.txn(lineOf(keys), signal, 'gives back')
    if (now.applied) await this.#tidy(keys, now.entries, signal, tries - 1)
  }
}

/** Reads the line, and the signs that claims have passed. */
function lineOf({ line, passed }: ClaimKeys): Operation[] {
  return [line, passed].map((key) => ({ verb: 'get-tree', key }))
}

/** Deletes the signs: without a ticket nobody needs them. */
function signsOf(keys: ClaimKeys, entries: readonly StoredKey[]): Operation[] {
  return readPassed(keys, entries)
    .slice(0, signsMax)
    .map((key) => ({ verb: 'delete', key }))
}

/** Deletes keys in one transaction. */
export function deletion(transport: Transport) {
  return (keys: readonly string[], signal: AbortSignal): Promise<TxnOutcome> => {
    const operations = keys.map((key) => ({ verb: 'delete', key }) as const)
    return transport.txn(operations, signal, 'gives back')
  }
}
