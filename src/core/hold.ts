// The hold that an acquire returns: its token, and whether it is still held. Owns how loss is reported and how the
// hold ends. The session owns the deadline; acquire.ts owns waiting.
import { Mutex } from 'async-mutex'
import type { AskOptions } from '../api/ask.ts'
import type { Operation } from '../api/events.ts'
import type { Hold, ReleaseOptions } from '../api/hold.ts'
import { SessionGoneError } from '../base/errors.ts'
import type { Claim, StoreKey } from '../contract.ts'
import { askOptions, checkLeast, checkOptions, checkSignals, checkText } from './arguments.ts'
import { anyComputed, computed } from './computed-signal.ts'
import { tellLost, tellNearLoss, toldRelease } from './events.ts'
import type { Grant } from './grant.ts'
import { notHeld, removed, short } from './hold-errors.ts'
import { valueWithToken } from './holder.ts'
import { keepAndLeave, keptMs } from './keeping.ts'
import { persist, withAskOptions } from './request.ts'
import type { Guarded } from './session.ts'
import type { Batch } from './withdrawals.ts'

export type { Grant } from './grant.ts'

type Question<T> = (signal: AbortSignal) => Promise<T>

/** A hold on a claim of this client. Its promises are in the interface Hold. */
export class ClaimHold implements Hold, Guarded {
  readonly token: bigint
  readonly name: string
  readonly #grant: Grant
  /** Orders the fenced writes. Created at the first write, since most holds write nothing. */
  #writes: Mutex | undefined
  #controller: AbortController | undefined
  /** Why the signal is aborted, kept until code reads the signal. The first reason stays. */
  #aborted: { readonly reason: unknown } | undefined
  #lost: Error | undefined
  #released: Promise<void> | undefined
  /** Whether the end of the hold has begun. */
  #isOver = false
  #isKept = false
  /** The writes without an answer: the store may apply them later, while the claim stands. */
  #unanswered = 0
  #stopBeforeMs = 0
  #cancelAlarm: (() => void) | undefined

  constructor(grant: Grant) {
    this.#grant = grant
    this.token = grant.token
    this.name = grant.claim.name
    grant.guard(this)
  }

  /** The permits of the name, and how many of them it has. */
  get size(): Readonly<Pick<Claim, 'name' | 'permits' | 'weight'>> {
    return this.#grant.claim
  }

  get held(): boolean {
    return this.remainingMs > 0
  }

  get key(): StoreKey | undefined {
    const { backend, claim, isShared } = this.#grant
    return this.#isOver || isShared ? undefined : backend.key?.(claim)
  }

  get remainingMs(): number {
    const sessionMs = this.#grant.session.remainingMs // reading it also reports an overdue loss
    if (this.#isOver) return 0
    if (sessionMs <= this.#stopBeforeMs)
      this.stop(short(this.name, this.#stopBeforeMs, this.#grant.session.failure))
    return sessionMs
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#computedController()
    this.remainingMs // reading it reports an overdue loss
    return this.#controller.signal
  }

  signalWith(...signals: AbortSignal[]): AbortSignal {
    checkSignals(signals)
    return anyComputed([this.signal, ...signals])
  }

  assertHeld(minMs = 0): void {
    checkLeast(minMs)
    const leftMs = this.remainingMs
    if (leftMs > 0 && leftMs >= minMs) return
    throw this.#lost ?? notHeld(this.name, minMs, leftMs, this.#grant.session.failure)
  }

  /** Throws HoldLostError if the hold was lost. A hold that was released is not lost. */
  assertNotLost(): void {
    this.remainingMs // reading it reports an overdue loss
    if (this.#lost) throw this.#lost
  }

  async verify(options: AskOptions = {}): Promise<void> {
    checkOptions(options, askOptions)
    this.assertHeld()
    const { backend, claim } = this.#grant
    const stands = await this.ask(options, 'verify', (signal) => backend.verify(claim, signal))
    if (!stands) this.lose(removed(this.name))
    this.assertHeld()
  }

  async checkpoint(text: string, options: AskOptions = {}): Promise<void> {
    const { backend, claim } = this.#grant
    checkText(text, backend.facts)
    checkOptions(options, askOptions)
    return this.write(options, 'writeCheckpoint', (signal) => backend.writeCheckpoint(claim, text, signal))
  }

  /**
   * Writes the token into the value of the claim, so that an operator who knows the token finds the claim. Does nothing unless the
   * store shows another number for the claim, as etcd does for a mutex that had to wait. Costs one request. Rejects as `checkpoint`.
   */
  async showToken(options: AskOptions = {}): Promise<void> {
    const { backend, claim } = this.#grant
    const { key } = this
    if (key === undefined || key.revision === this.token) return
    const value = valueWithToken(claim.value, this.token)
    await this.write(options, 'proclaim', (signal) => backend.proclaim(claim, value, signal))
  }

  /**
   * Sends a write that the store refuses unless this hold stands. Writes run one after another in the order of the
   * calls, so the last call wins even if an earlier one has to be repeated.
   */
  protected write(options: AskOptions, what: Operation, question: Question<boolean>): Promise<void> {
    this.#writes ??= new Mutex()
    return this.#writes.runExclusive(() => this.#write(options, what, question))
  }

  async #write(options: AskOptions, what: Operation, question: Question<boolean>): Promise<void> {
    this.assertHeld()
    this.#unanswered += 1
    const stands = await this.ask(options, what, question)
    this.#unanswered -= 1
    if (stands) return
    this.lose(removed(this.name))
    this.assertHeld()
  }

  release(options?: ReleaseOptions): Promise<void> {
    return options ? this.#releaseWith(options) : this.releaseWithin()
  }

  /** `release` of a hold that ends together with others: the withdrawals of a batch are sent as one. */
  releaseWithin(batch?: Batch): Promise<void> {
    const leave = (): Promise<void> => this.#grant.withdraw(this, batch)
    this.#released ??= toldRelease(this, this.#grant, () => this.#end(leave))
    // After a loss the withdrawal runs in the background: the store may be down, and nobody should wait for it.
    return this.#lost ? Promise.resolve() : this.#released
  }

  async #releaseWith(options: ReleaseOptions): Promise<void> {
    const ms = keptMs(this.#grant, options)
    if (ms === undefined) return this.release()
    if (this.#isKept) return this.#released
    this.assertHeld()
    this.#isKept = true
    const leave = (): Promise<void> => keepAndLeave(this.#grant, ms, () => this.#grant.withdraw(this))
    this.#released = toldRelease(this, this.#grant, () => this.#end(leave))
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  /** Asks the work under this hold to stop although it still holds: `signal` aborts with this reason. */
  protected stop(reason: unknown): void {
    this.#aborted ??= { reason }
    this.#controller?.abort(reason)
  }

  /**
   * From now on `signal` aborts with a HoldLostError `ms` before the deadline, unless a renewal moves the deadline in time.
   * Like a loss, the abort is computed from the clock when `signal` is read, and a timer reports it.
   */
  stopBefore(ms: number): void {
    this.#stopBeforeMs = ms
    this.#lookAhead()
  }

  #lookAhead(): void {
    const leftMs = this.remainingMs - this.#stopBeforeMs // reading it aborts the signal if that is due
    if (this.#isOver || this.#aborted) return
    this.#cancelAlarm = this.#grant.clock.after(Math.max(1, leftMs), () => this.#lookAhead())
  }

  #end(leave = () => this.#grant.withdraw(this)): Promise<void> {
    this.#isOver = true
    this.#cancelAlarm?.()
    this.#grant.unguard(this.#lost !== undefined || this.#isKept || this.#unanswered > 0)
    return leave()
  }

  /** Ends the hold as lost, unless it is over. Sends the withdrawal in the background. */
  lose(lost: Error): void {
    if (this.#isOver) return
    this.#lost = lost
    this.#released = this.#end()
    this.#released.catch(() => {}) // no caller waits for this release
    this.stop(lost)
    tellLost(this, this.#grant, lost)
  }

  nearLoss(): void {
    tellNearLoss(this, this.#grant)
  }

  #computedController(): AbortController {
    const controller = new AbortController()
    if (this.#aborted) controller.abort(this.#aborted.reason)
    computed(controller.signal, () => this.remainingMs)
    return controller
  }

  /** Asks the store about this hold until it answers or the session is over. Rejects with HoldLostError after a loss. */
  protected async ask<T>(options: AskOptions, what: Operation, question: Question<T>): Promise<T> {
    const { session } = this.#grant
    const { requests } = session
    try {
      return await withAskOptions(requests, options, (scope) =>
        persist({ ...requests, scope }, what, question),
      )
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      this.assertHeld()
      throw error
    }
  }
}
