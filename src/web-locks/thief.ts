// `steal`: takes a lock away from all that hold it, and is the next to hold. Owns the order of the steps. The requests of
// the same client that wait go on waiting, behind the thief.
import type { Hold } from '../api/hold.ts'
import type { Leasehold } from '../api/leasehold.ts'
import type { Lock } from '../api/lock.ts'
import { pause, systemClock } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Standing } from '../contract.ts'
import type { Pending } from './pending.ts'

/** The requests of the thief's client for the same name. */
interface Own {
  /** The requests that wait, in order. */
  pending(): readonly Pending[]
  /** Ends their holds. */
  rob(): void
}

/** How long the thief waits before it looks again who holds. */
const againMs = { first: 20, most: 500 }

/**
 * Resolves with the hold of the thief. A claim of another client that waits before it comes to hold meanwhile, and loses
 * that hold as well. Costs two requests, one for each holder, and two more as long as others hold.
 */
export async function steal<H extends Hold>(lock: Lock<H>, leasehold: Leasehold, own: Own): Promise<H> {
  await takeAway(lock.name, leasehold, own, () => true)
  const moved = own.pending()
  const left = moved.map((each) => each.stepBack())
  const scope = new Scope()
  const acquired = lock.acquire({ signal: scope.signal })
  await Promise.all(left)
  for (const each of moved) each.goOn()
  // No other writer of this client can be in the store: they wait behind the thief in this process.
  const isOther = ({ session, weight = 1 }: Standing): boolean =>
    weight === 1 || session !== leasehold.session
  const end = new AbortController()
  acquired.then(...both(() => end.abort()))
  for (let ms = againMs.first; !end.signal.aborted; ms = Math.min(2 * ms, againMs.most)) {
    await pause(systemClock(), ms, end.signal).catch(() => {})
    if (end.signal.aborted) break
    await takeAway(lock.name, leasehold, own, isOther).catch((error) => scope.end(error))
  }
  return acquired
}

/** Ends all holds of the name that `which` lets it end. */
async function takeAway(
  name: string,
  leasehold: Leasehold,
  own: Own,
  which: (standing: Standing) => boolean,
): Promise<void> {
  own.rob()
  const standings = await leasehold.line(name)
  const others = standings.filter((standing) => standing.held && which(standing))
  await Promise.all(others.map(({ token }) => leasehold.break(name, token)))
}

const both = (tell: () => void): [() => void, () => void] => [tell, tell]
