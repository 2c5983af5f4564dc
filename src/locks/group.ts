// Several mutexes as one lock: all or none, in one order that is the same in every client, so no two can wait for each
// other in a circle. Owns that order, the common deadline, and the common hold.
import type { AskOptions } from '../api/ask.ts'
import type { GroupHold, ReleaseOptions } from '../api/hold.ts'
import type { AcquireOptions, MutexGroup, RunOptions, TryOptions } from '../api/lock.ts'
import { leastElapsedMs } from '../base/clock.ts'
import { HoldLostError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import type { Scope } from '../base/scope.ts'
import {
  acquireOptions,
  checkOptions,
  checkSignals,
  checkWork,
  runOptions,
  tryOptions,
} from '../core/arguments.ts'
import { anyComputed, computed } from '../core/computed-signal.ts'
import type { NotTogether } from '../core/group.ts'
import type { ClaimHold } from '../core/hold.ts'
import { stopBeforeDefaultMs } from '../core/lifetime.ts'
import type { Frame } from './frame.ts'
import { ClaimLock, type LockClient, mutexForm } from './lock.ts'
import { checkNames } from './sizes.ts'
import { workUnder } from './work.ts'

/** A group of mutexes. Its promises are in the interface MutexGroup. */
export class ClaimMutexes implements MutexGroup {
  readonly names: readonly string[]
  readonly #client: LockClient
  readonly #locks: readonly ClaimLock[]

  /** Throws TypeError or RangeError for bad names, and for any option. Sends nothing. */
  constructor(client: LockClient, names: readonly string[], options: object = {}) {
    checkNames(names)
    checkOptions(options, {})
    this.#client = client
    this.names = names.toSorted()
    this.#locks = this.names.map((name) => new ClaimLock(client, name, mutexForm))
  }

  async acquire(options: AcquireOptions = {}): Promise<GroupHold> {
    checkOptions(options, acquireOptions)
    return this.#acquire(options)
  }

  async tryAcquire(options: TryOptions = {}): Promise<GroupHold | undefined> {
    checkOptions(options, tryOptions)
    const together = await this.#together({ ...options, waitMs: 0 })
    if (together === 'not free') return undefined
    if (together !== 'one by one') return together
    return this.#all((lock, signal) => lock.tryAcquire({ signal }), options.signal)
  }

  async run<T>(work: (hold: GroupHold) => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    const { facts, ttlMs, nesting } = this.#client
    checkWork('work', work)
    checkOptions(options, runOptions(facts, ttlMs))
    const { stopBeforeMs = stopBeforeDefaultMs(ttlMs, facts), ...acquireOptions } = options
    const all = await this.#acquire(acquireOptions)
    return nesting.under(all.each, () => workUnder(all, stopBeforeMs, work))
  }

  /**
   * Takes all of them: in one step if all are free and the store can, otherwise in order. If one is lost while this waits for
   * another, it begins anew within the same time.
   */
  async #acquire({ waitMs, signal, onWait }: AcquireOptions): Promise<Holds> {
    const { clock, nesting } = this.#client
    // Before the first wait: the group would take its names one by one, and find this only in the middle.
    if (waitMs !== 0) for (const name of this.names) nesting.check({ name, ...mutexForm })
    const since = clock.mark()
    const leftMs = (): number | undefined =>
      waitMs === undefined ? undefined : Math.max(0, Math.ceil(waitMs - leastElapsedMs(since, clock.mark())))
    const together = await this.#together({ waitMs, signal })
    if (together instanceof Holds) return together
    for (;;) {
      const all = await this.#all(
        (lock, ends, run) => lock.acquireInside(run, { waitMs: leftMs(), signal: ends, onWait }),
        signal,
      )
      if (all) return all
    }
  }

  async #together(options: AcquireOptions): Promise<Holds | NotTogether> {
    const wishes = this.#locks.map((lock) => lock.wish(options))
    const holds = await this.#client.groups.tryAll(wishes)
    return typeof holds === 'string' ? holds : new Holds(this.#client, holds)
  }

  /**
   * Takes the mutexes in order. Resolves with undefined if one is not free or was lost meanwhile, and has then given back those
   * that it had. When it rejects, it holds none of them either, and the store learns of that in the background.
   */
  async #all(take: Take, signal: AbortSignal | undefined): Promise<Holds | undefined> {
    const [holds, scope] = [[] as ClaimHold[], this.#client.acquirer.closing.scopeOf(signal)]
    let gaveUp = false
    try {
      const all = (await this.#takeEach(holds, take, scope)) ? new Holds(this.#client, [...holds]) : undefined
      if (!all?.held) return undefined
      holds.length = 0
      return all
    } catch (error) {
      if (!signal?.aborted && holds.some((hold) => !hold.held)) return undefined
      gaveUp = true
      throw error
    } finally {
      scope.detach()
      const released = giveBack(this.#client, holds).catch(() => {})
      if (!gaveUp) await released // otherwise the caller would wait for a store that may be down
    }
  }

  /** Takes the mutexes in order, and puts each into `holds`. Resolves with false as soon as one is not free. */
  async #takeEach(holds: ClaimHold[], take: Take, scope: Scope): Promise<boolean> {
    const { nesting } = this.#client
    const frame = nesting.open() // while it waits for a name it holds others: a circle of waits may go through it
    try {
      for (const lock of this.#locks) {
        const hold = await take(lock, scope.signal, frame)
        if (!hold) return false
        holds.push(hold)
        nesting.add(frame, hold)
        scope.onSignal(hold.signal) // a wait for the next one ends when this one is lost
      }
      return true
    } finally {
      nesting.end(frame)
    }
  }
}

/** Takes one mutex of a group as a part of this run, and gives up when the signal aborts. */
type Take = (lock: ClaimLock, signal: AbortSignal, run: Frame) => Promise<ClaimHold | undefined>

/** The holds of a group. */
class Holds implements GroupHold {
  readonly tokens: ReadonlyMap<string, bigint>
  /** Each of them. */
  readonly each: readonly ClaimHold[]
  readonly #client: LockClient
  #controller: AbortController | undefined

  constructor(client: LockClient, holds: readonly ClaimHold[]) {
    this.#client = client
    this.each = holds
    this.tokens = new Map(holds.map(({ name, token }) => [name, token]))
  }

  get held(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    return Math.min(...this.each.map(({ remainingMs }) => remainingMs))
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      computed(this.#controller.signal, () => this.remainingMs)
      for (const hold of this.each) this.#follow(hold, this.#controller)
    }
    this.remainingMs // reading it reports an overdue loss
    return this.#controller.signal
  }

  signalWith(...signals: AbortSignal[]): AbortSignal {
    checkSignals(signals)
    return anyComputed([this.signal, ...signals])
  }

  assertHeld(minMs?: number): void {
    for (const hold of this.each) hold.assertHeld(minMs)
  }

  /** Throws HoldLostError if one of the holds was lost. */
  assertNotLost(): void {
    for (const hold of this.each) hold.assertNotLost()
  }

  /** From now on `signal` aborts so long before the earliest deadline. */
  stopBefore(ms: number): void {
    for (const hold of this.each) hold.stopBefore(ms)
  }

  async verify(options?: AskOptions): Promise<void> {
    await Promise.all(this.each.map((hold) => hold.verify(options)))
  }

  async release(options?: ReleaseOptions): Promise<void> {
    if (options) await Promise.all(this.each.map((hold) => hold.release(options)))
    else await giveBack(this.#client, this.each)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #follow({ name, signal }: ClaimHold, { signal: common }: AbortController): void {
    const pass = (): void => this.#controller?.abort(lostOf(name, signal.reason))
    if (signal.aborted) pass()
    else signal.addEventListener('abort', pass, { once: true, signal: common })
  }
}

/** Releases these holds, in one request where the store can. */
async function giveBack({ acquirer }: LockClient, holds: readonly ClaimHold[]): Promise<void> {
  const batch = acquirer.closing.batch()
  await Promise.all(holds.map((hold) => hold.releaseWithin(batch)))
}

/** The loss of one lock, as the loss of all. */
function lostOf(name: string, reason: unknown): HoldLostError {
  const { message, code, loss } = reason as HoldLostError
  return new HoldLostError(`of several locks, ${quoted(name)}: ${message}`, { code, loss, cause: reason })
}
