// The leaders that an observer sees, one at each change. Owns the definition of a change, and goes on through outages.
// core/follow.ts waits for changes.
import type { ObserveOptions } from '../api/election.ts'
import { type Clock, pause } from '../base/clock.ts'
import { type Ending, Scope } from '../base/scope.ts'
import type { Leader, Observation } from '../contract.ts'
import { teller } from '../core/callbacks.ts'
import { follow } from '../core/follow.ts'
import { warn } from '../core/grace.ts'
import { backoffMs } from '../core/request.ts'

/** An election as an observer asks about it. */
export interface Scenery {
  readonly name: string
  readonly clock: Clock
  readonly ttlMs: number
  /** Ends with the client. */
  readonly closing: Ending
  observe(name: string, scope: Ending, retries?: number): Promise<Observation>
  leaderChanged(name: string, seen: Observation, signal: AbortSignal): Promise<Observation | undefined>
}

/** The observation that the leaders are seen for. */
export interface Onlooker {
  /** It has begun, and this ends it. */
  open(scope: Scope): void
  /** Asks. After the answer, notes when the question was sent. */
  ask(question: () => Promise<Observation>): Promise<Observation>
}

/** Yields the leader, at once and at each change, for as long as the signal and the client allow. */
export async function* leaders(
  scenery: Scenery,
  onlooker: Onlooker,
  options: ObserveOptions,
): AsyncGenerator<Leader | undefined, never, void> {
  const { name, clock, ttlMs, closing, observe, leaderChanged } = scenery
  const scope = new Scope().on(closing).onSignal(options.signal)
  onlooker.open(scope)
  try {
    const first = await onlooker.ask(() => observe(name, scope))
    const observations = follow(first, {
      clock,
      scope,
      ask: () => askOn(scenery, onlooker, scope, options),
      changed: (seen, until) => leaderChanged(name, seen, until),
      restMs: () => ttlMs,
      tells: () => true,
      isSame: (before, now) => isSame(before.leader, now.leader),
    })
    for (let last: Observation | undefined; ; ) {
      const { value: now } = await observations.next()
      if (!last || !isSame(last.leader, now.leader)) yield now.leader
      last = now
    }
  } finally {
    scope.detach()
  }
}

/** Asks until the store answers: once the observer has had an answer, an error may be temporary. */
async function askOn(
  { name, clock, observe }: Scenery,
  onlooker: Onlooker,
  scope: Scope,
  { fatal, onError }: ObserveOptions,
): Promise<Observation> {
  const tell = teller(onError ?? warnOfEach(), scope, { clock, name, graceMs: 0 })
  for (let failures = 1; ; failures += 1) {
    try {
      return await onlooker.ask(() => observe(name, scope, 0))
    } catch (error) {
      if (scope.ended || fatal?.(error)) throw error
      await tell(error)
    }
    await pause(clock, backoffMs(clock, failures), scope.signal)
  }
}

/** Warns once of an error that comes again and again. */
function warnOfEach(): (error: unknown) => void {
  let told = ''
  return (error) => {
    if (String(error) !== told) warn(error)
    told = String(error)
  }
}

function isSame(one: Leader | undefined, other: Leader | undefined): boolean {
  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session
}
