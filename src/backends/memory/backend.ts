// The contract over a store in memory: the questions of backend.ts, answered at once. Owns how a change reaches the
// client that waits for it.
import { isDeepStrictEqual } from 'node:util'
import type {
  Attempt,
  Backend,
  Claim,
  Facts,
  Leader,
  NameState,
  Observation,
  SessionGrant,
  Standing,
} from '../../contract.ts'
import type { MemoryStore } from './store.ts'

const facts: Facts = {
  scheme: 'memory',
  ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
  fair: true,
  lockDelayMs: 0,
  freesOnCrash: true,
  answersAtOnce: true,
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

  async renewSession(session: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#store.renewSession(session)
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

  async withdraw(claim: Claim, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#store.leave(claim)
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
    return this.#store.break(name, token)
  }

  async proclaim(claim: Claim, value: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#holds(claim)) return false
    this.#store.proclaim(claim, value)
    return true
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation> {
    signal.throwIfAborted()
    return this.#observation(name)
  }

  async writeCheckpoint(claim: Claim, text: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (!this.#holds(claim)) return false
    this.#store.writeCheckpoint(claim.name, text)
    return true
  }

  async readCheckpoint(name: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    return this.#store.readCheckpoint(name)
  }

  async close(): Promise<void> {}

  #holds(claim: Claim): boolean {
    return isHolding(claim, this.#store.position(claim))
  }

  #answer(claim: Claim): Attempt {
    const position = this.#store.position(claim)
    const place = this.#store.line(claim.name)[position]
    const held = isHolding(claim, position)
    const changed = (signal: AbortSignal): Promise<Attempt | undefined> => this.#changed(claim, held, signal)
    if (place && held) return { held, token: place.ticket, changed }
    const before = place ? position : this.#store.line(claim.name).length
    return { held: false, ahead: before - claim.permits + 1, changed }
  }

  #leader(name: string): Leader | undefined {
    const [place] = this.#store.line(name)
    return place && { value: place.value, token: place.ticket, session: place.claim.session }
  }

  #observation(name: string): Observation {
    const leader = this.#leader(name)
    const look = (): Observation | undefined =>
      isDeepStrictEqual(this.#leader(name), leader) ? undefined : this.#observation(name)
    return { leader, changed: (signal) => this.#until(name, look, signal) }
  }

  /** Resolves with the new answer once the claim has become a holder since the last one, or no longer stands. */
  #changed(claim: Claim, heldBefore: boolean, signal: AbortSignal): Promise<Attempt | undefined> {
    const look = (): Attempt | 'gone' | undefined => {
      if (this.#store.position(claim) < 0) return 'gone'
      return this.#holds(claim) === heldBefore ? undefined : this.#answer(claim)
    }
    return this.#until(claim.name, look, signal)
  }

  /** Resolves with what `look` finds, now or after a change of the line: undefined where all is gone. */
  #until<T>(name: string, find: () => T | 'gone' | undefined, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        stopWatching()
        signal.removeEventListener('abort', aborted)
        finish()
      }
      const aborted = (): void => settle(() => reject(signal.reason))
      const look = (): void => {
        const found = find()
        if (found) settle(() => resolve(found === 'gone' ? undefined : found))
      }
      const stopWatching = this.#store.watch(name, look)
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
      else look() // what happened between the answer and the watch has not told anybody
    })
  }
}

function isHolding({ permits }: Claim, position: number): boolean {
  return position >= 0 && position < permits
}
