// Opens, renews and ends a session without claims, for `leasehold doctor`. If this process is killed meanwhile, the store ends
// the session after its time to live, and nothing is left.
import type { Operation } from '../../api/events.ts'
import { type Clock, leastElapsedMs } from '../../base/clock.ts'
import type { Finding } from '../../base/finding.ts'
import { Scope } from '../../base/scope.ts'
import type { Backend } from '../../contract.ts'
import { openingMs } from '../../core/lifetime.ts'
import { Limits } from '../../core/limits.ts'
import { persist, type RequestOptions } from '../../core/request.ts'
import { messageOf } from '../exit.ts'

/** The result. */
export interface SessionTrial {
  readonly finding: Finding
  /** How long a renewal took, in ms. Undefined if there was none. */
  readonly renewedMs?: number
}

const check = 'session'
/** As many as `connect` makes. */
const retries = 3

/** Tries a session. Rejects only with the reason of the signal. */
export async function trySession(
  backend: Backend,
  ttlMs: number,
  { clock, signal, store }: { readonly clock: Clock; readonly signal: AbortSignal; readonly store: string },
): Promise<SessionTrial> {
  const scope = new Scope().onSignal(signal)
  const origin = { store, client: {} }
  const requestMs = backend.facts.answersAtOnce ? undefined : openingMs
  try {
    return await lifeOf(backend, ttlMs, {
      clock,
      origin,
      limits: new Limits(clock),
      scope,
      requestMs,
      retries,
    })
  } catch (error) {
    signal.throwIfAborted()
    const next =
      'without a session nothing can be held: see the problems above, or ask the operator of the store'
    return { finding: { check, level: 'problem', text: messageOf(error), next } }
  } finally {
    scope.detach()
  }
}

async function lifeOf(backend: Backend, ttlMs: number, request: RequestOptions): Promise<SessionTrial> {
  const { clock } = request
  const timed = async <T>(
    what: Operation,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<readonly [T, number]> => {
    const since = clock.mark()
    const answer = await persist(request, what, ask)
    return [answer, Math.round(10 * leastElapsedMs(since, clock.mark())) / 10]
  }
  const [grant, openedMs] = await timed('createSession', (signal) => backend.createSession(ttlMs, signal))
  const [, renewedMs] = await timed('renewSession', (signal) => backend.renewSession(grant.id, signal))
  const [, endedMs] = await timed('destroySession', (signal) => backend.destroySession(grant.id, signal))
  const times = `opened in ${openedMs} ms, renewed in ${renewedMs} ms, ended in ${endedMs} ms`
  const data = { openedMs, renewedMs, endedMs, askedMs: ttlMs, grantedMs: grant.ttlMs }
  if (grant.ttlMs === ttlMs) return { renewedMs, finding: { check, level: 'ok', text: times, data } }
  const text = `${times}; the store granted ${grant.ttlMs} ms instead of ${ttlMs}`
  const next = 'after a crash the lock is free that much later: ask for no less than the store grants'
  return { renewedMs, finding: { check, level: 'note', text, next, data } }
}
