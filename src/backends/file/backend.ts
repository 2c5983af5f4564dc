// Answers the contract from an SQLite database. Owns which question needs which parts of the open store, and who is woken.
// current.ts has the open store, and store.ts asks the database.
import { isDeepStrictEqual } from 'node:util'
import { orAborted } from '../../base/abort.ts'
import { type Clock, machineMark } from '../../base/clock.ts'
import type {
  Attempt,
  Backend,
  Claim,
  Facts,
  Kept,
  NameState,
  Observation,
  Overtaking,
  Renewal,
  SessionGrant,
  Standing,
} from '../../contract.ts'
import { lookOfHolder } from './claims.ts'
import { Current, type Open } from './current.ts'
import { facts, mayWait } from './facts.ts'
import { failure, gone } from './failure.ts'
import { keptId } from './layout.ts'
import type { Opened } from './open-store.ts'
import { Patience } from './patience.ts'
import { type Look, Waits } from './waits.ts'

/** An answer, with the events that its session had heard before the question. */
type FileAttempt = Attempt & { readonly heard?: number | undefined }

/** One client of the store. Its calls are synchronous and short; it waits only for the database's lock. */
export class FileBackend implements Backend {
  readonly facts: Facts = facts
  readonly #clock: Clock
  readonly #directory: string
  readonly #waits: Waits
  readonly #patience: Patience
  readonly #current: Current

  /** `reopen` opens the store again after somebody has moved or deleted the files of `opened`. */
  constructor(clock: Clock, directory: string, opened: Opened, reopen: () => Promise<Opened>) {
    this.#clock = clock
    this.#directory = directory
    this.#patience = new Patience(clock)
    this.#waits = new Waits(clock, {
      files: () => this.#current.live().files,
      seen: () => this.#current.seen?.files,
      version: () => this.#current.live().store.version(),
    })
    this.#current = new Current(clock, opened, reopen, this.#waits)
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    const id = this.#clock.id().toString(16).padStart(16, '0')
    await this.#ask(({ store, files, removals }) => {
      removals.removeUntilAlive(this.#clock.id())
      try {
        store.sessions.add(id, ttlMs, (alone) => {
          if (alone) files.removeAll()
          files.lock(id)
        })
      } catch (error) {
        files.remove(id)
        throw error
      }
    }, signal)
    return { id, ttlMs }
  }

  async renewSession(session: string, signal: AbortSignal): Promise<Renewal> {
    return this.#askFor(
      session,
      ({ store }) => {
        if (!store.sessions.renew(session)) throw gone(session)
        return { lost: [] }
      },
      signal,
    )
  }

  async destroySession(session: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#current.isLive()) await this.#run(({ removals }) => void removals.remove(session), signal)
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    const heard = this.#waits.heard(claim.session) // before the question: `changed` needs to know of later events
    const ask = ({ claims }: Open): FileAttempt => {
      const answer = claims.ask(claim)
      return answer.held ? answer : { ...answer, heard }
    }
    return this.#run(ask, signal, () => this.#current.joining(claim.session))
  }

  async replace(old: Claim, next: Claim, signal: AbortSignal): Promise<Attempt> {
    const exchange = ({ claims }: Open): Attempt => {
      const { woken, place } = claims.exchange(old, next)
      this.#wake(old.name, woken) // before the rest, which may have to be repeated
      return claims.ask(next, place)
    }
    return this.#run(exchange, signal, () => this.#current.joining(next.session))
  }

  changed(claim: Claim, answer: FileAttempt, signal: AbortSignal): Promise<Attempt | undefined> {
    if (answer.held) {
      const look = lookOfHolder(claim, () => this.#current.live())
      return this.#waits.wait(claim, 'holding', look, signal)
    }
    const { name, session } = claim
    const look = this.#current.recent(session).claims.lookOfWaiter(claim)
    return this.#waits.wait({ name, session, heard: answer.heard }, 'waiting', look, signal)
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#current.seen) return // its session, and the claim with it, is gone
    const look = (): Open => this.#current.recent(claim.session)
    this.#wake(claim.name, await this.#run(({ claims }) => claims.leave(claim), signal, look))
  }

  async shrink(claim: Claim, signal: AbortSignal): Promise<boolean> {
    const next = await this.#askFor(claim.session, ({ claims }) => claims.shrink(claim), signal)
    return this.#wake(claim.name, next)
  }

  keep(claim: Claim, kept: Kept, signal: AbortSignal): Promise<boolean> {
    const keeper = keptId(machineMark().wallMs + kept.ms, this.#clock.id())
    return this.#durably(claim.session, ({ claims }) => claims.keep(claim, kept, keeper), signal)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#current.isLive()) return false
    return this.#run(({ files, claims }) => !files.isLost(claim.session) && claims.holds(claim), signal)
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    return this.#ask(({ store, removals }) => {
      removals.removeDead(store.sessionsAhead(name))
      return store.line(name)
    }, signal)
  }

  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    return this.#ask(({ store, removals }) => {
      removals.removeDead(store.sessions.all(), Number.POSITIVE_INFINITY)
      return store.survey(prefix)
    }, signal)
  }

  async break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    return this.#wake(name, await this.#ask(({ store }) => store.breakHold(name, token), signal))
  }

  async overtake(name: string, overtaking: Overtaking, signal: AbortSignal): Promise<boolean> {
    return this.#wake(name, await this.#ask(({ store }) => store.overtake(name, overtaking), signal))
  }

  writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    return this.#durably(claim.session, ({ claims }) => claims.checkpoint(claim, text), signal)
  }

  async proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    return this.#askFor(claim.session, ({ claims }) => claims.proclaim(claim, value), signal)
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    return this.#ask(({ removals }) => ({ leader: removals.leader(name) }), signal)
  }

  /** An observer has no claim in the line, so nobody wakes it: it looks every 50 ms. */
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined> {
    const look: Look<Observation> = () => {
      const leader = this.#current.live().removals.leader(name)
      return isDeepStrictEqual(leader, seen.leader) ? undefined : { leader }
    }
    return this.#waits.wait({ name, session: '' }, 'observing', look, signal)
  }

  async readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    return this.#ask(({ store }) => store.checkpoints.read(name), signal)
  }

  async checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>> {
    return this.#ask(({ store }) => store.checkpoints.all(prefix), signal)
  }

  async close(): Promise<void> {
    this.#waits.close()
    this.#current.leave()
  }

  /** Wakes the sessions that a change concerns, and returns whether there was a change. */
  #wake(name: string, concerned: readonly string[] | undefined): boolean {
    for (const session of concerned ?? []) this.#waits.wake(session, name)
    return concerned !== undefined
  }

  /** Changes something for a session. Resolves with whether it did, when that is on the disk. */
  async #durably(session: string, change: (open: Open) => boolean, signal: AbortSignal): Promise<boolean> {
    mayWait(signal)
    const store = await this.#askFor(session, (open) => (change(open) ? open.store : undefined), signal)
    if (store) await orAborted(store.sync(), signal)
    return store !== undefined
  }

  /** Asks a question that concerns no session, in the store that is at the path now. */
  async #ask<T>(work: (open: Open) => T, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    if (!this.#current.isLive()) {
      mayWait(signal)
      await orAborted(this.#current.openAgain(), signal)
    }
    return this.#run(work, signal)
  }

  /** Asks about a session. If another store is at the path now, the session is gone. */
  #askFor<T>(session: string, work: (open: Open) => T, signal: AbortSignal): Promise<T> {
    return this.#run((open) => {
      if (open.files.isLost(session)) throw gone(session)
      return work(open)
    }, signal)
  }

  #run<T>(
    work: (open: Open) => T,
    signal: AbortSignal,
    look: () => Open = () => this.#current.live(),
  ): Promise<T> {
    return this.#patience.run(() => {
      try {
        return work(look())
      } catch (error) {
        throw failure(error, this.#directory, this.#current.path)
      }
    }, signal)
  }
}
