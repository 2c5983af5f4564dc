// `request` and `query` of the Web Locks API: a name is a lock of readers and writers, `shared` reads and `exclusive`
// writes. Owns the requests of one client and their life; thief.ts takes locks away.
import type { AskOptions } from '../api/ask.ts'
import type { Hold } from '../api/hold.ts'
import type { Leasehold } from '../api/leasehold.ts'
import type { Lock } from '../api/lock.ts'
import { orAborted } from '../base/abort.ts'
import { quoted } from '../base/printable.ts'
import { sharedPermits } from '../base/shapes.ts'
import type { NameState } from '../contract.ts'
import { Pending } from './pending.ts'
import { type Given, requestOf } from './requests.ts'
import { steal } from './thief.ts'
import type { WebLockCallback, WebLockInfo, WebLockMode, WebLocks, WebLocksSnapshot } from './types.ts'

/** The web locks of one client. Their promises are in the interface WebLocks. */
export class ClusterLocks implements WebLocks {
  readonly #leasehold: Leasehold
  readonly #prefix: string
  /** In the order in which they were made. */
  readonly #pending = new Set<Pending>()
  readonly #held = new Set<Granted>()

  constructor(leasehold: Leasehold, prefix: string) {
    this.#leasehold = leasehold
    this.#prefix = prefix
  }

  async request<T>(name: string, ...given: Given<T>): Promise<Awaited<T>> {
    const { mode, ifAvailable, steal: steals, signal, callback } = requestOf(name, given)
    const { read, write } = this.#leasehold.rwlock(this.#prefix + name)
    const lock: Lock = mode === 'shared' ? read : write
    if (ifAvailable) {
      const hold = await lock.tryAcquire()
      return hold ? this.#work(new Granted(name, mode, hold), callback) : await callback(null)
    }
    const hold = steals
      ? await this.#steal(name, lock)
      : await this.#wait(new Pending(name, mode), lock, signal)
    return this.#work(new Granted(name, mode, hold), callback)
  }

  async query(options?: AskOptions): Promise<WebLocksSnapshot> {
    const states = await this.#leasehold.survey(this.#prefix, options)
    const locks = states.filter(({ permits }) => permits === sharedPermits)
    const held = locks.flatMap((state) => this.#infos(state, true))
    const pending = locks.flatMap((state) => this.#infos(state, false))
    return { held, pending: [...pending, ...this.#local(locks)] }
  }

  /** Calls the callback, and ends the hold when its result has settled or the lock is gone. */
  async #work<T>(granted: Granted, callback: WebLockCallback<T>): Promise<Awaited<T>> {
    const { name, mode, hold, signal } = granted
    this.#held.add(granted)
    try {
      const work = async (): Promise<Awaited<T>> =>
        await callback(Object.freeze({ name, mode, token: hold.token, signal }))
      const result = await orAborted(work(), signal)
      if (signal.aborted) throw signal.reason
      return result
    } catch (error) {
      throw signal.aborted && error === signal.reason ? granted.lost() : error
    } finally {
      this.#held.delete(granted)
      // After a loss nothing protects the work any more, and nobody waits for the store.
      if (!signal.aborted) await hold.release().catch(() => {})
    }
  }

  async #wait<H extends Hold>(pending: Pending, lock: Lock<H>, signal: AbortSignal | undefined): Promise<H> {
    this.#pending.add(pending)
    try {
      return await pending.acquire(lock, signal)
    } finally {
      this.#pending.delete(pending)
    }
  }

  #steal<H extends Hold>(name: string, lock: Lock<H>): Promise<H> {
    return steal(lock, this.#leasehold, {
      pending: () => [...this.#pending].filter((each) => each.name === name),
      rob: () => {
        for (const granted of this.#held) if (granted.name === name) granted.rob()
      },
    })
  }

  #infos({ name, claims }: NameState, held: boolean): WebLockInfo[] {
    const its = claims.filter((claim) => claim.held === held)
    return its.map(({ session, weight = 1 }) => ({
      name: name.slice(this.#prefix.length),
      mode: weight > 1 ? 'exclusive' : 'shared',
      clientId: session,
    }))
  }

  /** The requests of this client that are not in the store: a client makes as many claims as fit into the lock. */
  #local(states: readonly NameState[]): WebLockInfo[] {
    const { session: clientId = '' } = this.#leasehold
    return [...new Set([...this.#pending].map(({ name }) => name))].flatMap((name) => {
      const claims = states.find((state) => state.name === this.#prefix + name)?.claims ?? []
      const own = claims.filter(({ session }) => session === clientId)
      const held = [...this.#held].filter((granted) => granted.name === name)
      // A hold may have a session of its own on Consul, and a claim may hold although its answer is still on its way.
      const inStore = Math.max(own.filter((claim) => !claim.held).length, own.length - held.length)
      const pending = [...this.#pending].filter((each) => each.name === name)
      return pending.slice(inStore).map(({ mode }) => ({ name, mode, clientId }))
    })
  }
}

/** A lock that a request has. */
class Granted {
  readonly name: string
  readonly mode: WebLockMode
  readonly hold: Hold
  /** Aborts when the lock is lost, or was stolen by a request of this client. */
  readonly signal: AbortSignal
  readonly #robbed = new AbortController()

  constructor(name: string, mode: WebLockMode, hold: Hold) {
    this.name = name
    this.mode = mode
    this.hold = hold
    this.signal = hold.signalWith(this.#robbed.signal)
  }

  /** Takes the lock away from its request. */
  rob(): void {
    const why = `another request has stolen the lock ${quoted(this.name)}`
    this.#robbed.abort(new DOMException(why, 'AbortError'))
    this.hold.release().catch(() => {}) // the end of the session frees it
  }

  /** The error of its request. */
  lost(): DOMException {
    const { reason } = this.signal
    if (reason === this.#robbed.signal.reason) return reason
    const message = `the lock ${quoted(this.name)} was lost: ${(reason as Error).message}`
    return new DOMException(message, { name: 'AbortError', cause: reason })
  }
}
