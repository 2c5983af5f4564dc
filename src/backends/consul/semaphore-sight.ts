// The state of a semaphore's whole name in one answer of Consul: its list of holders, which of them live, and its line.
// Pure; semaphore.ts acts on it.
import type { Claim } from '../../contract.ts'
import { fits, weigh } from '../shared/room.ts'
import type { NameKeys } from './layout.ts'
import {
  isListed,
  type ListedHolder,
  parseHolders,
  readContenders,
  readLock,
  readTickets,
  type StoredHolders,
  type Ticket,
} from './line.ts'
import type { Snapshot, StoredKey } from './wire/transport.ts'

/** The state of the whole name in one answer. */
export interface Sight {
  readonly index: number
  readonly lock: StoredKey | undefined
  /** The stored list. Dead holders may still be on it. */
  readonly list: StoredHolders
  readonly alive: readonly ListedHolder[]
  readonly tickets: readonly Ticket[]
  readonly contenders: readonly StoredKey[]
  /** Whether only the list was read, on the condition that no ticket stands ahead; every holder on it counts as alive. */
  readonly isPart?: boolean
}

/** The state in an answer. A holder on the list without a key of its own has died, or its own key was deleted. */
export function see(claim: Claim, keys: NameKeys, { index, entries }: Snapshot): Sight {
  const lock = readLock(keys, entries)
  const contenders = readContenders(keys, entries)
  const { permits, holders } = (lock && parseHolders(lock)) ?? { permits: claim.permits, holders: [] }
  const alive = holders.filter((holder) => contenders.some(({ session }) => session === holder.session))
  const list = { permits, holders, index: lock?.modifyIndex ?? 0 }
  return { index, lock, list, alive, contenders, tickets: readTickets(keys, entries) }
}

/** Whether a claim fits into the permits next to those that live on the list. */
export function hasRoom({ alive }: Pick<Sight, 'alive'>, claim: Claim): boolean {
  return fits(claim, weigh(alive))
}

/** A permit that is free, as far as an answer shows. */
export type Room = Pick<Sight, 'list' | 'alive' | 'isPart'>

/**
 * The room that this entry of the list shows, if every holder on it lives; undefined if it is no list of this
 * semaphore.
 */
export function listed(lock: StoredKey | undefined, { permits }: Claim): Room | undefined {
  if (!lock) return { list: { permits, holders: [], index: 0 }, alive: [] }
  const list = isListed(lock.flags) ? parseHolders(lock) : undefined
  if (list?.permits !== permits) return undefined
  return { list: { ...list, index: lock.modifyIndex }, alive: list.holders }
}
