// The states and transactions of a mutex in Consul: the conditions under which a claim takes the key of the lock. Pure;
// mutex.ts sends them.
import type { Waiting } from '../../contract.ts'
import type { ClaimState, Held, Holding, Sight } from './claims.ts'
import { unneeded } from './entering.ts'
import { lockFlags, passedKey } from './layout.ts'
import type { Operation, StoredKey, TxnOutcome } from './wire/transport.ts'

/** An answer to a claim on a mutex, with its proof: the key by which it holds, or the state that it waits for. */
export type Answer = Holding | Queueing
/** The claim waits. */
export interface Queueing extends Waiting {
  /** Undefined if only the lock-delay is in the way. */
  readonly sight?: Sight
}

/** A name that nobody uses. */
export const free: Sight = { lock: undefined }

/** The answer for a claim that holds by a key. */
export function admitted(by: Held): Holding {
  return { held: true, token: by.token, by }
}

/** The answer for a claim that waits, in the state that it has seen. */
export function waiting(sight: Sight): Queueing {
  const { lock, behind } = sight
  if (behind) return { held: false, ahead: behind.ahead, behind: behind.key, sight }
  return { held: false, ahead: 1, behind: `${lock?.session} at ${lock?.modifyIndex}`, sight }
}

/** Whether a ticket is gone: its key is deleted, or no session holds it, which never changes back. */
export function isLeft({ entries: [ticket] }: { entries: readonly StoredKey[] }): boolean {
  return ticket?.session === undefined
}

/** The state that a claim must find. Of a key it needs the index alone. */
interface Seen extends Pick<Sight, 'behind' | 'passed'> {
  readonly lock: Written | undefined
  readonly line?: Written | undefined
}
type Written = Pick<StoredKey, 'modifyIndex'>

/** Takes the lock, on the condition that the state is as it was seen. */
export function take(state: ClaimState, { lock, line, passed, behind }: Seen): Operation[] {
  const { claim, keys, ticket } = state
  const { session } = claim
  const stands: Operation[] =
    ticket === undefined
      ? [{ verb: 'check-not-exists', key: keys.tombstone }, unchanged(keys.line, line)]
      : [{ verb: 'check-session', key: keys.ticket, session }]
  const proven: Operation[] = passed && behind ? [{ verb: 'get', key: passedKey(keys, behind.key) }] : []
  return [...stands, ...proven, ...unneeded(state), ...made(state, lock)]
}

/**
 * Makes the key of the lock; an existing key is deleted first. So its create index is the token, which every client
 * sees.
 */
export function made({ claim, keys }: ClaimState, lock: Written | undefined): Operation[] {
  const { value, session } = claim
  const remove: Operation[] = lock ? [{ verb: 'delete', key: keys.lock }] : []
  const own: Operation = { verb: 'lock', key: keys.lock, value, flags: lockFlags, session }
  return [unchanged(keys.lock, lock), ...remove, own]
}

/** The condition that a key is as it was read. */
export function unchanged(key: string, entry: Written | undefined): Operation {
  return entry ? { verb: 'check-index', key, index: entry.modifyIndex } : { verb: 'check-not-exists', key }
}

/**
 * The hold that this entry shows. Its token is the index at which the lock was taken, and later writes do not change
 * it.
 */
export function heldBy(lock: StoredKey, before?: Held): Held {
  const { key, flags, session = '', createIndex: created, modifyIndex: modified } = lock
  return { key, flags, session, created, modified, token: before?.token ?? BigInt(modified) }
}

/** Whether only the lock-delay is in the way. */
export function isDelayed(outcome: TxnOutcome): boolean {
  return !outcome.applied && outcome.failures.some(({ reason }) => reason.includes('lock delay'))
}
