// The contract over a store in memory: every question of src/contract.ts is answered at once. Owns how a change
// reaches the client that waits for it.
import { isDeepStrictEqual } from 'node:util'
import { untilAborted } from '../../base/abort.ts'
import { permitsMax } from '../../base/shapes.ts'
import type {
  Attempt,
  Backend,
  Claim,
  Facts,
  Leader,
  NameState,
  Observation,
  Overtaking,
  Renewal,
  SessionGrant,
  Standing,
} from '../../contract.ts'
import { ahead, weigh } from '../shared/room.ts'
import type { MemoryStore } from './store.ts'

const facts: Facts = {
  scheme: 'memory',
  ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
  fair: true,
  lockDelayMs: 0,
  endsEarly: false,
  electionMs: 0,
  freesOnCrash: true,
  answersAtOnce: true,
  weightMax: permitsMax,
  checkpointBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
}

/** One client of a store in memory. */
export class MemoryBackend implements Backend {
  readonly facts: Facts = facts
  readonly #store: MemoryStore

  constructor(store: MemoryStore) {
    this.#store = store
  }

  async createSession(ttlMs: number, signal: AbortSignal): Promise<SessionGrant> {
    signal.throwIfAborted()
    return { id: this.#store.createSession(ttlMs), ttlMs }
  }

  async renewSession(session: string, signal: AbortSignal): Promise<Renewal> {
    signal.throwIfAborted()
    this.#store.renewSession(session)
    return { lost: [] }
  }

  async destroySession(session: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#store.destroySession(session)
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    signal.throwIfAborted()
    this.#store.join(claim)
    return this.#answer(claim)
  }

  /** Resolves with the new answer when the claim begins to hold, and with undefined when it was removed. */
  changed(claim: Claim, answer: Attempt, signal: AbortSignal): Promise<Attempt | undefined> {
    return this.#until(claim.name, signal, () => {
      if (this.#store.position(claim) < 0) return 'gone'
      return this.#holds(claim) === answer.held ? undefined : this.#answer(claim)
    })
  }

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#store.leave(claim)
  }

  async shrink(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#store.shrink(claim)
  }

  async verify(claim: Claim, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#holds(claim)
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    signal.throwIfAborted()
    return this.#store.standings(name)
  }

  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    signal.throwIfAborted()
    return this.#store.survey(prefix)
  }

  async break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#store.breakHold(name, token)
  }

  async overtake(name: string, overtaking: Overtaking, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    return this.#store.overtake(name, overtaking)
  }

  async proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#holds(claim)) return false
    this.#store.proclaim(claim, value)
    return true
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    signal.throwIfAborted()
    return { leader: this.#leader(name) }
  }

  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined> {
    return this.#until(name, signal, () => {
      const leader = this.#leader(name)
      return isDeepStrictEqual(leader, seen.leader) ? undefined : { leader }
    })
  }

  async writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#holds(claim)) return false
    this.#store.checkpoints.set(claim.name, text)
    return true
  }

  async readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    return this.#store.checkpoints.get(name)
  }

  async checkpoints(prefix: string, signal: AbortSignal): Promise<Map<string, string>> {
    signal.throwIfAborted()
    return new Map([...this.#store.checkpoints].filter(([name]) => name.startsWith(prefix)))
  }

  async close(): Promise<void> {}

  #holds(claim: Claim): boolean {
    return this.#store.holds(this.#store.line(claim.name), this.#store.position(claim))
  }

  #answer(claim: Claim): Attempt {
    const line = this.#store.line(claim.name)
    const position = this.#store.position(claim)
    const place = line[position]
    if (place && this.#store.holds(line, position)) return { held: true, token: place.ticket }
    const before = place ? line.slice(0, position) : line
    return { held: false, ahead: ahead(claim, weigh(before), before.length) }
  }

  #leader(name: string): Leader | undefined {
    const [place] = this.#store.line(name)
    return place && { value: place.value, token: place.ticket, session: place.claim.session }
  }

  /** Looks now and after each change of the line. Resolves with the result of `find`, or with undefined for 'gone'. */
  #until<T>(name: string, signal: AbortSignal, find: () => T | 'gone' | undefined): Promise<T | undefined> {
    return untilAborted(signal, ({ resolve }) => {
      const look = (): void => {
        const found = find()
        if (found) resolve(found === 'gone' ? undefined : found)
      }
      const stopWatching = this.#store.watch(name, look)
      look() // for changes between the answer and the start of this watch
      return stopWatching
    })
  }
}
