// A store in memory: sessions, lines and checkpoints, as a state machine that answers every question of src/contract.ts
// at once. This file shows what every store has to do.
import { isDeepStrictEqual } from 'node:util'
import { untilAborted } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import { SessionGoneError } from '../../base/errors.ts'
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
import { checkForm } from '../shared/conflict.ts'
import { type Listeners, listen } from '../shared/listeners.ts'
import { keyOf, keysOfNews } from '../shared/news.ts'
import { passed } from '../shared/overtaking.ts'
import { fits, weigh } from '../shared/room.ts'
import { answerTo, holdsAt, isOf, leaderOf, type Place, standings, survey } from './line.ts'

/** The store, which all its clients share. */
export class MemoryBackend implements Backend {
  readonly facts: Facts = {
    scheme: 'memory',
    ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
    keepMs: { min: 1, max: 86_400_000 },
    handoff: true,
    fair: true,
    lockDelayMs: 0,
    endsEarly: false,
    electionMs: 0,
    freesOnCrash: true,
    answersAtOnce: true,
    checkpointBytesMax: 1_048_576,
    valueBytesMax: 1_048_576,
  }
  readonly #clock: Clock
  readonly #sessions = new Map<string, { ttlMs: number; cancelExpiry: () => void }>()
  readonly #lines = new Map<string, readonly Place[]>()
  readonly watchers: Listeners = new Map()
  /** By name, the checkpoint that a holder stored last. */
  readonly texts: Map<string, string> = new Map()
  /** The names that a mutex with `handoff` has held. */
  readonly #cohorts = new Set<string>()
  #tickets = 0n

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    signal.throwIfAborted()
    const id = this.#clock.id().toString(16)
    this.#sessions.set(id, { ttlMs, cancelExpiry: this.#expireAfter(id, ttlMs) })
    return { id, ttlMs }
  }

  async renewSession(id: string, signal: AbortSignal): Promise<Renewal> {
    signal.throwIfAborted()
    const session = this.#session(id)
    session.cancelExpiry()
    session.cancelExpiry = this.#expireAfter(id, session.ttlMs)
    return { lost: [] }
  }

  async destroySession(id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#endSession(id)
  }

  /** Puts the claim at the end of the line, unless it is in the line already, or would have to wait without `wait`. */
  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    signal.throwIfAborted()
    this.#session(claim.session)
    const line = this.places(claim.name)
    checkForm(claim, line[0]?.claim, this.#cohorts)
    if (this.#position(claim) < 0 && (claim.wait || fits(claim, weigh(line)))) {
      const ticket = (this.#tickets += 1n)
      this.#change(claim.name, [...line, { claim, ticket, weight: claim.weight, value: claim.value }])
    }
    return answerTo(claim, this.places(claim.name))
  }

  /** Resolves with the new answer when the claim begins to hold, and with undefined when it was removed. */
  changed(claim: Claim, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined> {
    return this.#until(keyOf(claim), signal, () => {
      if (this.#position(claim) < 0) return 'gone'
      return this.#holds(claim) === answer.held ? undefined : answerTo(claim, this.places(claim.name))
    })
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#remove(claim.name, isOf(claim))
  }

  async replace(old: Claim, next: Claim, signal: AbortSignal): Promise<Attempt> {
    return this.withdraw(old, signal).then(() => this.attempt(next, signal))
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#holds(claim)
  }

  async proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#alter(claim, { value })
  }

  async shrink(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#alter(claim, { weight: claim.weight })
  }

  async keep(claim: Claim, { ms, value }: Kept, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const session = this.#clock.id().toString(16)
    this.#expireAfter(session, ms)
    return this.#alter(claim, { claim: { ...claim, session }, value })
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    signal.throwIfAborted()
    return { leader: leaderOf(this.places(name)) }
  }

  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined> {
    return this.#until(name, signal, () => {
      const leader = leaderOf(this.places(name))
      return isDeepStrictEqual(leader, seen.leader) ? undefined : { leader }
    })
  }

  async writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#holds(claim)) return false
    this.texts.set(claim.name, text)
    return true
  }

  async readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    return this.texts.get(name)
  }

  async checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>> {
    signal.throwIfAborted()
    return new Map([...this.texts].filter(([name]) => name.startsWith(prefix)))
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    signal.throwIfAborted()
    return standings(this.places(name))
  }

  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    signal.throwIfAborted()
    return survey(this.#lines, prefix)
  }

  async break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#remove(name, ({ ticket, claim }) => ticket === token && this.#holds(claim))
  }

  async overtake(name: string, overtaking: Overtaking, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    const gone = passed(standings(this.places(name)), overtaking)?.slice(0, -1)
    if (gone) this.#remove(name, ({ ticket }) => gone.some(({ token }) => token === ticket))
    return gone !== undefined
  }

  async close(): Promise<void> {}

  /** The claims on a name, in order. */
  places(name: string): readonly Place[] {
    return this.#lines.get(name) ?? []
  }

  #session(id: string): { ttlMs: number; cancelExpiry: () => void } {
    const session = this.#sessions.get(id)
    if (session) return session
    throw new SessionGoneError(`session ${id} expired or was ended`)
  }

  #expireAfter(id: string, ttlMs: number): () => void {
    return this.#clock.after(ttlMs, () => this.#endSession(id), true)
  }

  /** Ends the session and removes its claims from every line. */
  #endSession(id: string): void {
    this.#sessions.get(id)?.cancelExpiry()
    this.#sessions.delete(id)
    for (const name of this.#lines.keys()) this.#remove(name, (place) => place.claim.session === id)
  }

  /** The number of claims ahead of this one, or -1 if it is not in its line. */
  #position(claim: Claim): number {
    return this.places(claim.name).findIndex(isOf(claim))
  }

  #holds(claim: Claim): boolean {
    return holdsAt(this.places(claim.name), this.#position(claim))
  }

  /** Changes the place of a claim if it holds, and returns whether it does. */
  #alter(claim: Claim, change: Partial<Place>): boolean {
    const [holds, isOurs] = [this.#holds(claim), isOf(claim)]
    const line = this.places(claim.name).map((place) => (isOurs(place) ? { ...place, ...change } : place))
    if (holds) this.#change(claim.name, line)
    return holds
  }

  /** Removes claims from a line, and returns whether there were any. */
  #remove(name: string, leaves: (place: Place) => boolean): boolean {
    const line = this.places(name)
    const rest = line.filter((place) => !leaves(place))
    if (rest.length < line.length) this.#change(name, rest)
    return rest.length < line.length
  }

  /** Changes a line, and lets observers look, and the claims that get another answer: in a long line no other one. */
  #change(name: string, line: readonly Place[]): void {
    const keys = this.watchers.size === 0 ? [] : [name, ...keysOfNews(this.places(name), line)]
    if (line.length > 0) this.#lines.set(name, line)
    else this.#lines.delete(name)
    for (const key of keys) for (const look of [...(this.watchers.get(key) ?? [])]) look()
  }

  /** Looks now and after each change under this key. Resolves with the result of `find`, or with undefined for 'gone'. */
  #until<T>(key: string, signal: AbortSignal, find: () => T | 'gone' | undefined): Promise<T | undefined> {
    return untilAborted(signal, ({ resolve }) => {
      const look = (): void => {
        const found = find()
        if (found) resolve(found === 'gone' ? undefined : found)
      }
      const stopWatching = listen(this.watchers, key, look)
      look() // for changes between the answer and the start of this watch
      return stopWatching
    })
  }
}
