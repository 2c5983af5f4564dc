// Changes of the order in a line: a candidate of a higher priority goes ahead of lower ones, and a leader chooses the next.
// Owns which claims are overtaken, and when. The store does it in one step.
import { type Clock, pause } from '../base/clock.ts'
import { ConflictError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import type { Ending } from '../base/scope.ts'
import type { Overtaking, Standing } from '../contract.ts'
import { backoffMs } from '../core/request.ts'

/** The most claims that one step of the store removes. */
const mostAtOnce = 50

/** The line of one name, as a waiting candidate reads and changes it. */
export interface OpenLine {
  readonly clock: Clock
  /** Its end ends the watch over the line. It ends with the wait. */
  readonly scope: Ending
  readonly priority: number
  /** The session of this candidate. */
  session(): string | undefined
  read(): Promise<readonly Standing[]>
  overtake(overtaking: Overtaking): Promise<boolean>
}

/** A candidate that goes ahead of those with a lower priority. */
export class Overtaker {
  readonly #line: OpenLine
  #running: Promise<void> | undefined

  constructor(line: OpenLine) {
    this.#line = line
  }

  /**
   * Overtakes until no candidate of a lower priority waits ahead. Call it when the line may have changed. Rejects as a
   * request does. If the scope ends, it resolves.
   */
  look(): Promise<void> {
    this.#running ??= this.#overtake().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #overtake(): Promise<void> {
    const { clock, scope } = this.#line
    try {
      for (let inVain = 1; ; inVain += 1) {
        const lower = lowerOnes(await this.#line.read(), this.#line)
        if (lower === 'none') return
        if (lower !== 'nobody leads' && (await this.#line.overtake(lower))) inVain = 0
        else await pause(clock, backoffMs(clock, inVain), scope.signal)
      }
    } catch (error) {
      if (!scope.ended) throw error
    }
  }
}

/** The claims to overtake. If nobody leads, none can be overtaken: the first in line is about to lead. */
function lowerOnes(
  line: readonly Standing[],
  { session, priority }: OpenLine,
): Overtaking | 'none' | 'nobody leads' {
  const own = session()
  const place = line.findIndex((each) => !each.held && each.session === own)
  const waiting = line.slice(0, Math.max(0, place)).filter(({ held }) => !held)
  const lower = waiting.filter((each) => each.priority !== undefined && each.priority < priority)
  if (lower.length === 0) return 'none'
  const holder = line.find(({ held }) => held)
  return holder ? overtaking(holder, line[place] as Standing, lower) : 'nobody leads'
}

/**
 * The claims that are in the way of the candidate with this value or session, which is to lead next; undefined if it is the
 * next. Throws RangeError if no such candidate waits, and ConflictError if it is behind a claim that it may not overtake.
 */
export function wayTo(line: readonly Standing[], name: string, to: string): Overtaking | undefined {
  const waiting = line.filter(({ held }) => !held)
  const place = waiting.findIndex(({ value, session }) => value === to || session === to)
  const [holder, target] = [line.find(({ held }) => held), waiting[place]]
  if (!holder || !target) throw new RangeError(nobody(name, to))
  const between = waiting.slice(0, place)
  const { priority: most = 0 } = target
  const fixed = between.find(({ priority }) => priority === undefined || priority > most)
  if (fixed) throw new ConflictError(inTheWay(name, to, fixed))
  return between.length > 0 ? overtaking(holder, target, between) : undefined
}

/** The last ones first: each client that wakes stands in line again behind the target. */
function overtaking(holder: Standing, target: Standing, passed: readonly Standing[]): Overtaking {
  const waiting = passed.slice(-mostAtOnce).map(({ token }) => token)
  return { holder: holder.token, target: target.token, waiting }
}

function nobody(name: string, to: string): string {
  return `to: no candidate with the value or session ${quoted(to)} waits for ${quoted(name)}; candidates() shows who does`
}

function inTheWay(name: string, to: string, { session, priority }: Standing): string {
  const why = priority === undefined ? 'has no priority, so nobody may overtake it' : 'has a higher priority'
  const claim = `the claim of session ${quoted(session)}, which waits before it,`
  return `${quoted(to)} cannot lead ${quoted(name)} next: ${claim} ${why}`
}
