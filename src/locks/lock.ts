// Locks of every form, which differ only in their permits and in what a claim takes of them. Owns the verbs of
// api/lock.ts; core/acquire.ts waits, and core/hold.ts is the hold.
import type { AskOptions } from '../api/ask.ts'
import type { LockKind } from '../api/events.ts'
import type { HandoffOptions, Lock, PermitOptions, PermitRunOptions, PermitTryOptions } from '../api/lock.ts'
import type { Clock } from '../base/clock.ts'
import type { Table } from '../base/options.ts'
import { cohortPermits } from '../base/shapes.ts'
import type { Facts } from '../contract.ts'
import type { Acquirer } from '../core/acquire.ts'
import {
  acquireOptions,
  checkName,
  checkOptions,
  checkWork,
  runOptions,
  tryOptions,
} from '../core/arguments.ts'
import type { Groups } from '../core/group.ts'
import { ClaimHold, type Grant } from '../core/hold.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import type { Wish } from '../core/wish.ts'
import type { Frame } from './frame.ts'
import type { Nesting } from './nesting.ts'
import { workUnder } from './work.ts'

/** The parts of the client that a lock uses. */
export interface LockClient {
  readonly acquirer: Acquirer
  readonly groups: Groups
  readonly clock: Clock
  readonly facts: Facts
  readonly ttlMs: number
  /** The value of the claims: the host and process of this client, for others to read. */
  readonly holder: string
  /** Which call holds and waits for what, in this client. */
  readonly nesting: Nesting
  readCheckpoint(name: string, options?: AskOptions): Promise<string | undefined>
}

/** The form of a lock: its size, what a claim takes of it, and the hold that a claim becomes. */
export interface Form<H extends ClaimHold> {
  readonly kind: LockKind
  readonly permits: number
  readonly weight: number
  /** The options that only `acquire`, `tryAcquire` and `run` of this form have. */
  readonly options?: Table
  readonly make: (grant: Grant) => H
  /** The bounds of a mutex with `handoff`. */
  readonly handoff?: HandoffOptions | undefined
}

/** A mutex: one of one. */
export const mutexForm: Form<ClaimHold> = {
  kind: 'mutex',
  permits: 1,
  weight: 1,
  make: (grant) => new ClaimHold(grant),
}

/** A mutex with `handoff`: all of all, so that each claim is alone, in a form that the name keeps. */
export function cohortForm<H extends ClaimHold>(form: Form<H>, handoff: HandoffOptions): Form<H> {
  return { ...form, permits: cohortPermits, weight: cohortPermits, handoff }
}

/** A name that claims may hold as far as their weights fit into its permits. */
export class ClaimLock<H extends ClaimHold = ClaimHold> implements Lock<H> {
  readonly name: string
  readonly #client: LockClient
  readonly #form: Form<H>

  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: LockClient, name: string, form: Form<H>) {
    checkName(name)
    this.#client = client
    this.name = name
    this.#form = form
  }

  async acquire(options: PermitOptions = {}): Promise<H> {
    checkOptions(options, this.#with(acquireOptions))
    return this.acquireInside(undefined, options)
  }

  /** `acquire` as a part of this run or, without one, of the present run. Does not check the options. */
  acquireInside(run: Frame | undefined, options: PermitOptions): Promise<H> {
    const { acquirer, nesting } = this.#client
    const wish = this.wish(options)
    return nesting.waiting(wish, wish.waitMs, () => acquirer.acquire(wish), run)
  }

  async tryAcquire(options: PermitTryOptions = {}): Promise<H | undefined> {
    checkOptions(options, this.#with(tryOptions))
    return this.#client.acquirer.tryAcquire(this.wish(options))
  }

  async run<T>(work: (hold: H) => T | Promise<T>, options: PermitRunOptions = {}): Promise<T> {
    const { facts, ttlMs, nesting } = this.#client
    checkWork('work', work)
    checkOptions(options, this.#with(runOptions(facts, ttlMs)))
    const { stopBeforeMs = stopBeforeDefaultMs(ttlMs, facts), ...acquireOptions } = options
    const hold = await this.acquire(acquireOptions)
    return nesting.under([hold], () => workUnder(hold, stopBeforeMs, work))
  }

  readCheckpoint(options?: AskOptions): Promise<string | undefined> {
    return this.#client.readCheckpoint(this.name, options)
  }

  /** The wish that these options express. */
  wish({ permits: asked, waitMs, signal, onWait }: PermitOptions): Wish<H> {
    const { name } = this
    const { kind, permits, make, handoff } = this.#form
    const weight = asked ?? this.#form.weight
    const value = this.#client.holder
    return { name, kind, permits, weight, value, candidate: false, make, handoff, waitMs, signal, onWait }
  }

  #with(table: Table): Table {
    const { options } = this.#form
    return options ? { ...table, ...options } : table
  }
}
