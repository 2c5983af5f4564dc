// How the list of a semaphore's holders is changed in Consul: the operations of one transaction, which Consul refuses
// if its conditions fail. Pure; semaphore.ts decides which claims go on the list.
import { cohortPermits } from '../../base/shapes.ts'
import type { Claim } from '../../contract.ts'
import { type ClaimState, type Held, type Holding, ownerOf } from './claims.ts'
import { unneeded } from './entering.ts'
import { type NameKeys, passedKey, semaphoreFlags } from './layout.ts'
import { formatHolders, type Holders, type ListedHolder, type StoredHolders, type Ticket } from './line.ts'
import type { Operation, Snapshot, StoredKey, TxnOutcome } from './wire/transport.ts'

/** Takes a permit, if all is as it was read: puts the claim on the list, makes its own key, and deletes its ticket. */
export function enter(state: ClaimState, list: StoredHolders, session: string): Operation[] {
  return [stands(state), write(state.keys.lock, list, list.index), ...owned(state, session)]
}

/**
 * The same without the list, which the caller changes. The list may have changed since the turn of the claim was seen, so one
 * without a ticket requires that no line stands.
 */
export function place(state: ClaimState, session: string): Operation[] {
  const { ticket, keys } = state
  const alone: Operation[] = ticket === undefined ? [{ verb: 'check-not-exists', key: keys.line }] : []
  return [stands(state), ...alone, ...owned(state, session)]
}

/** Nobody has withdrawn the claim. */
function stands(state: ClaimState): Operation {
  const { keys, ticket } = state
  return ticket === undefined
    ? { verb: 'check-not-exists', key: keys.tombstone }
    : { verb: 'check-session', key: keys.ticket, session: ownerOf(state) }
}

/** Makes the own key of a claim, and deletes its ticket. */
function owned(state: ClaimState, session: string): Operation[] {
  const { claim, keys, ticket, stray } = state
  const own = `${keys.folder}${session}`
  return [
    ...unused(own, stray),
    { verb: 'lock', key: own, value: claim.value, flags: semaphoreFlags, session },
    ...(ticket === undefined ? [] : passing(state)),
  ]
}

/** Deletes the ticket, and tells its successor that its turn had come. Reads which ticket joined last, if there is a line. */
function passing(state: ClaimState): Operation[] {
  const { keys, hasLine } = state
  const session = ownerOf(state)
  const sign: Operation = { verb: 'lock', key: passedKey(keys, keys.ticket), value: '', session }
  const last: Operation[] = hasLine ? [{ verb: 'get', key: keys.line }] : []
  return [{ verb: 'delete', key: keys.ticket }, ...unneeded(state), sign, ...last]
}

/**
 * Puts the claim with this ticket on the list, which the caller changes: makes its own key, if the ticket is as it was read. A
 * ticket is deleted with its session, and nobody writes it. So its session lives, and the claim was not given up.
 */
export function call({ folder }: NameKeys, { key, session, value, modified: index }: Ticket): Operation[] {
  const own = `${folder}${session}`
  return [
    { verb: 'check-index', key, index },
    { verb: 'check-not-exists', key: own },
    { verb: 'lock', key: own, value, flags: semaphoreFlags, session },
    { verb: 'delete', key },
  ]
}

/** Tells the claim behind the last one called that its turn has come, and reads which ticket joined last. */
export function sign(keys: NameKeys, { key, session }: Ticket, unneeded: readonly string[]): Operation[] {
  return [
    { verb: 'lock', key: passedKey(keys, key), value: '', session },
    ...unneeded.map((each): Operation => ({ verb: 'delete', key: each })),
    { verb: 'get', key: keys.line },
  ]
}

/** Makes the own key of a claim anew that is on the list, and reads the list. So no other hold has its index. */
export function anew({ keys, claim }: ClaimState, own: Held): Operation[] {
  const { key, modified: index, flags, session } = own
  return [
    { verb: 'check-index', key, index },
    { verb: 'get', key: keys.lock },
    { verb: 'delete', key },
    { verb: 'lock', key, value: claim.value, flags, session },
  ]
}

/** Ensures that the claim's own key is free: it is absent, or the stray one is deleted. */
function unused(key: string, stray: Held | undefined): Operation[] {
  return stray ? removal(stray) : [{ verb: 'check-not-exists', key }]
}

/** Deletes this key if it is as it was seen. */
export function removal({ key, modified: index }: Held): Operation[] {
  return [
    { verb: 'check-index', key, index },
    { verb: 'delete', key },
  ]
}

function write(key: string, list: Holders, index: number): Operation {
  return { verb: 'cas', key, ...formatHolders(list), index }
}

/** The list without this holder. */
export function without(key: string, list: StoredHolders, session: string): Operation {
  return written(key, { ...list, holders: list.holders.filter((holder) => holder.session !== session) })
}

/**
 * Writes the list, if it is as it was read. An empty one is deleted, as `consul lock` does. That of a mutex with `handoff` stays:
 * it keeps every other form from the name.
 */
export function written(key: string, list: StoredHolders): Operation {
  const { permits, holders, index } = list
  const stays = holders.length > 0 || permits === cohortPermits
  return stays ? write(key, list, index) : { verb: 'delete-cas', key, index }
}

/** The list on which this holder has other permits, if the holder's own key stands. */
export function lighter(
  key: string,
  { key: own, session }: Held,
  list: StoredHolders,
  weight: number,
): Operation[] {
  const holders = list.holders.map((each) => (each.session === session ? { session, weight } : each))
  return [{ verb: 'check-session', key: own, session }, write(key, { ...list, holders }, list.index)]
}

/** Puts another session in the place of this holder, with a key of its own. The list must be as the claim saw it last. */
export function handedTo(
  { keys, holders: list }: ClaimState,
  { key, flags, session: before }: Held,
  session: string,
  value: string,
): Operation[] {
  const { permits, holders, index } = list as StoredHolders
  const handed = holders.map((each) => (each.session === before ? { ...each, session } : each))
  return [
    { verb: 'check-session', key, session: before },
    write(keys.lock, { permits, holders: handed }, index),
    { verb: 'delete', key },
    { verb: 'lock', key: `${keys.folder}${session}`, value, flags, session },
  ]
}

/**
 * Takes the key of a holder that died, and deletes it. Consul refuses that until the lock-delay of the holder's session
 * is over. So no client has to measure it, and each holder has the lock-delay that it asked for.
 */
export function takeOff({ claim, keys }: ClaimState, holder: string): Operation[] {
  const key = `${keys.folder}${holder}`
  return [
    { verb: 'lock', key, value: '', session: claim.session },
    { verb: 'delete', key },
  ]
}

/** The keys that only a lock-delay kept a transaction with these operations from taking. */
export function delayedKeys(outcome: TxnOutcome, operations: readonly Operation[]): string[] {
  if (outcome.applied) return []
  const delayed = outcome.failures.filter(({ reason }) => reason.includes('lock delay'))
  return delayed.flatMap(({ operation }) => operations[operation]?.key ?? [])
}

/** The answer for a claim that holds by a key. */
export function admitted(by: Held): Holding {
  return { held: true, token: by.token, by }
}

/** Whether this holder on the list is the one with that key, and has all permits of the claim. */
export function isWhole({ session, weight }: ListedHolder, own: StoredKey, claim: Claim): boolean {
  return session === own.session && weight >= claim.weight
}

/** Whether the ticket of an answer is gone. */
export const isLeft = ({ entries: [ticket] }: Snapshot): boolean => ticket?.session === undefined

/** The own key is made when its claim is admitted, and only then: that index is the token. */
export function heldBy(own: StoredKey, before?: Held): Held {
  const { key, flags, session = '', createIndex: created, modifyIndex: modified } = own
  return { key, flags, session, created, modified, token: before?.token ?? BigInt(created) }
}
