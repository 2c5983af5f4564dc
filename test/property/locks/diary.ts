// What the programs of a run saw of one mutex, as steps for history.ts. Owns what counts as seen; whether it can be is
// history.ts's to say.
import type { Step } from './history.ts'

/** One hold, as its program has seen it. */
export interface Seen {
  readonly process: string
  readonly token: bigint
  /** When `acquire` was called, and when it gave the hold. */
  readonly calledMs: number
  readonly givenMs: number
  /** When the program last believed to hold; undefined if an operator took the lock while the answer was on its way. */
  readonly believedMs: number | undefined
}

/** More than any plan has jobs. What is later cannot make possible what was not. */
const holdsMax = 40

/**
 * The steps of these holds. Left out is what makes no difference to whether there is an order: calls to acquire that
 * failed, were given up or died, which may have held unseen or not at all; and every belief but the last, since
 * what is over does not come back. And whether a hold ended by a release, a loss or a crash: the store may let
 * go of it at any time after its program last believed in it, or never, and nobody sees when.
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

/** The same for people. */
export function tellSeen(seen: readonly Seen[]): string {
  const tell = ({ process, token, calledMs, givenMs, believedMs = Number.NaN }: Seen): string =>
    `${process} called at ${calledMs}, given ${token} at ${givenMs}, believed until ${believedMs}`
  return seen.map(tell).join('; ')
}
