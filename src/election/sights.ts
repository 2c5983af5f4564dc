// One wait for the next leader of a name, shared by all observers of it in one client: a change costs the same requests for
// one observer and for a thousand. Owns which of two answers is the later one, and that each observer keeps its own errors
// and its own end. core/follow.ts waits.
import { untilAborted } from '../base/abort.ts'
import { type Clock, type Mark, pause } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Leader, Observation } from '../contract.ts'
import { follow } from '../core/follow.ts'
import { backoffMs } from '../core/request.ts'

/** The questions of observers. */
export interface Questions {
  readonly clock: Clock
  readonly ttlMs: number
  observe(name: string, scope: Ending, retries?: number): Promise<Observation>
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
  /** Called once at each change, whatever the number of observers. */
  changed(name: string, leader: Leader | undefined): void
}

/** When a question was sent. */
export interface Sent {
  readonly wallMs: number
  readonly mark: Mark
  /** Grows from question to question of one client. */
  readonly order: number
}

/** An answer, and the question that it belongs to. An event has the last question before it. */
export interface Sighting {
  readonly observation: Observation
  readonly sent: Sent
}

/** One observer while it waits. */
export interface Watcher {
  /** Its end ends the wait of this observer alone. */
  readonly scope: Ending
  /** A question was answered that was sent after this observer began to wait. */
  noted(sent: Sent): void
  /** A question failed, and is asked again. Rejects to end the wait of this observer with an error. */
  failed(error: unknown): Promise<void>
}

/** The waits of one client, at most one for each name. */
export class Sights {
  readonly #questions: Questions
  readonly #waits = new Map<string, SharedWait>()
  #order = 0

  constructor(questions: Questions) {
    this.#questions = questions
  }

  /** Asks for the present leader. Rejects as the question does. */
  async ask(name: string, scope: Ending, retries?: number): Promise<Sighting> {
    const { clock, observe } = this.#questions
    this.#order += 1
    const sent = { wallMs: clock.wallMs(), mark: clock.mark(), order: this.#order }
    return { observation: await observe(name, scope, retries), sent }
  }

  /**
   * Resolves with the next answer that differs from `seen`. Rejects when the scope of the watcher ends, and when its
   * `failed` rejects.
   */
  next(name: string, seen: Sighting, watcher: Watcher): Promise<Sighting> {
    return untilAborted(watcher.scope.signal, (settle) => {
      const known = this.#waits.get(name)
      if (known && !isSame(known.seen, seen)) {
        if (isLater(known.seen, seen)) {
          settle.resolve(known.seen)
          return () => {}
        }
        known.tell(seen)
      }
      const wait = this.#waits.get(name) ?? this.#begin(name, seen)
      wait.join(watcher, settle)
      return () => wait.leave(watcher)
    })
  }

  #begin(name: string, seen: Sighting): SharedWait {
    const over = (): void => {
      if (this.#waits.get(name) === wait) this.#waits.delete(name)
    }
    const wait = new SharedWait(seen, over, (leader) => this.#questions.changed(name, leader))
    this.#waits.set(name, wait)
    this.#run(name, wait).catch((reason) => wait.fail(reason))
    return wait
  }

  /** Follows the answers until one differs, or until nobody waits any more. */
  async #run(name: string, wait: SharedWait): Promise<void> {
    const { clock, ttlMs, leaderChanged } = this.#questions
    const { scope } = wait
    const answers = follow(wait.seen.observation, {
      clock,
      scope,
      ask: () => this.#askOn(name, wait),
      changed: (seen, until) => leaderChanged(name, seen, until),
      restMs: () => ttlMs,
      tells: () => true,
      isSame: (before, now) => isSameLeader(before.leader, now.leader),
    })
    while (!scope.ended) {
      const { value: observation } = await answers.next()
      wait.heard(observation)
    }
    await answers.return(undefined as never)
  }

  /** Asks until the store answers: these observers have had an answer, so an error may be temporary. */
  async #askOn(name: string, wait: SharedWait): Promise<Observation> {
    const { clock } = this.#questions
    for (let failures = 1; ; failures += 1) {
      try {
        const { observation, sent } = await this.ask(name, wait.scope, 0)
        wait.noted(sent)
        return observation
      } catch (error) {
        wait.scope.throwIfEnded()
        wait.failed(error)
      }
      await pause(clock, backoffMs(clock, failures), wait.scope.signal)
    }
  }
}

/** How a wait ends for one observer. */
interface Settle {
  resolve(sighting: Sighting): void
  reject(reason: unknown): void
}

/** The observers of one name that have seen the same answer, and wait for the next one. */
class SharedWait {
  /** Ends when nobody waits here any more. */
  readonly scope: Scope = new Scope()
  readonly #watchers = new Map<Watcher, Settle>()
  readonly #over: () => void
  readonly #changed: (leader: Leader | undefined) => void
  #seen: Sighting

  /** `over` is called when this wait takes no more observers, and `changed` with the leader that ends it. */
  constructor(seen: Sighting, over: () => void, changed: (leader: Leader | undefined) => void) {
    this.#seen = seen
    this.#over = over
    this.#changed = changed
  }

  get seen(): Sighting {
    return this.#seen
  }

  join(watcher: Watcher, settle: Settle): void {
    this.#watchers.set(watcher, settle)
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size === 0) this.#end()
  }

  /** Ends the wait of all observers with an answer that they have not seen. */
  tell(sighting: Sighting): void {
    this.#seen = sighting
    this.#over() // first: an observer that is told may wait again at once
    this.#changed(sighting.observation.leader)
    for (const { resolve } of [...this.#watchers.values()]) resolve(sighting)
  }

  /** An answer or event: tells it if it is news. */
  heard(observation: Observation): void {
    const { sent } = this.#seen
    if (!isSameLeader(observation.leader, this.#seen.observation.leader)) this.tell({ observation, sent })
  }

  /** A question was answered. */
  noted(sent: Sent): void {
    this.#seen = { ...this.#seen, sent }
    for (const watcher of this.#watchers.keys()) watcher.noted(sent)
  }

  /** A question failed. */
  failed(error: unknown): void {
    for (const [watcher, { reject }] of [...this.#watchers]) watcher.failed(error).catch(reject)
  }

  /** The wait failed for all. */
  fail(reason: unknown): void {
    this.#over()
    for (const { reject } of [...this.#watchers.values()]) reject(reason)
  }

  #end(): void {
    this.#over()
    this.scope.end(left)
  }
}

/** The reason that ends a wait without observers. */
const left = 'nobody waits any more'

/**
 * Whether one answer is later than another. The tokens of leaders grow. Answers about one leader, or about none, are
 * ordered by their questions.
 */
function isLater(one: Sighting, other: Sighting): boolean {
  const [token, before] = [one.observation.leader?.token, other.observation.leader?.token]
  const decides = token !== undefined && before !== undefined && token !== before
  return decides ? token > before : one.sent.order >= other.sent.order
}

function isSame(one: Sighting, other: Sighting): boolean {
  return isSameLeader(one.observation.leader, other.observation.leader)
}

/** Whether two answers say the same. */
function isSameLeader(one: Leader | undefined, other: Leader | undefined): boolean {
  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session
}
