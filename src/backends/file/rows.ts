// Sessions and claims as rows of the database. Owns nothing else: layout.ts checks each value, store.ts asks.
import type { Standing } from '../../contract.ts'
import { fits } from '../shared/room.ts'
import type { Row } from './driver.ts'
import {
  countOf,
  idOf,
  permitsOf,
  priorityOf,
  renewalsOf,
  sessionOf,
  textOf,
  ticketOf,
  ttlOf,
  weightOf,
} from './layout.ts'

/** How many claims stand before a claim, and how many permits they take. */
export interface Before {
  readonly before: number
  readonly taken: number
}

/** A claim's place: its ticket, which is its token once it holds, and what stands before it. */
export interface Position extends Before {
  readonly ticket: bigint
  /** The session of the claim right before it, where that is known: when a claim has just joined the line of a mutex. */
  readonly behind?: string | undefined
}

/** Why a claim did not join: the state of its name. */
export interface Obstacle extends Before {
  readonly sessionStands: boolean
  /** The ticket of the claim itself, if it had joined before. */
  readonly own: bigint | undefined
  /** The permits of the claims that stand on the name. */
  readonly permits: number | undefined
}

/** A session as the database has it. */
export interface SessionRow {
  readonly id: string
  readonly ttlMs: number
  /** How often it was renewed. */
  readonly renewals: bigint
  /** False if a claim names a session that is not there; Leasehold removes both in one transaction. */
  readonly stands: boolean
}

/** The claims of one name as others see them: the rows are in the order of the line. */
export function toStandings(rows: readonly Row[]): Standing[] {
  let taken = 0
  return rows.map((row) => {
    const [weight, priority] = [weightOf(row), priorityOf(row)]
    const held = fits({ permits: permitsOf(row), weight }, taken)
    taken += weight
    return {
      ...{ session: sessionOf(row), value: textOf(row), token: ticketOf(row), held },
      ...(priority !== undefined && { priority }),
      ...(weight > 1 && { weight }),
    }
  })
}

/** A session, also where its row is missing. */
export function toSession(row: Row): SessionRow {
  const id = idOf(row)
  if (row.ttl === null && row.renewals === null) return { id, ttlMs: 0, renewals: 0n, stands: false }
  return { id, ttlMs: ttlOf(row), renewals: renewalsOf(row), stands: true }
}

/** The claims before a claim, as their number and their permits. In the line of a mutex both are the same number. */
export function beforeOf({ before = null, taken = before }: Row): Before {
  return { before: Number(before), taken: Number(taken) }
}

/** Why a claim did not join. */
export function toObstacle(row: Row): Obstacle {
  const { stands, own = null, permits = null, counter = null } = row
  countOf({ counter }, 'counter') // without it nothing can join
  return {
    sessionStands: stands === 1n,
    own: own === null ? undefined : ticketOf({ ticket: own }),
    permits: permits === null ? undefined : permitsOf({ permits }),
    ...beforeOf(row),
  }
}
