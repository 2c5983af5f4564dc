// How a claim comes into the line of its name in Consul: by a ticket, whose create index is its place. Owns what the key `.line`
// says, which names the claim that joined last. leaving.ts has the way out.
import { UnavailableError } from '../../base/errors.ts'
import { oneLine } from '../../base/printable.ts'
import { type ClaimState, type Claims, ownerOf, type Predecessor } from './claims.ts'
import { callableFlags, parseTicket, passedKey } from './layout.ts'
import { readLock } from './line.ts'
import type { Failure, Operation, StoredKey } from './wire/transport.ts'

const triesMax = 8

/** The answer to a claim that has joined the line, in one state of the store. */
export interface Joined {
  readonly lock: StoredKey | undefined
  /** Undefined if no claim stood in line. */
  readonly behind: Predecessor | undefined
}

/**
 * Puts the claim in line, and reads the lock and which claim joined last, in one transaction. So a join costs the same
 * however long the line is. `hasLine` says whether there probably is a line. Undefined if the claim stood in line before:
 * other claims may have joined since.
 */
export async function joinBehind(
  claims: Claims,
  state: ClaimState,
  hasLine: boolean,
  signal: AbortSignal,
  tries: number = triesMax,
): Promise<Joined | undefined> {
  const { keys } = state
  const operations: Operation[] = [
    { verb: 'check-not-exists', key: keys.tombstone },
    // Only a new ticket may change the key `.line`: it names the claim that joined last.
    { verb: 'check-not-exists', key: keys.ticket },
    hasLine ? { verb: 'get', key: keys.line } : { verb: 'check-not-exists', key: keys.line },
    ticketOf(state),
    // The flags make it a write also if a ticket with this key stood before, so an older `#tidy` cannot delete the key.
    { verb: 'set', key: keys.line, value: keys.ticket, flags: BigInt(state.joins) },
    { verb: 'get-tree', key: keys.lock },
  ]
  state.joins += 1
  const outcome = await claims.change(state, operations, signal)
  if (outcome.applied) return joined(state, outcome.entries)
  const failed = outcome.failures.map(({ operation }) => operations[operation]?.key)
  if (failed.includes(keys.ticket)) return undefined
  if (tries === 1 || failed.some((key) => key !== keys.line)) throw refused(outcome.failures)
  return joinBehind(claims, state, !hasLine, signal, tries - 1)
}

/** Makes the ticket. That of a semaphore says that anybody may put its session on the list. */
function ticketOf(state: ClaimState): Operation {
  const { claim, keys, permitSession } = state
  const flags = permitSession === undefined ? 0n : callableFlags
  return { verb: 'lock', key: keys.ticket, value: claim.value, flags, session: ownerOf(state) }
}

function joined(state: ClaimState, entries: readonly StoredKey[]): Joined | undefined {
  const { keys } = state
  const lock = readLock(keys, entries)
  state.ticket = entries.find(({ key }) => key === keys.ticket)?.createIndex
  const [last, written] = entries.filter(({ key }) => key === keys.line)
  if (!last || !written) return { lock, behind: undefined }
  const facts = last.value === keys.ticket ? undefined : parseTicket(keys, last.value)
  if (!facts) return undefined // an earlier ticket of this claim, or a text of another program
  // That claim wrote its ticket and this key in one transaction.
  const { value: key, modifyIndex: modified } = last
  return { lock, behind: { ...facts, key, modified, ahead: lock?.session === facts.session ? 1 : 2 } }
}

/** Deletes the signs that claims ahead have passed: only this claim looks for them. */
export function unneeded({ behind, keys, passed }: ClaimState): Operation[] {
  const signs = new Set([...(behind ? [passedKey(keys, behind.key)] : []), ...(passed ?? [])])
  return [...signs].map((key) => ({ verb: 'delete', key }))
}

/** Why a place in line was refused. Consul's reason is for people: a claim that is withdrawn is not asked about again. */
function refused(failures: readonly Failure[]): UnavailableError {
  const reasons = failures.map(({ reason }) => reason).join(', ')
  return new UnavailableError(`consul refused the place in line (${oneLine(reasons)}); ask again`)
}
