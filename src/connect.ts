// The way in: from a URL or a backend source to a client, and out again by `close`. Owns which backend loads for
// which scheme, and that one client has one store, one session and one clock.

import { type Clock, isoTime, systemClock } from './base/clock.ts'
import { Scope } from './base/scope.ts'
import type { Backend, BackendSource, Facts, NameState, Standing } from './contract.ts'
import { Acquirer } from './core/acquire.ts'
import { checkName, checkPrefix, checkToken, checkTtl } from './core/arguments.ts'
import { holderValue } from './core/holder.ts'
import { once, persist } from './core/request.ts'
import { Sessions } from './core/session.ts'
import type { CronClient } from './cron/contest.ts'
import { CronGuard, type CronOptions } from './cron/guard.ts'
import { Election, type ElectionClient } from './election/election.ts'
import type { LockClient } from './locks/lock.ts'
import { Mutex } from './locks/mutex.ts'
import { Semaphore, type SemaphoreOptions } from './locks/semaphore.ts'

/** How a client behaves, whatever its store. */
export interface ConnectOptions {
  /**
   * Time to live of the session in ms: how long the store waits for a client that died before it gives its locks
   * away. The range and the default are the store's (`facts`). Shorter means a faster take-over, and a
   * hold lost sooner when the process or the network pauses.
   */
  readonly ttlMs?: number | undefined
  /** Time and chance, for tests. */
  readonly clock?: Clock | undefined
}

/** For each scheme the module that serves it, loaded when the scheme is used and not before. */
const schemes: Record<string, (url: string) => Promise<BackendSource>> = {
  memory: async (url) => (await import('./backends/memory/index.ts')).memoryFromUrl(url),
  file: async (url) => (await import('./backends/file/index.ts')).fileFromUrl(url),
  etcd: async (url) => (await import('./backends/etcd/index.ts')).etcdFromUrl(url),
  etcds: async (url) => (await import('./backends/etcd/index.ts')).etcdFromUrl(url),
  consul: async (url) => (await import('./backends/consul/index.ts')).consulFromUrl(url),
  consuls: async (url) => (await import('./backends/consul/index.ts')).consulFromUrl(url),
}

/**
 * Opens a client: a connection to the store and one session in it, which all locks of the client share. `target` is a
 * URL (`etcd://host:2379,host2:2379/namespace/`, `consul://host:8500/namespace/?dc=dc1`, `etcds:` and `consuls:` for TLS,
 * `file:`, `memory:`), or what `leasehold/etcd`, `/consul`, `/file` and `/memory` return; without it `LEASEHOLD_URL`
 * decides, and without that `file:`, which serves all processes of one machine. Costs one request. Throws TypeError or
 * RangeError for a bad URL or option, UnavailableError when the store cannot be reached, RefusedError when it refuses
 * the credentials; nothing stays open then.
 */
export async function connect(
  target: string | BackendSource = process.env.LEASEHOLD_URL || 'file:',
  options: ConnectOptions = {},
): Promise<Leasehold> {
  const source = typeof target === 'string' ? await sourceOf(target) : target
  if (typeof source?.open !== 'function') {
    throw new TypeError(
      'target: it takes a URL as a string, or what leasehold/etcd, /consul, /file or /memory return',
    )
  }
  const clock = options.clock ?? systemClock()
  const backend = await source.open(clock)
  try {
    const { ttlMs = backend.facts.ttlMs.default } = options
    checkTtl(ttlMs, backend.facts)
    const sessions = new Sessions(backend, clock, ttlMs)
    await sessions.current(new Scope())
    return new Leasehold(source.url, backend, clock, sessions)
  } catch (error) {
    await backend.close()
    throw error
  }
}

/** How long all that a survey reads may take: no deadline waits for it, and it may be a lot. */
const surveyMs = 10_000

/** A client of one store. Close it when done: until then it keeps the process alive. */
export class Leasehold implements AsyncDisposable {
  /** The store, without secrets. */
  readonly url: string
  /** What its store can do. */
  readonly facts: Facts
  /** Time to live of its session in ms, as asked; the store's default where nobody asked. */
  readonly ttlMs: number
  readonly #backend: Backend
  readonly #sessions: Sessions
  readonly #client: LockClient & ElectionClient & CronClient
  #closed: Promise<void> | undefined

  constructor(url: string, backend: Backend, clock: Clock, sessions: Sessions) {
    this.url = url
    this.facts = backend.facts
    this.ttlMs = sessions.ttlMs
    this.#backend = backend
    this.#sessions = sessions
    const acquirer = new Acquirer(backend, clock, sessions)
    const { facts, ttlMs } = this
    this.#client = {
      ...{ acquirer, clock, facts, ttlMs },
      get holder() {
        return holderValue(isoTime(clock.wallMs()))
      },
      get candidate() {
        return holderValue(isoTime(clock.wallMs()), true)
      },
      readCheckpoint: (name) =>
        persist(sessions.request(acquirer.closing), (signal) => backend.readCheckpoint(name, signal)),
      observe: (name, scope, retries) =>
        persist({ ...sessions.request(scope), retries }, (signal) => backend.observe(name, signal)),
      leaderChanged: (name, seen, signal) => backend.leaderChanged(name, seen, signal),
    }
  }

  /** A lock that one may hold at a time. Sends nothing. Throws TypeError or RangeError for a bad name. */
  mutex(name: string): Mutex {
    return new Mutex(this.#client, name)
  }

  /** A lock that `permits` may hold at a time. Sends nothing. Throws TypeError or RangeError for bad arguments. */
  semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return new Semaphore(this.#client, name, options)
  }

  /**
   * A cron job that runs once per tick over all hosts. Sends nothing. Throws TypeError or RangeError for bad arguments; one
   * about the schedule says which field is wrong.
   */
  cron(name: string, options: CronOptions): CronGuard {
    return new CronGuard(this.#client, name, options)
  }

  /** An election of one leader. Sends nothing. Throws TypeError or RangeError for a bad name. */
  election(name: string): Election {
    return new Election(this.#client, name)
  }

  /**
   * The claims on a name, this client's and all others': holders first, then waiters in order. It leaves nothing in
   * the store and may be out of date when it arrives: it is for people to read. Costs one request. Rejects with
   * TypeError or RangeError for a bad name, and as `checkpoint` of a lock does.
   */
  async line(name: string): Promise<Standing[]> {
    checkName(name)
    const request = this.#sessions.request(this.#client.acquirer.closing)
    return persist(request, (signal) => this.#backend.line(name, signal))
  }

  /**
   * Who holds and who waits, for every name that begins with `prefix`, sorted as strings; holders first, then waiters
   * in order, those of `etcdctl lock` and `consul lock` too. Each claim has the `token` that `break` asks for. Read
   * linearizably. Costs one request; on etcd one more for each 500 keys that begin so, whatever they are for, and for
   * each holder's session. Rejects as `checkpoint` of a lock.
   */
  async survey(prefix = ''): Promise<NameState[]> {
    checkPrefix(prefix)
    const request = this.#sessions.request(this.#client.acquirer.closing)
    const requestMs = request.requestMs && surveyMs
    return persist({ ...request, requestMs, retries: 3 }, (signal) => this.#backend.survey(prefix, signal))
  }

  /**
   * Takes a lock, a permit or a term away from the holder that has it with this token, and says whether it did: false
   * if nobody holds with it, and then nothing was changed. The next in line holds at once. A holder of ours gets
   * its HoldLostError within a third of its TTL, mostly at once; until then both may work, so stop it first if you
   * can. One of `etcdctl lock` or Go is not told by etcd. Costs one request (on etcd and Consul two). Asks once only:
   * after an UnavailableError look with `survey` what became of it. Rejects with TypeError or RangeError for a bad
   * name or token, and with RefusedError.
   */
  async break(name: string, token: bigint): Promise<boolean> {
    checkName(name)
    checkToken(token)
    const request = this.#sessions.request(this.#client.acquirer.closing)
    return once(request, (signal) => this.#backend.break(name, token, signal))
  }

  /**
   * Rejects what waits (with an AbortError), releases what is held, ends the session and closes every connection,
   * so that the process can exit by itself. Work that `lead` or a cron guard has begun is asked to stop and awaited,
   * for no longer than its grace, before its hold is released: do not await `close` inside such work. Idempotent.
   * Never rejects; a store that does not answer delays it by a few seconds at most, and then frees the locks when
   * the time to live is over.
   */
  close(): Promise<void> {
    this.#closed ??= this.#client.acquirer.close().finally(() => this.#backend.close())
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function sourceOf(url: string): Promise<BackendSource> {
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase()
  const load = scheme === undefined ? undefined : schemes[scheme]
  if (load) return load(url)
  const known = Object.keys(schemes).map((name) => `${name}:`)
  // The URL itself may hold a password, and is not shown.
  const shown = scheme ? `scheme "${scheme}:" is not known` : 'there is no scheme'
  throw new TypeError(`url: ${shown}; it takes ${known.join(', ')}`)
}
