// Sessions and claims as rows of the database. Owns nothing else: layout.ts checks each value, store.ts asks.
import type { Standing } from '../../contract.ts'
import type { Row } from './driver.ts'
import { idOf, permitsOf, priorityOf, renewalsOf, sessionOf, textOf, ticketOf, ttlOf } from './layout.ts'

/** A session as the database has it. */
export interface SessionRow {
  readonly id: string
  readonly ttlMs: number
  /** How often it was renewed. */
  readonly renewals: bigint
  /** False if a claim names a session that is not there; Leasehold removes both in one transaction. */
  readonly stands: boolean
}

/** A claim as others see it; `index` is its place in line. */
export function toStanding(row: Row, index: number): Standing {
  const priority = priorityOf(row)
  return {
    session: sessionOf(row),
    value: textOf(row),
    token: ticketOf(row),
    held: index < permitsOf(row),
    ...(priority !== undefined && { priority }),
  }
}

/** A session, also where its row is missing. */
export function toSession(row: Row): SessionRow {
  const id = idOf(row)
  if (row.ttl === null && row.renewals === null) return { id, ttlMs: 0, renewals: 0n, stands: false }
  return { id, ttlMs: ttlOf(row), renewals: renewalsOf(row), stands: true }
}
