// The changes of semaphores' lists by one client. Each compares and sets one key, so of two at once one is refused. Owns that the
// changes of one client and list follow one another, many in one transaction. list-orders.ts composes it, known-list.ts remembers.
import { untilAborted } from '../../base/abort.ts'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import type { ClaimState, Claims, Held } from './claims.ts'
import { KnownList } from './known-list.ts'
import type { Leaving } from './leaving.ts'
import type { StoredHolders } from './line.ts'
import { type Change, type Draft, entered, type Owner } from './list-change.ts'
import {
  type Caller,
  called,
  compose,
  failedAgain,
  type Order,
  pass,
  refused,
  tellCalled,
  type Waiter,
  wantsLine,
} from './list-orders.ts'
import type { Failure, Operation, StoredKey, Transport, TxnOutcome } from './wire/transport.ts'

/** The parts of the client. */
export interface Parts {
  readonly transport: Pick<Transport, 'txn'>
  readonly claims: Pick<Claims, 'changeAll'>
  readonly leaving: Pick<Leaving, 'end'>
}

/** The changes of one list. */
export class ListChanges {
  /** The claims in line that wait at this moment. */
  readonly waiting: Set<Waiter> = new Set()
  readonly #parts: Parts
  readonly #onIdle: () => void
  readonly #orders = new Set<Order>()
  /** The request under way, and the callers that wait for it. */
  #sent: { readonly callers: readonly Caller[]; readonly limit: AbortController } | undefined
  readonly #known = new KnownList()
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
      if (list) this.#known.see(list)
      this.#orders.add(order)
      if (!this.#isBusy) void this.#run()
      return () => {
        this.#orders.delete(order)
        this.#leave(caller, signal)
      }
    })
  }

  /** Waits until a change of this client admits the claim. Resolves with undefined if that was tried, and is not certain. */
  admission(state: ClaimState, signal: AbortSignal): Promise<Held | undefined> {
    return untilAborted(signal, (settle) => {
      const waiter: Waiter = { state, settle }
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
    let draft: Draft<Order> | undefined
    try {
      draft = await this.#draft(state, orders)
    } catch (error) {
      for (const { caller } of orders) caller.settle.reject(error)
      return false
    }
    if (!draft) this.#refuse(orders) // the key is in use for something else
    if (!draft) return false
    this.#refuse(draft.impossible)
    return draft.changes.length > 0 && this.#send(draft)
  }

  /** The next transaction. Reads what has to be known for it: the list and, if permits are left, who is next in line. */
  async #draft(state: ClaimState, orders: readonly Order[]): Promise<Draft<Order> | undefined> {
    const known = this.#known
    const isWanted = (): boolean => known.lacksLine && wantsLine([...this.#orders], this.waiting)
    if (!known.list) await this.#read(state, orders, isWanted())
    const draft = this.#composed(state)
    if (!draft || draft.changes.length === 0 || draft.room === 0 || !isWanted()) return draft
    await this.#read(state, orders, true)
    return this.#composed(state)
  }

  #composed({ keys }: ClaimState): Draft<Order> | undefined {
    const { list, line } = this.#known
    return list && compose({ list, line, orders: [...this.#orders], waiting: this.waiting }, keys)
  }

  #read(state: ClaimState, orders: readonly Order[], line: boolean): Promise<void> {
    return this.#ask(orders, (signal) => this.#known.read(this.#parts.transport, state, line, signal))
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

  async #send(draft: Draft<Order>): Promise<boolean> {
    const { changes } = draft
    const states = changes.flatMap((change) => ('off' in change ? [] : [change.state]))
    const over = this.#ask(changes, (signal) => this.#change(draft, states, signal)).then(
      (outcome) => this.#answered(draft, outcome),
      (error) => this.#failed(draft, error),
    )
    for (const state of states) state.entering = over
    await over
    for (const state of states) state.entering = undefined
    return this.#known.list !== undefined
  }

  /** If the last one in line was called, the line is over: then its key goes, unless somebody has joined since. */
  async #change(
    { changes, operations, called }: Draft<Order>,
    states: readonly ClaimState[],
    signal: AbortSignal,
  ): Promise<TxnOutcome> {
    const { claims, leaving } = this.#parts
    const purpose = states.length < changes.length ? 'gives back' : undefined
    const outcome = await claims.changeAll(states, operations, signal, purpose)
    const last = called.at(-1)?.key
    const { keys } = (changes[0] as Order).state
    const line = outcome.applied && outcome.entries.findLast(({ key }) => key === keys.line)
    if (last !== undefined && line && line.value === last)
      await leaving.end(keys, last, line.modifyIndex, signal).catch(() => {}) // the next holder ends it
    return outcome
  }

  #answered(draft: Draft<Order>, outcome: TxnOutcome): void {
    const { changes, holders } = draft
    const [{ state }] = changes as [Order, ...Order[]]
    if (!outcome.applied) {
      this.#conflict(draft, outcome.failures)
      return
    }
    const { entries } = outcome
    const { keys, claim } = state
    const index = entries.findLast(({ key }) => key === keys.lock)?.modifyIndex ?? 0
    const now = { permits: claim.permits, holders, index }
    this.#known.written(now, draft.called)
    for (const each of changes)
      each.caller.settle.resolve(this.#done(each, now, entries, each === changes[0]))
    tellCalled(draft.called, this.waiting, entries)
  }

  /** Of the claims that come the first one holds now. The others are called. */
  #done(
    change: Order,
    list: StoredHolders,
    entries: readonly StoredKey[],
    isFirst: boolean,
  ): Held | undefined {
    if ('off' in change) return change.off
    const { state } = change
    if (!isFirst) return called(state, entries)
    pass(state.keys.ticket, this.waiting)
    return entered(state, list, entries)
  }

  /** Nothing was changed. A change whose own conditions failed is refused; the others are sent again. */
  #conflict({ changes, owners, operations }: Draft<Order>, failures: readonly Failure[]): void {
    let isAgain = false
    for (const failure of failures) {
      const [owner, operation] = [owners[failure.operation], operations[failure.operation]]
      if (typeof owner === 'object' && 'caller' in owner) refused(owner, operation as Operation)
      else isAgain = true
      this.#note(owner, operation as Operation, failure)
    }
    if (!isAgain) return
    // A claim that only waits is admitted by the next one, or watches the list itself.
    for (const order of changes) if (this.#orders.has(order)) failedAgain(order)
  }

  /** Notes what a condition that failed says about the list and the line. */
  #note(owner: Owner<Order> | undefined, operation: Operation, failure: Failure): void {
    if (owner === 'list') this.#known.forgetList()
    else if (owner === 'line') this.#known.forgetLine()
    else if (owner && 'isCallable' in owner) this.#known.refused(owner, operation, failure)
  }

  /** An error may concern one of the changes only; then each is sent alone, and nothing was changed. */
  #failed({ changes, called }: Draft<Order>, error: unknown): void {
    this.#known.forgetList()
    const isOfOne = error instanceof SessionGoneError || error instanceof RefusedError
    for (const order of changes) {
      const { caller } = order
      if (!this.#orders.has(order)) caller.settle.resolve(undefined)
      else if (isOfOne && changes.length + called.length > 1) caller.isAlone = true
      else caller.settle.reject(error)
    }
  }
}
