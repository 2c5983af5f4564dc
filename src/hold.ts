// What a successful claim gives its caller: a token, and the truth about whether it still holds. Owns how loss is
// told and how the hold ends; the deadline is the session's, and waiting for a turn is acquire's.
import { setMaxListeners } from 'node:events'
import { Mutex } from 'async-mutex'
import { checkText } from './arguments.ts'
import type { Admitted, Backend, Claim } from './backend.ts'
import type { Clock } from './clock.ts'
import { HoldLostError, SessionGoneError } from './errors.ts'
import { Limits } from './limits.ts'
import { persist } from './request.ts'
import type { Session } from './session.ts'
import { watchClaim } from './watch.ts'

/** What an acquire hands over to the hold that it makes. */
export interface Grant {
  readonly backend: Backend
  readonly clock: Clock
  readonly session: Session
  readonly claim: Claim
  readonly admitted: Admitted
  /** Takes the claim out of the store and lets the next local caller have its turn. */
  readonly withdraw: () => Promise<void>
}

/**
 * A lock, held. It ends by `release` (or at the end of an `await using` block), or it is lost: when the session was
 * not renewed in time, ended in the store, or somebody removed the claim. Whatever the hold protects should
 * carry `token`, use `signal`, or call `assertHeld` before it acts.
 */
export class Hold implements AsyncDisposable {
  /**
   * The fencing token: larger than that of every earlier holder of the name, whatever client it used. On etcd tokens of
   * an election and of a mutex of the same name do not compare.
   */
  readonly token: bigint
  /** The name of the lock. */
  readonly name: string
  readonly #grant: Grant
  /** Orders the fenced writes. The first of them makes it, since most holds write nothing. */
  #writes: Mutex | undefined
  #unsubscribe = nothing
  #cancelWatch = nothing
  #watching: Limits | undefined
  #controller: AbortController | undefined
  /** Why the signal is aborted, kept until somebody asks for the signal. The first reason stays. */
  #aborted: { readonly reason: unknown } | undefined
  #lost: Error | undefined
  #released: Promise<void> | undefined

  constructor(grant: Grant) {
    this.#grant = grant
    this.token = grant.admitted.token
    this.name = grant.claim.name
    this.#unsubscribe = grant.session.onEnd((reason) => this.#lose(reason as Error))
    // Late, so that a short hold costs no request for it.
    this.#cancelWatch = grant.clock.after(grant.session.ttlMs / 10, () => this.#startWatch())
  }

  /** Whether this is still the holder, computed from the clock when read: right even after a blocked event loop. */
  get held(): boolean {
    return this.remainingMs > 0
  }

  /** Time in ms to the local deadline, which every renewal moves; 0 once released or lost. */
  get remainingMs(): number {
    const sessionMs = this.#grant.session.remainingMs // computing it may tell this hold that it is lost
    return this.#released ? 0 : sessionMs
  }

  /**
   * Aborts when the hold is lost, with a HoldLostError as reason, and never after a release. Whether it is aborted is
   * computed from the clock when this is read, and when its `aborted` is: `fetch` and others that look before they
   * begin see a loss that no timer could tell yet.
   */
  get signal(): AbortSignal {
    this.#controller ??= this.#computedController()
    this.remainingMs // reading it tells the loss, if there is one to tell
    return this.#controller.signal
  }

  /**
   * Throws HoldLostError unless this still is the holder, for at least `minMs` more ms: call it before each effect,
   * with the time that the effect may need.
   */
  assertHeld(minMs = 0): void {
    const leftMs = this.remainingMs
    if (leftMs > 0 && leftMs >= minMs) return
    throw this.#lost ?? this.#notHeld(minMs, leftMs)
  }

  /**
   * Asks the store, by a linearizable read, whether this still is the holder. Costs one request. Throws
   * HoldLostError if not, and UnavailableError if the store did not answer.
   */
  async verify(): Promise<void> {
    this.assertHeld()
    const { backend, claim } = this.#grant
    const stands = await this.#ask((limit) => backend.verify(claim, limit))
    if (!stands) this.#lose(this.#removed())
    this.assertHeld()
  }

  /**
   * Stores `text` for this name in the store itself, which refuses it unless this hold still stands: what the next
   * holder finds with `lock.checkpoint()` is never older than what the last one wrote. Costs one request.
   * Throws HoldLostError when refused, RangeError when the text is too long, UnavailableError as `verify` does.
   */
  async checkpoint(text: string): Promise<void> {
    const { backend, claim } = this.#grant
    checkText(text, backend.facts)
    return this.write((limit) => backend.writeCheckpoint(claim, text, limit))
  }

  /**
   * Asks the store to write what it refuses unless this hold stands. Writes go one after another, in the order of the
   * calls, so the last call counts, however often one of them has to be asked again.
   */
  protected write(question: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    this.#writes ??= new Mutex()
    return this.#writes.runExclusive(() => this.#write(question))
  }

  async #write(question: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
    this.assertHeld()
    if (await this.#ask(question)) return
    this.#lose(this.#removed())
    this.assertHeld()
  }

  /**
   * Gives the lock back. Idempotent. `held` is false at once; the promise resolves when the store has let go, which
   * takes one request, or when the session is over and the store lets go by itself. It rejects only
   * with RefusedError. After a loss it does nothing.
   */
  release(): Promise<void> {
    this.#released ??= this.#end()
    // After a loss the withdrawal goes on aside: its store may be the reason for the loss, and nobody has to wait for it.
    return this.#lost ? Promise.resolve() : this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  /** Asks whoever works under this hold to stop, though it still holds: `signal` aborts with this reason. */
  protected stop(reason: unknown): void {
    this.#aborted ??= { reason }
    this.#controller?.abort(reason)
  }

  #end(): Promise<void> {
    this.#unsubscribe()
    this.#cancelWatch()
    this.#watching?.end(this.#lost)
    return this.#grant.withdraw()
  }

  #lose(lost: Error): void {
    if (this.#released) return
    this.#lost = lost
    this.#released = this.#end()
    this.#released.catch(() => {}) // nobody waits for this one
    this.stop(lost)
  }

  #startWatch(): void {
    if (this.#released) return // lost while it was made
    this.#watching = new Limits()
    watchClaim(this.#grant, this.#watching, () => this.#lose(this.#removed()))
  }

  #computedController(): AbortController {
    const controller = new AbortController()
    setMaxListeners(0, controller.signal) // it is there to be handed to everything
    if (this.#aborted) controller.abort(this.#aborted.reason)
    const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get
    Object.defineProperty(controller.signal, 'aborted', {
      get: () => {
        this.remainingMs
        return aborted?.call(controller.signal)
      },
    })
    Object.defineProperty(controller.signal, 'throwIfAborted', {
      value: () => {
        if (controller.signal.aborted) throw controller.signal.reason
      },
    })
    return controller
  }

  /** Asks the store about this hold, until it answers or the session is over. */
  async #ask<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { session } = this.#grant
    const limits = new Limits().on(session)
    try {
      return await persist(session.request(limits), question)
    } catch (error) {
      if (error instanceof SessionGoneError) session.lose(error)
      this.assertHeld()
      throw error
    } finally {
      limits.lift()
    }
  }

  #removed(): HoldLostError {
    return new HoldLostError(
      `hold lost: the claim on ${JSON.stringify(this.name)} was removed from the store`,
    )
  }

  #notHeld(minMs: number, leftMs: number): HoldLostError {
    const name = JSON.stringify(this.name)
    if (leftMs === 0) return new HoldLostError(`the hold on ${name} was released`)
    return new HoldLostError(
      `${Math.floor(leftMs)} ms are left of the hold on ${name}, ${minMs} ms were asked for`,
    )
  }
}

const nothing = (): void => {}
