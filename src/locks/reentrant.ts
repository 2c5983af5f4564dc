// A mutex that calls inside its own `run` may take again: they share one hold, which is released with its last share.
// Owns the count of the shares. nesting.ts knows which chain of calls has the hold.
import type { AskOptions } from '../api/ask.ts'
import type { Hold, ReleaseOptions } from '../api/hold.ts'
import type { AcquireOptions, HandoffOptions, Mutex, RunOptions, TryOptions } from '../api/lock.ts'
import { HoldLostError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import type { StoreKey } from '../contract.ts'
import {
  acquireOptions,
  checkOptions,
  checkSignals,
  checkWork,
  runOptions,
  tryOptions,
} from '../core/arguments.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'
import { keptMs } from '../core/keeping.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import { ClaimLock, cohortForm, type Form, type LockClient } from './lock.ts'
import { workUnder } from './work.ts'

/** A mutex with `reentrant`. Its promises are in MutexOptions. */
export class ReentrantMutex implements Mutex {
  readonly name: string
  readonly #client: LockClient
  readonly #lock: ClaimLock<SharedHold>
  readonly #permits: number

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: LockClient, name: string, handoff?: HandoffOptions) {
    const form = handoff ? cohortForm(sharedForm, handoff) : sharedForm
    this.#client = client
    this.#lock = new ClaimLock(client, name, form)
    this.#permits = form.permits
    this.name = name
  }

  async acquire(options: AcquireOptions = {}): Promise<Hold> {
    checkOptions(options, acquireOptions)
    return (this.#own(options) ?? (await this.#lock.acquire(options))).share()
  }

  async tryAcquire(options: TryOptions = {}): Promise<Hold | undefined> {
    checkOptions(options, tryOptions)
    return (this.#own(options) ?? (await this.#lock.tryAcquire(options)))?.share()
  }

  async run<T>(work: (hold: Hold) => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    const { facts, ttlMs, nesting } = this.#client
    checkWork('work', work)
    checkOptions(options, runOptions(facts, ttlMs))
    const { stopBeforeMs = stopBeforeDefaultMs(ttlMs, facts), ...acquire } = options
    const own = this.#own(acquire)
    if (own) return workUnder(own.share(), stopBeforeMs, work)
    const hold = await this.#lock.acquire(acquire)
    return nesting.under([hold], () => workUnder(hold.share(), stopBeforeMs, work))
  }

  readCheckpoint(options?: AskOptions): Promise<string | undefined> {
    return this.#lock.readCheckpoint(options)
  }

  /** The hold of the chain of calls that asks, if it has one that may be shared. */
  #own({ signal }: TryOptions): SharedHold | undefined {
    signal?.throwIfAborted()
    const own = this.#client.nesting.own(this.name, this.#permits)
    return own instanceof SharedHold ? own : undefined
  }
}

/** The one hold behind all shares. */
class SharedHold extends ClaimHold {
  readonly #grant: Grant
  #shares = 0
  #hasStop = false
  #afterMs: number | undefined

  constructor(grant: Grant) {
    super(grant)
    this.#grant = grant
  }

  share(): Share {
    this.#shares += 1
    return new Share(this)
  }

  /** Throws TypeError or RangeError for bad options of a release. */
  check(options: ReleaseOptions): void {
    keptMs(this.#grant, options)
  }

  /** Releases the hold with its last share. The name then stays taken as long as the longest `afterMs` of all shares says. */
  async leave({ afterMs }: ReleaseOptions): Promise<void> {
    if (afterMs !== undefined) this.#afterMs = Math.max(afterMs, this.#afterMs ?? 0)
    this.#shares -= 1
    if (this.#shares > 0) return
    await (this.#afterMs === undefined || !this.held
      ? this.release()
      : this.release({ afterMs: this.#afterMs }))
  }

  /** The signal is one for all shares, so the outermost `run` says how early it aborts. */
  override stopBefore(ms: number): void {
    if (this.#hasStop) return
    this.#hasStop = true
    super.stopBefore(ms)
  }
}

const sharedForm: Form<SharedHold> = {
  kind: 'mutex',
  permits: 1,
  weight: 1,
  make: (grant) => new SharedHold(grant),
}

/** The hold as one caller has it: it ends with its own release, or with the hold. */
class Share implements Hold {
  readonly token: bigint
  readonly name: string
  readonly #hold: SharedHold
  #released: Promise<void> | undefined

  constructor(hold: SharedHold) {
    this.#hold = hold
    this.token = hold.token
    this.name = hold.name
  }

  get key(): StoreKey | undefined {
    return this.#released ? undefined : this.#hold.key
  }

  get held(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    const leftMs = this.#hold.remainingMs // reading it reports an overdue loss
    return this.#released ? 0 : leftMs
  }

  get signal(): AbortSignal {
    return this.#hold.signal
  }

  signalWith(...signals: AbortSignal[]): AbortSignal {
    checkSignals(signals)
    return this.#hold.signalWith(...signals)
  }

  assertHeld(minMs?: number): void {
    this.#hold.assertHeld(minMs)
    if (this.#released)
      throw new HoldLostError(`the hold on ${quoted(this.name)} was released`, {
        code: 'LEASEHOLD_HOLD_RELEASED',
      })
  }

  assertNotLost(): void {
    this.#hold.assertNotLost()
  }

  stopBefore(ms: number): void {
    this.#hold.stopBefore(ms)
  }

  async verify(options?: AskOptions): Promise<void> {
    if (this.#released) this.assertHeld()
    return this.#hold.verify(options)
  }

  async checkpoint(text: string, options?: AskOptions): Promise<void> {
    if (this.#released) this.assertHeld()
    return this.#hold.checkpoint(text, options)
  }

  async release(options: ReleaseOptions = {}): Promise<void> {
    this.#hold.check(options)
    this.#released ??= this.#hold.leave(options)
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}
