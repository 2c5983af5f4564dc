// Which changes of a semaphore's list one transaction of a client makes. Owns that it also admits the client's own claims in line
// whose turn it brings, in their order. list-changes.ts sends it.
import type { Settle } from '../../base/abort.ts'
import type { ClaimState, Held } from './claims.ts'
import type { NameKeys } from './layout.ts'
import type { StoredHolders } from './line.ts'
import { type Change, Composer, type Draft } from './list-change.ts'

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
  /** A session for its permit, if none has to be opened. */
  session(): string | undefined
}

/** The next transaction: claims that leave, and one whose turn has come, be it one of `waiting`. It may be empty. */
export function compose(
  list: StoredHolders,
  orders: readonly Order[],
  waiting: ReadonlySet<Waiter>,
  keys: NameKeys,
): Draft<Order> {
  const composer = new Composer<Order>(list)
  const alone = orders.find(({ caller }) => caller.isAlone)
  if (alone) composer.add(alone)
  else addAll(composer, orders, waiting)
  return composer.draft(keys)
}

function addAll(composer: Composer<Order>, orders: readonly Order[], waiting: ReadonlySet<Waiter>): void {
  // The claims that leave come first: they make room.
  for (const order of orders) if ('off' in order) composer.add(order)
  for (const order of orders) if ('on' in order) composer.add(order)
  const first = [...waiting].find(({ state }) => state.isFirst && state.ticket !== undefined)
  if (!first || !composer.takes(first.state.claim)) return
  first.state.permitSession ??= first.session()
  const { state } = first
  if (state.permitSession !== undefined) composer.add({ state, on: state.permitSession, caller: first })
}

/**
 * Notes that the turn of the claim has come that stands right behind this ticket. The ticket has passed in a transaction of this
 * client, so the sign that it has passed is there.
 */
export function pass(ticket: string, waiting: ReadonlySet<Waiter>): void {
  for (const { state } of waiting) if (state.behind?.key === ticket) state.isFirst = true
}
