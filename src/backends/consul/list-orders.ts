// Which changes of a semaphore's list one transaction of a client makes. Owns that it also admits the client's own claims in line
// whose turn it brings, and calls the next ones in line, in their order. list-changes.ts sends it.
import type { Settle } from '../../base/abort.ts'
import { UnavailableError } from '../../base/errors.ts'
import type { ClaimState, Held } from './claims.ts'
import { heldBy } from './holders.ts'
import type { Line } from './known-list.ts'
import type { NameKeys } from './layout.ts'
import type { StoredHolders, Ticket } from './line.ts'
import { type Change, Composer, type Draft } from './list-change.ts'
import type { Operation, StoredKey } from './wire/transport.ts'

/** A caller that waits for a change. */
export interface Caller {
  readonly settle: Settle<Held | undefined>
  /** Whether it waits no more. */
  isOver?: boolean
  /** Of a change that a caller asked for: how often the list was found changed. */
  tries?: number
  /** Whether its change has to be sent without others, since one of them was an error. */
  isAlone?: boolean
}

/** A change, and who waits for it. */
export type Order = Change & { readonly caller: Caller }

/** A claim in line, which a change of this client may admit. */
export interface Waiter extends Caller {
  readonly state: ClaimState
}

/** How often a change finds the list or the line changed by other clients before it is given up. */
const triesMax = 32
const tooFast = 'the list of holders changed too fast; ask again'
/** A change that was refused so often calls nobody: the line changes faster than this client sees it. */
const callTriesMost = 4

/** The state in which the next transaction is composed. */
export interface Scene {
  readonly list: StoredHolders
  readonly line: Line
  readonly orders: readonly Order[]
  readonly waiting: ReadonlySet<Waiter>
}

/** The next transaction: claims that leave, one whose turn has come, and the next in line. It may be empty. */
export function compose({ list, line, orders, waiting }: Scene, keys: NameKeys): Draft<Order> {
  const composer = new Composer<Order>(list)
  const alone = orders.find(({ caller }) => caller.isAlone)
  if (alone) composer.add(alone)
  else addAll(composer, orders, waiting)
  const draft = composer.draft(keys)
  if (alone || draft.changes.length === 0 || !mayCall(orders)) return draft
  composer.call(line)
  return composer.draft(keys)
}

function addAll(composer: Composer<Order>, orders: readonly Order[], waiting: ReadonlySet<Waiter>): void {
  // The claims that leave come first: they make room.
  for (const order of orders) if ('off' in order) composer.add(order)
  for (const order of orders) if ('on' in order) composer.add(order)
  const first = [...waiting].find(({ state }) => state.isFirst && state.ticket !== undefined)
  const { state } = first ?? {}
  if (!first || !state?.permitSession || !composer.takes(state.claim)) return
  composer.add({ state, on: state.permitSession, caller: first })
}

function mayCall(orders: readonly Order[]): boolean {
  return orders.every(({ caller }) => (caller.tries ?? 0) < callTriesMost)
}

/**
 * Whether the line is worth a read, which costs its length: a claim of this client stands in it, so it has more to change soon.
 * A client with one claim does not read it: the next claim in line takes the permit by itself.
 */
export function wantsLine(orders: readonly Order[], waiting: ReadonlySet<Waiter>): boolean {
  const joins = orders.some((order) => 'on' in order && order.state.ticket !== undefined)
  return (joins || waiting.size > 0) && mayCall(orders)
}

/**
 * Notes that the turn of the claim has come that stands right behind this ticket. The ticket has passed in a transaction of this
 * client, so the sign that it has passed is there.
 */
export function pass(ticket: string, waiting: ReadonlySet<Waiter>): void {
  for (const { state } of waiting) if (state.behind?.key === ticket) state.isFirst = true
}

/** Tells the client's own claims among those that a transaction has called. They need no event for it. */
export function tellCalled(
  tickets: readonly Ticket[],
  waiting: ReadonlySet<Waiter>,
  entries: readonly StoredKey[],
): void {
  const last = tickets.at(-1)
  if (last) pass(last.key, waiting)
  for (const { state, settle } of [...waiting]) {
    if (tickets.some(({ key }) => key === state.keys.ticket)) settle.resolve(called(state, entries))
  }
}

/** Notes that a transaction has put the claim on the list. It is to make its key anew before it holds. */
export function called(state: ClaimState, entries: readonly StoredKey[]): undefined {
  const own = entries.findLast(({ key }) => key === `${state.keys.folder}${state.permitSession}`)
  state.called = own && heldBy(own)
}

/** Notes that the list or the line was found changed, and gives the change up if that goes on. */
export function failedAgain({ caller }: Order): void {
  caller.tries = (caller.tries ?? 0) + 1
  if (caller.tries > triesMax) caller.settle.reject(new UnavailableError(tooFast))
}

/** Refuses a change since this condition failed. That a line stands is usual: then the claim joins it. */
export function refused({ state, caller }: Order, { key }: Operation): void {
  if (key === state.keys.line) state.hasLine = true
  else if (key !== state.keys.ticket) state.isUnusual = true // a look at the own ticket shows whether others have called it
  caller.settle.resolve(undefined)
}
