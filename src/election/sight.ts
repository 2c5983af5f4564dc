// The leaders that an observer sees, one at each change. Owns the errors of one observer: which are told, and which end it.
// sights.ts waits for changes, for all observers of a client at once.
import type { ObserveOptions } from '../api/election.ts'
import type { Clock } from '../base/clock.ts'
import type { Scope } from '../base/scope.ts'
import type { Leader } from '../contract.ts'
import { teller } from '../core/callbacks.ts'
import type { Closing } from '../core/closing.ts'
import { warn } from '../core/grace.ts'
import type { Sent, Sights, Watcher } from './sights.ts'

/** An election as an observer asks about it. */
export interface Scenery {
  readonly name: string
  readonly clock: Clock
  /** Ends each observation with the client. */
  readonly closing: Pick<Closing, 'scopeOf'>
  readonly sights: Sights
}

/** The observation that the leaders are seen for. */
export interface Onlooker {
  /** It has begun, and this ends it. */
  open(scope: Scope): void
  /** A question that was sent then is answered. */
  noted(sent: Sent): void
}

/** Yields the leader, at once and at each change, for as long as the signal and the client allow. */
export async function* leaders(
  { name, clock, closing, sights }: Scenery,
  onlooker: Onlooker,
  options: ObserveOptions,
): AsyncGenerator<Leader | undefined, never, void> {
  const scope = closing.scopeOf(options.signal)
  onlooker.open(scope)
  const noted = (sent: Sent): void => onlooker.noted(sent)
  const watcher: Watcher = { scope, noted, failed: failures(name, clock, scope, options) }
  try {
    let seen = await sights.ask(name, scope)
    noted(seen.sent)
    for (;;) {
      yield seen.observation.leader
      seen = await sights.next(name, seen, watcher)
    }
  } finally {
    scope.detach()
  }
}

/**
 * Passes errors to the observer's `onError`, or rejects with a fatal one, or with an error of `onError` itself. While one
 * error is being told, later ones are left out: other observers do not wait for it.
 */
function failures(
  name: string,
  clock: Clock,
  scope: Scope,
  { fatal, onError }: ObserveOptions,
): (error: unknown) => Promise<void> {
  const tell = teller(onError ?? warnOfEach(), scope, { clock, name, graceMs: 0 })
  let isTelling = false
  return async (error) => {
    if (fatal?.(error)) throw error
    if (isTelling) return
    isTelling = true
    try {
      await tell(error)
    } finally {
      isTelling = false
    }
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
