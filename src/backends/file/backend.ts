// The embedded store's answers to the questions of src/contract.ts. Owns what a claim's place means, and when the dead and
// the hanging are looked for; the database, the lock files, the waiting and the removing have their own files.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import { SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type {
  Attempt,
  Backend,
  Claim,
  Facts,
  Leader,
  NameState,
  Observation,
  Renewal,
  SessionGrant,
  Standing,
} from '../../contract.ts'
import { inUse } from '../shared/conflict.ts'
import type { Driver } from './driver.ts'
import { failure, gone, moved } from './failure.ts'
import { Removals } from './removals.ts'
import { Renewals } from './renewals.ts'
import { SessionFiles } from './session-files.ts'
import type { Obstacle, Position, Store } from './store.ts'
import { type Look, lookMs, Waits } from './waits.ts'

const facts: Facts = {
  scheme: 'file',
  ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
  fair: true,
  lockDelayMs: 0,
  endsEarly: false,
  electionMs: 0,
  freesOnCrash: true,
  answersAtOnce: true,
  checkpointBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
}

/** What is known of a claim: its ticket, undefined where the answer to its joining was lost. */
interface ClaimState {
  readonly ticket: bigint | undefined
}

const roundsMost = 1_000

/** One client of the store. Its work is synchronous and short: an aborted request either was done or not. */
export class FileBackend implements Backend {
  readonly facts: Facts = facts
  readonly #clock: Clock
  readonly #directory: string
  readonly #store: Store
  readonly #files: SessionFiles
  readonly #waits: Waits
  readonly #removals: Removals
  /** What is known of the claims that may stand. */
  readonly #states = new WeakMap<Claim, ClaimState>()

  constructor(clock: Clock, driver: Driver, directory: string, store: Store) {
    this.#clock = clock
    this.#directory = directory
    this.#store = store
    this.#files = new SessionFiles(driver, directory)
    this.#waits = new Waits(clock, this.#files, () => store.version())
    this.#removals = new Removals(store, this.#files, this.#waits, new Renewals(clock))
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    signal.throwIfAborted()
    if (this.#store.wasMoved()) throw new UnavailableError(moved(this.#store.path))
    // All of them, whatever it costs: only who finds nobody alive knows that a power cut may have been.
    this.#removals.removeDead(this.#store.sessions(), Number.POSITIVE_INFINITY)
    const id = this.#clock.id().toString(16).padStart(16, '0')
    try {
      this.#store.addSession(id, ttlMs, (alone) => {
        if (alone) this.#files.removeAll()
        this.#files.lock(id)
      })
      return { id, ttlMs }
    } catch (error) {
      this.#files.remove(id)
      throw failure(error, this.#directory, this.#store.path)
    }
  }

  async renewSession(session: string, signal: AbortSignal): Promise<Renewal> {
    signal.throwIfAborted()
    // Whoever comes now opens another database, and knows nothing of what this session holds.
    if (this.#store.wasMoved()) throw new SessionGoneError(moved(this.#store.path))
    if (this.#store.renew(session)) return { lost: [] }
    throw gone(session)
  }

  async destroySession(session: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#removals.remove(session)
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    signal.throwIfAborted()
    return this.#ask(claim)
  }

  /** The claim alone says where to look, so the answers need no fields of their own. */
  changed(claim: Claim, { held }: Attempt, signal: AbortSignal): Promise<Attempt | undefined> {
    const gone: Look = (cause) => (cause !== 'tick' && !this.#place(claim) ? 'changed' : undefined)
    const [everyMs, look] = held ? [lookMs.holding, gone] : [lookMs.waiting, this.#lookOfWaiter(claim)]
    return this.#waits.wait(claim.session, everyMs, look, signal)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const state = this.#states.get(claim)
    if (!state) return
    const next = this.#store.leave(claim, state.ticket)
    this.#states.delete(claim)
    if (next !== undefined) this.#waits.wake(next)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const place = this.#place(claim)
    return place !== undefined && place.before < claim.permits
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    signal.throwIfAborted()
    this.#removals.removeDead(this.#store.sessionsAhead(name))
    return this.#store.line(name)
  }

  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    signal.throwIfAborted()
    this.#removals.removeDead(this.#store.sessions(), Number.POSITIVE_INFINITY)
    return this.#store.survey(prefix)
  }

  async break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const concerned = this.#store.breakHold(name, token)
    for (const session of concerned ?? []) this.#waits.wake(session)
    return concerned !== undefined
  }

  async writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const ticket = this.#states.get(claim)?.ticket
    return ticket !== undefined && this.#store.writeCheckpoint(claim, ticket, text)
  }

  async proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const ticket = this.#states.get(claim)?.ticket
    return ticket !== undefined && this.#store.proclaim(claim, ticket, value)
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    signal.throwIfAborted()
    return { leader: this.#leader(name) }
  }

  /** Nobody wakes an observer, since it has no claim in the line: it looks by time. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined> {
    const look: Look<Observation> = () => {
      const leader = this.#leader(name)
      return isDeepStrictEqual(leader, seen.leader) ? undefined : { leader }
    }
    return this.#waits.wait('', lookMs.observing, look, signal)
  }

  async readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    return this.#store.readCheckpoint(name)
  }

  async close(): Promise<void> {
    this.#waits.close()
    this.#files.close()
    this.#store.close()
  }

  /** Who stands first, once the dead and the hanging are gone. */
  #leader(name: string): Leader | undefined {
    while (this.#removals.clearFirst(name)) {}
    return this.#store.leader(name)
  }

  /** Asks until the answer is yes, or nobody is left who could be taken out of the way. */
  #ask(claim: Claim): Attempt {
    for (let rounds = 0; rounds < roundsMost; rounds += 1) {
      const place = this.#place(claim) ?? this.#join(claim)
      if (!place) continue
      if (place.before < claim.permits) return this.#admitted(place)
      const stands = this.#states.has(claim)
      if (this.#removals.clearTheWay(claim, stands ? place.ticket : undefined)) continue
      return { held: false, ahead: place.before - claim.permits + 1 }
    }
    throw new UnavailableError(`the line of ${JSON.stringify(claim.name)} changes faster than it can be read`)
  }

  #place(claim: Claim): Position | undefined {
    const ticket = this.#states.get(claim)?.ticket
    return ticket === undefined ? undefined : this.#store.place(claim, ticket)
  }

  /** Puts the claim in line. Undefined when it has to be asked again, since what was in the way is gone. */
  #join(claim: Claim): Position | undefined {
    this.#states.set(claim, { ticket: undefined })
    const place = this.#store.join(claim)
    if (place) this.#states.set(claim, { ticket: place.ticket })
    return place ?? this.#notJoined(claim, this.#store.obstacle(claim))
  }

  #notJoined(claim: Claim, obstacle: Obstacle): Position | undefined {
    const { sessionStands, own, permits, before } = obstacle
    if (own !== undefined) {
      this.#states.set(claim, { ticket: own })
      return undefined
    }
    this.#states.delete(claim)
    if (!sessionStands) throw gone(claim.session)
    const conflict = permits !== undefined && permits !== claim.permits
    if (conflict && !this.#removals.clearTheWay(claim, undefined)) throw inUse(claim, { permits })
    return conflict || claim.wait || before < claim.permits ? undefined : { ticket: 0n, before }
  }

  #admitted({ ticket }: Position): Attempt {
    this.#store.secure(ticket)
    return { held: true, token: ticket }
  }

  /** By time alone it only asks the kernel for the processes on which the claim depends, not the database. */
  #lookOfWaiter(claim: Claim): Look {
    let before = -1
    let guarded: readonly string[] = []
    const asBefore = () => !guarded.some((session) => this.#files.isDead(session))
    return (cause) => {
      if (cause === 'tick' && asBefore()) return undefined
      const place = this.#place(claim)
      if (!place) return 'changed'
      if (place.before < claim.permits) return this.#admitted(place)
      if (cause === 'event' && place.before === before && asBefore()) return undefined
      const attempt = this.#ask(claim)
      if (attempt.held) return attempt
      before = place.before
      guarded = this.#removals.guarded(claim, place.ticket)
      return undefined
    }
  }
}
