// Makes a client from a URL or a backend source, and closes it. Owns which module is loaded for which scheme. One client
// has one store, one session and one clock.
import type { AskOptions } from './api/ask.ts'
import type { CronGuard, CronOptions, CronState } from './api/cron.ts'
import type { Election } from './api/election.ts'
import type { ClientHealth } from './api/health.ts'
import { type ConnectOptions, Leasehold } from './api/leasehold.ts'
import type { Mutex, MutexGroup, MutexOptions, RwLock, Semaphore, SemaphoreOptions } from './api/lock.ts'
import { orAborted } from './base/abort.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { check, checkOptions, withMethods } from './base/options.ts'
import { Scope } from './base/scope.ts'
import type { Backend, BackendSource, Facts, NameState, Standing } from './contract.ts'
import { Acquirer } from './core/acquire.ts'
import { checkMutex, checkName, checkPrefix, checkToken, checkTtl, connectOptions } from './core/arguments.ts'
import { Groups } from './core/group.ts'
import { healthOf } from './core/health.ts'
import { ownValue } from './core/holder.ts'
import { Questions } from './core/questions.ts'
import { rethrow, timeout } from './core/request.ts'
import { begun, type Sessions } from './core/sessions.ts'
import type { CronClient } from './cron/contest.ts'
import { ClientCronGuard } from './cron/guard.ts'
import { stateOf } from './cron/marker.ts'
import { ClientElection, type ElectionClient } from './election/election.ts'
import { electionQuestions } from './election/questions.ts'
import { ClaimMutexes } from './locks/group.ts'
import { ClaimLock, cohortForm, type LockClient, mutexForm } from './locks/lock.ts'
import { Nesting } from './locks/nesting.ts'
import { ReentrantMutex } from './locks/reentrant.ts'
import { rwlockOf } from './locks/rwlock.ts'
import { ClaimSemaphore } from './locks/semaphore.ts'

/** For each scheme its module, which is loaded when the scheme is used. */
const schemes: Record<string, (url: string) => Promise<BackendSource>> = {
  memory: async (url) => (await import('./backends/memory/index.ts')).memoryFromUrl(url),
  file: async (url) => (await import('./backends/file/index.ts')).fileFromUrl(url),
  etcd: async (url) => (await import('./backends/etcd/index.ts')).etcdFromUrl(url),
  etcds: async (url) => (await import('./backends/etcd/index.ts')).etcdFromUrl(url),
  consul: async (url) => (await import('./backends/consul/index.ts')).consulFromUrl(url),
  consuls: async (url) => (await import('./backends/consul/index.ts')).consulFromUrl(url),
}

/**
 * Opens a client: a connection to the store, and one session in it that all locks of the client share.
 *
 * `target` is a URL (`etcd://host:2379,host2:2379/namespace/`, `consul://host:8500/namespace/?dc=dc1`, `etcds:` and
 * `consuls:` for TLS, `file:`, `memory:`), or the result of `leasehold/etcd`, `/consul`, `/file` or `/memory`. Without
 * `target`, `LEASEHOLD_URL` is used, or else `file:`, which serves the processes of one user on one machine.
 *
 * Costs one request. Throws TypeError or RangeError for a bad URL or option, UnavailableError if the store cannot be
 * reached within `waitMs`, `signal.reason` on abort, RefusedError if it refuses the credentials; then nothing stays
 * open.
 */
export async function connect(
  target: string | BackendSource = process.env.LEASEHOLD_URL || 'file:',
  options: ConnectOptions = {},
): Promise<Leasehold> {
  return clientOf(target, options, false)
}

/**
 * Opens a client as `connect` does, also if the store refuses it a session. For credentials that may only read: what needs
 * a session rejects then, and what reads does not.
 */
export async function connectToRead(
  target: string | BackendSource | undefined,
  options: ConnectOptions,
): Promise<Leasehold> {
  return clientOf(target ?? (process.env.LEASEHOLD_URL || 'file:'), options, true)
}

async function clientOf(
  target: string | BackendSource,
  options: ConnectOptions,
  mayLackSession: boolean,
): Promise<Leasehold> {
  checkOptions(options, connectOptions)
  const source = await sourceOf(target)
  const { clock = systemClock(), signal, waitMs } = options
  const scope = new Scope().onSignal(signal).onTimeout(clock, waitMs || undefined, () => timeout)
  scope.throwIfEnded()
  const opening = source.open(clock, options.ttlMs)
  try {
    const backend = await orAborted(opening, scope.signal).catch(rethrow)
    const { ttlMs = backend.facts.ttlMs.default } = options
    checkTtl(ttlMs, backend.facts)
    // To load a client library takes its time on a busy machine: the default counts from here on.
    if (!waitMs) scope.onTimeout(clock, waitDefaultMs, () => timeout)
    const sessions = await begun(backend, { clock, store: source.url, ttlMs, waitMs, scope, mayLackSession })
    return new Client(source.url, backend, clock, sessions)
  } catch (error) {
    // A backend that is still opening is closed as soon as it is open; nobody waits for that if the scope has ended.
    const closed = opening.then((backend) => backend.close()).catch(() => {})
    if (!scope.ended) await closed
    throw error
  } finally {
    scope.detach()
  }
}

/** How long `connect` tries where nobody says. */
const waitDefaultMs = 5_000

const openable = withMethods('a URL as a string, or a result of leasehold/etcd, /consul, /file or /memory', [
  'open',
])

/** The client that `connect` makes. Its methods are documented in Leasehold. */
class Client extends Leasehold {
  override readonly url: string
  override readonly facts: Facts
  override readonly ttlMs: number
  readonly #backend: Backend
  readonly #sessions: Sessions
  readonly #questions: Questions
  readonly #client: Parts
  #closed: Promise<void> | undefined

  constructor(url: string, backend: Backend, clock: Clock, sessions: Sessions) {
    super()
    this.url = url
    this.facts = backend.facts
    this.ttlMs = sessions.ttlMs
    this.#backend = backend
    this.#sessions = sessions
    const acquirer = new Acquirer(backend, clock, sessions)
    this.#questions = new Questions(backend, sessions, acquirer.closing.scope)
    this.#client = partsOf(backend, clock, sessions, acquirer, this.#questions)
  }

  override health(): ClientHealth {
    return healthOf(this.url, this.#sessions, this.#client.candidacies.health)
  }

  override get session(): string | undefined {
    return this.#sessions.live?.id
  }

  override mutex(name: string, options: MutexOptions = {}): Mutex {
    checkMutex(options, this.facts)
    const { reentrant = false, handoff } = options
    if (reentrant) return new ReentrantMutex(this.#client, name, handoff && { ...handoff })
    const form = handoff ? cohortForm(mutexForm, { ...handoff }) : mutexForm
    return new ClaimLock(this.#client, name, form)
  }

  override semaphore(name: string, options: SemaphoreOptions): Semaphore {
    return new ClaimSemaphore(this.#client, name, options)
  }

  override rwlock(name: string, options?: object): RwLock {
    return rwlockOf(this.#client, name, options)
  }

  override mutexes(names: readonly string[], options?: object): MutexGroup {
    return new ClaimMutexes(this.#client, names, options)
  }

  override cron(name: string, options: CronOptions): CronGuard {
    return new ClientCronGuard(this.#client, name, options)
  }

  override election(name: string): Election {
    return new ClientElection(this.#client, name)
  }

  override async line(name: string, options: AskOptions = {}): Promise<Standing[]> {
    checkName(name)
    return this.#questions.line(name, options)
  }

  override async survey(prefix = '', options: AskOptions = {}): Promise<NameState[]> {
    checkPrefix(prefix)
    return this.#questions.survey(prefix, options)
  }

  override async cronJobs(prefix = '', options: AskOptions = {}): Promise<CronState[]> {
    checkPrefix(prefix)
    const checkpoints = await this.#questions.checkpoints(prefix, options)
    return [...checkpoints].flatMap(stateOf).sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  override async break(name: string, token: bigint, options: AskOptions = {}): Promise<boolean> {
    checkName(name)
    checkToken(token)
    return this.#questions.break(name, token, options)
  }

  override close(): Promise<void> {
    return (this.#closed ??= this.#client.acquirer.closing.close().finally(() => this.#backend.close()))
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** The backend source for a URL. Opens nothing. Rejects with TypeError or RangeError for a wrong URL. */
export async function sourceOf(url: string | BackendSource): Promise<BackendSource> {
  if (typeof url !== 'string') {
    check('target', url, openable)
    return url
  }
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase()
  const load = scheme === undefined ? undefined : schemes[scheme]
  if (load) return load(url)
  const known = Object.keys(schemes).map((name) => `${name}:`)
  // The URL may hold a password, so the message does not show it.
  const shown = scheme ? `scheme "${scheme}:" is not known` : 'there is no scheme'
  throw new TypeError(`url: ${shown}; it takes ${known.join(', ')}`)
}

/** The parts of a client that its locks, elections and cron jobs use. */
type Parts = LockClient & ElectionClient & CronClient

function partsOf(
  backend: Backend,
  clock: Clock,
  sessions: Sessions,
  acquirer: Acquirer,
  questions: Questions,
): Parts {
  const { facts } = backend
  const [holder, candidate] = [ownValue(clock), ownValue(clock, { candidate: true })]
  const nesting = new Nesting(clock, acquirer.closing.scope)
  return {
    ...{ acquirer, nesting, groups: new Groups(backend, sessions, acquirer) },
    ...{ clock, facts, ttlMs: sessions.ttlMs },
    get holder() {
      return holder()
    },
    get candidate() {
      return candidate()
    },
    readCheckpoint: (name, options?: AskOptions) => questions.readCheckpoint(name, options),
    get session() {
      return sessions.live?.id
    },
    ...electionQuestions(backend, clock, sessions),
  }
}
