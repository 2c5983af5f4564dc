// The steps of a run's programs with one mutex, for history.ts. Owns which steps count as seen; history.ts decides
// whether they are possible.
import type { Step } from './history.ts'

/** One hold, as its program saw it. */
export interface Seen {
  readonly process: string
  readonly token: bigint
  /** When `acquire` was called, and when it returned the hold. */
  readonly calledMs: number
  readonly givenMs: number
  /**
   * When the program last believed to hold. Undefined if an operator broke the lock while the answer was on its way.
   */
  readonly believedMs: number | undefined
}

/** More than any plan has jobs. Later holds cannot make an impossible history possible. */
const holdsMax = 40

/**
 * The steps of these holds, without steps that cannot decide whether there is an order. Those are: calls to acquire
 * that failed, were aborted or died, which may have held unseen or not at all; and every belief except the last, since
 * an ended hold never comes back. It also does not matter how a hold ended (release, loss, crash): the store may free
 * the lock at any time after the program last believed in it, or never, and nobody sees when.
 */
export function stepsOf(seen: readonly Seen[]): Step[] {
  return seen.slice(0, holdsMax).flatMap(({ token, calledMs, givenMs, believedMs }, hold) => {
    const acquire: Step = {
      kind: 'acquire',
      hold,
      token,
      fromMs: calledMs,
      untilMs: givenMs,
      optional: false,
    }
    const fromMs = believedMs ?? calledMs
    const expire: Step = { kind: 'expire', hold, fromMs, untilMs: Number.POSITIVE_INFINITY, optional: true }
    if (believedMs === undefined) return [acquire, expire]
    const held: Step = { kind: 'held', hold, fromMs, untilMs: fromMs, optional: false }
    return [acquire, held, expire]
  })
}

/** The same steps for people. */
export function tellSeen(seen: readonly Seen[]): string {
  const tell = ({ process, token, calledMs, givenMs, believedMs = Number.NaN }: Seen): string =>
    `${process} called at ${calledMs}, given ${token} at ${givenMs}, believed until ${believedMs}`
  return seen.map(tell).join('; ')
}
