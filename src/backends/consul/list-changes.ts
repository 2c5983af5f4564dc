// The changes of semaphores' lists by one client. Each compares and sets one key, so of two at once one is refused. Owns that the
// changes of one client and list follow one another, many in one transaction. list-change.ts composes it.
import { untilAborted } from '../../base/abort.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { ClaimState, Claims, Held } from './claims.ts'
import type { StoredHolders } from './line.ts'
import { type Change, type Draft, entered } from './list-change.ts'
import { type Caller, compose, type Order, pass, type Waiter } from './list-orders.ts'
import { listed } from './semaphore-sight.ts'
import type { Failure, Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

/** The parts of the client. */
export interface Parts {
  readonly transport: Pick<Transport, 'read'>
  readonly claims: Pick<Claims, 'changeAll'>
}

/** How often a change finds the list changed by other clients before it is given up. */
const triesMax = 32

/** The changes of one list. */
export class ListChanges {
  /** The claims in line that wait at this moment. */
  readonly waiting: Set<Waiter> = new Set()
  readonly #parts: Parts
  readonly #onIdle: () => void
  readonly #orders = new Set<Order>()
  /** The request under way, and the callers that wait for it. */
  #sent: { readonly callers: readonly Caller[]; readonly limit: AbortController } | undefined
  /** The list as the client saw it last. */
  #list: StoredHolders | undefined
  #isBusy = false

  /** `onIdle` is called when nobody waits for anything here any more. */
  constructor(parts: Parts, onIdle: () => void) {
    this.#parts = parts
    this.#onIdle = onIdle
  }

  /**
   * Makes a change, on the condition that the list is as the client sees it then. `list` is the list as the caller saw it last.
   * Resolves with the key by which the claim holds or held, and with undefined if the list does not allow the change or
   * another condition failed: then nothing was changed.
   */
  make(change: Change, list: StoredHolders | undefined, signal: AbortSignal): Promise<Held | undefined> {
    return untilAborted(signal, (settle) => {
      const caller: Caller = { settle, tries: 0 }
      const order: Order = { ...change, caller }
      if (list && list.index >= (this.#list?.index ?? 0)) this.#list = list
      this.#orders.add(order)
      if (!this.#isBusy) void this.#run()
      return () => {
        this.#orders.delete(order)
        this.#leave(caller, signal)
      }
    })
  }

  /** Waits until a change of this client admits the claim. Resolves with undefined if that was tried, and is not certain. */
  admission(
    state: ClaimState,
    session: () => string | undefined,
    signal: AbortSignal,
  ): Promise<Held | undefined> {
    return untilAborted(signal, (settle) => {
      const waiter: Waiter = { state, session, settle }
      this.waiting.add(waiter)
      return () => {
        this.waiting.delete(waiter)
        this.#leave(waiter, signal)
      }
    })
  }

  /** Gives up the request under way if nobody waits for it any more. */
  #leave(caller: Caller, signal: AbortSignal): void {
    caller.isOver = true
    const { callers, limit } = this.#sent ?? {}
    if (signal.aborted && callers?.every(({ isOver }) => isOver)) limit?.abort(signal.reason)
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (!this.#isBusy && this.#orders.size === 0 && this.waiting.size === 0) this.#onIdle()
  }

  /** Begins when everything that runs at this moment has asked for its change. */
  async #run(): Promise<void> {
    this.#isBusy = true
    await undefined
    for (let goesOn = true; goesOn || this.#orders.size > 0; ) goesOn = await this.#step()
    this.#isBusy = false
    this.#tellIdle()
  }

  /** Sends one transaction, and returns whether it was applied. Never rejects: each caller gets the error. */
  async #step(): Promise<boolean> {
    const orders = [...this.#orders]
    const { state } = orders[0] ?? [...this.waiting][0] ?? {}
    if (!state) return false
    try {
      this.#list ??= await this.#ask(orders, (signal) => this.#read(state, signal))
    } catch (error) {
      for (const { caller } of orders) caller.settle.reject(error)
      return false
    }
    const list = this.#list
    if (!list) this.#refuse(orders) // the key is in use for something else
    if (!list) return false
    const draft = compose(list, [...this.#orders], this.waiting, state.keys)
    this.#refuse(draft.impossible)
    return draft.changes.length > 0 && this.#send(list, draft)
  }

  /** Refuses changes that cannot be made. Their claims read the whole name next. */
  #refuse(orders: readonly Order[]): void {
    for (const { caller } of orders) caller.settle.resolve(undefined)
  }

  async #ask<T>(orders: readonly Order[], ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController()
    this.#sent = { callers: orders.map(({ caller }) => caller), limit }
    try {
      return await ask(limit.signal)
    } finally {
      this.#sent = undefined
    }
  }

  async #read({ keys, claim }: ClaimState, signal: AbortSignal): Promise<StoredHolders | undefined> {
    const { entries } = await this.#parts.transport.read({ key: keys.lock }, signal)
    return listed(entries[0], claim)?.list
  }

  async #send(list: StoredHolders, draft: Draft<Order>): Promise<boolean> {
    const { changes, operations } = draft
    const states = changes.flatMap((change) => ('off' in change ? [] : [change.state]))
    const purpose = states.length < changes.length ? 'gives back' : undefined
    const sent = this.#ask(changes, (signal) =>
      this.#parts.claims.changeAll(states, operations, signal, purpose),
    )
    const over = sent.then(
      (outcome) => this.#answered(list, draft, outcome),
      (error) => this.#failed(changes, error),
    )
    for (const state of states) state.entering = over
    await over
    for (const state of states) state.entering = undefined
    return this.#list !== undefined
  }

  #answered({ permits }: StoredHolders, draft: Draft<Order>, outcome: TxnOutcome): void {
    const { changes, holders } = draft
    const [{ state }] = changes as [Order, ...Order[]]
    if (outcome.applied) {
      const { entries } = outcome
      const index = entries.findLast(({ key }) => key === state.keys.lock)?.modifyIndex ?? 0
      const now = { permits, holders, index }
      this.#list = now
      for (const each of changes) each.caller.settle.resolve(this.#done(each, now, entries))
    } else this.#conflict(draft, outcome.failures)
  }

  #done(change: Order, list: StoredHolders, entries: readonly StoredKey[]): Held {
    if ('off' in change) return change.off
    pass(change.state.keys.ticket, this.waiting)
    return entered(change.state, list, entries)
  }

  /** Nothing was changed. A change whose own conditions failed is refused; the others are sent again. */
  #conflict({ changes, owners, operations }: Draft<Order>, failures: readonly Failure[]): void {
    for (const { operation } of failures) {
      const owner = owners[operation]
      if (owner) refused(owner, operations[operation] as Operation)
      else this.#list = undefined
    }
    if (this.#list) return
    for (const order of changes) this.#failedAgain(order)
  }

  #failedAgain(order: Order): void {
    const { caller } = order
    if (!this.#orders.has(order)) return // a claim that only waits is admitted by the next one, or watches the list itself
    caller.tries = (caller.tries ?? 0) + 1
    if (caller.tries > triesMax) caller.settle.reject(new UnavailableError(tooFast))
  }

  /** An error may concern one of the changes only; then each is sent alone, and nothing was changed. */
  #failed(orders: readonly Order[], error: unknown): void {
    this.#list = undefined
    const isOfOne = error instanceof SessionGoneError || error instanceof RefusedError
    for (const order of orders) {
      const { caller } = order
      if (!this.#orders.has(order)) caller.settle.resolve(undefined)
      else if (isOfOne && orders.length > 1) caller.isAlone = true
      else caller.settle.reject(error)
    }
  }
}

const tooFast = 'the list of holders changed too fast; ask again'

/** Refuses a change since this condition failed. That a line stands is usual: then the claim joins it. */
function refused({ state, caller }: Order, { key }: Operation): void {
  if (key === state.keys.line) state.hasLine = true
  else state.isUnusual = true
  caller.settle.resolve(undefined)
}
