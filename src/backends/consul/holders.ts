// How the list of a semaphore's holders is changed in Consul: the operations of one transaction, which Consul refuses
// if its conditions fail. Pure; semaphore.ts decides which claims go on the list.
import type { ClaimState, Held } from './claims.ts'
import { semaphoreFlags } from './layout.ts'
import { formatHolders, type Holders, type StoredHolders } from './line.ts'
import type { Operation, TxnOutcome } from './wire/transport.ts'

/** Takes a permit, if all is as it was read: puts the claim on the list, makes its own key, and deletes its ticket. */
export function enter(state: ClaimState, list: StoredHolders, session: string): Operation[] {
  const { claim, keys, ticket, stray } = state
  const own = `${keys.folder}${session}`
  const stands: Operation =
    ticket === undefined
      ? { verb: 'check-not-exists', key: keys.tombstone }
      : { verb: 'check-session', key: keys.ticket, session: claim.session }
  return [
    stands,
    write(keys.lock, list, list.index),
    ...unused(own, stray),
    { verb: 'lock', key: own, value: claim.value, flags: semaphoreFlags, session },
    { verb: 'delete', key: keys.ticket },
  ]
}

/** Ensures that the claim's own key is free: it is absent, or the stray one is deleted. */
function unused(key: string, stray: Held | undefined): Operation[] {
  if (!stray) return [{ verb: 'check-not-exists', key }]
  return [
    { verb: 'check-index', key, index: stray.modified },
    { verb: 'delete', key },
  ]
}

function write(key: string, list: Holders, index: number): Operation {
  return { verb: 'cas', key, value: formatHolders(list), flags: semaphoreFlags, index }
}

/** The list without this holder. An empty one is deleted, as `consul lock` does. */
export function without(key: string, { permits, holders, index }: StoredHolders, session: string): Operation {
  const left = holders.filter((holder) => holder !== session)
  return left.length > 0 ? write(key, { permits, holders: left }, index) : { verb: 'delete-cas', key, index }
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
