// Every question to the database and every change of it, each one small transaction. Owns the SQL, the
// tokens and the durability; who is alive, who waits and who is woken is decided elsewhere.
//
// Tokens must never go back, and a commit of a write-ahead log that is not synced (synchronous=NORMAL,
// which makes it 50 times cheaper) may be undone by a power cut. So `bound` is moved on by synced commits
// only, 4096 at a time, and no token above it leaves this file: what a power cut undoes is a part of the
// range below `bound`. Every process is gone after it, so whoever opens a session and finds no other alive
// goes on from `bound`. A crash of a process alone undoes nothing: what was committed, the kernel has.
import { statSync } from 'node:fs'
import type { Claim, Leader, NameState, Standing } from '../../contract.ts'
import { byName } from '../shared/names.ts'
import type { Connection } from './connection.ts'
import type { Row } from './driver.ts'
import * as sql from './sql.ts'

/** A claim's place: its ticket, which is its token once it holds, and how many claims stand before it. */
export interface Position {
  readonly ticket: bigint
  readonly before: number
}

/** A session as the database has it. */
export interface SessionRow {
  readonly id: string
  readonly ttlMs: number
  /** How often it was renewed. */
  readonly renewals: bigint
}

/** Why a claim did not join: what stood on its name. */
export interface Obstacle {
  readonly sessionStands: boolean
  /** The ticket of the claim itself, if it had joined before. */
  readonly own: bigint | undefined
  /** With how many permits the name is in use. */
  readonly permits: number | undefined
  readonly before: number
}

const rangeOfTokens = 4096n
const highest = 2n ** 63n - 1n

/**
 * The open database. All methods are synchronous and throw RefusedError, ConflictError or
 * UnavailableError.
 */
export class Store {
  readonly path: string
  readonly #connection: Connection
  readonly #file: bigint
  /** The largest token that may be handed out, as last read; the one in the database is never lower. */
  #bound = 0n

  constructor(connection: Connection) {
    this.#connection = connection
    this.path = connection.path
    this.#file = statSync(this.path, { bigint: true }).ino
  }

  /** Puts the claim in line, unless it has no session, another kind holds the name, or it will not wait. */
  join({ name, session, id, permits, value, wait }: Claim): Position | undefined {
    const [row] = this.#connection.ask(sql.join, name, session, id, permits, value, wait ? 1 : 0)
    return row && { ticket: row.ticket as bigint, before: Number(row.before) }
  }

  /** Where a claim that has joined stands now; undefined when it no longer does. */
  place({ name, session }: Claim, ticket: bigint): Position | undefined {
    const [row] = this.#connection.ask(sql.place, name, ticket, session)
    return row && { ticket, before: Number(row.before) }
  }

  /** What kept a claim from joining. */
  obstacle({ name, session, id }: Claim): Obstacle {
    const [row] = this.#connection.ask(sql.obstacle, name, session, id)
    const { stands, own, permits, before } = row ?? {}
    return {
      sessionStands: stands === 1n,
      own: typeof own === 'bigint' ? own : undefined,
      permits: typeof permits === 'bigint' ? Number(permits) : undefined,
      before: Number(before),
    }
  }

  /**
   * Takes a claim out, and says whose session is the last one admitted now, if the name is full without
   * it.
   */
  leave({ name, session, id, permits }: Claim, ticket: bigint | undefined): string | undefined {
    const [row] = this.#connection.ask(
      sql.leave,
      name,
      ticket ?? 0n,
      ticket ?? highest,
      session,
      id,
      permits - 1,
    )
    return typeof row?.next === 'string' ? row.next : undefined
  }

  /** The sessions of the claims on a name that joined before `ticket`, in order, one for each claim. */
  sessionsAhead(name: string, ticket: bigint = highest): SessionRow[] {
    return this.#connection.ask(sql.sessionsAhead, name, ticket).map(toSession)
  }

  /** All claims on a name, in order. */
  line(name: string): Standing[] {
    return this.#connection.ask(sql.line, name).map(toStanding)
  }

  /** All names that begin with a prefix, with their claims in order. */
  survey(prefix: string): NameState[] {
    const lines = new Map<string, Row[]>()
    for (const row of this.#connection.ask(sql.survey, prefix)) {
      const name = String(row.name)
      lines.set(name, [...(lines.get(name) ?? []), row])
    }
    return [...lines]
      .map(([name, rows]) => ({ name, permits: Number(rows[0]?.permits), claims: rows.map(toStanding) }))
      .sort(byName)
  }

  /** Takes out the claim that holds with this ticket. Returns its session, and that of whoever holds instead. */
  breakHold(name: string, ticket: bigint): string[] | undefined {
    if (ticket > highest) return undefined
    return this.#connection.transaction(() => {
      const [gone] = this.#connection.ask(sql.breakHold, name, ticket)
      if (!gone) return undefined
      const next = this.#connection.ask(sql.lastAdmitted, name, gone.permits as bigint)
      return [gone, ...next].map(({ session }) => String(session))
    })
  }

  /** Who stands first in the line of a name. */
  leader(name: string): Leader | undefined {
    const [row] = this.#connection.ask(sql.leader, name)
    return row && { session: String(row.session), value: toText(row.value), token: row.ticket as bigint }
  }

  /** Replaces the value of a claim if it holds, and says whether it does. */
  proclaim({ name, session, permits }: Claim, ticket: bigint, value: string): boolean {
    return this.#connection.ask(sql.proclaim, name, value, ticket, session, permits).length === 1
  }

  sessions(): SessionRow[] {
    return this.#connection.ask(sql.sessions).map(toSession)
  }

  /**
   * Adds a session; `prepare` runs in the same transaction, and is told whether no other session is there.
   * If there was none beforehand either, a power cut may have been, and the tokens move on, synced.
   */
  addSession(id: string, ttlMs: number, prepare: (alone: boolean) => void): void {
    const wasAlone = this.sessions().length === 0
    const add = (): void => {
      const alone = this.sessions().length === 0
      prepare(alone)
      if (alone && wasAlone) this.#skipToBound()
      this.#connection.ask(sql.addSession, id, Math.ceil(ttlMs))
    }
    if (wasAlone) this.#connection.synced(() => this.#connection.transaction(add))
    else this.#connection.transaction(add)
  }

  /** Counts a renewal, and says whether the session still stands. */
  renew(id: string): boolean {
    return this.#connection.ask(sql.renew, id).length === 1
  }

  /**
   * Removes a session and its claims, where given only if it was not renewed again; `last` runs in the same
   * transaction. Returns the sessions that may be admitted now, or undefined if nothing was removed.
   */
  removeSession(id: string, renewals: bigint | undefined, last: () => void): string[] | undefined {
    return this.#connection.transaction(() => {
      const stood = this.#connection.ask(sql.removeSession, id, renewals ?? -1n).length === 1
      if (!stood && renewals !== undefined) return undefined
      const claims = this.#connection.ask(sql.removeClaims, id)
      last()
      const next = claims.map((claim) =>
        this.#connection.ask(sql.lastAdmitted, claim.name ?? '', claim.permits ?? 1),
      )
      return next.flat().map(({ session }) => String(session))
    })
  }

  /**
   * Makes sure that no power cut can undo the giving out of this token. Costs nothing in 4095 of 4096
   * cases.
   */
  secure(ticket: bigint): void {
    if (ticket <= this.#bound) return
    this.#bound = this.#readBound()
    if (ticket <= this.#bound) return
    this.#connection.synced(() => this.#connection.ask(sql.raiseBound, ticket, rangeOfTokens))
    this.#bound = this.#readBound()
  }

  /** Stores a checkpoint if the claim holds, synced, and says whether it does. */
  writeCheckpoint({ name, session, permits }: Claim, ticket: bigint, text: string): boolean {
    return (
      this.#connection.synced(() =>
        this.#connection.ask(sql.writeCheckpoint, name, text, ticket, session, permits),
      ).length === 1
    )
  }

  readCheckpoint(name: string): string | undefined {
    const digits = this.#connection.ask(sql.readCheckpoint, name)[0]?.digits
    return digits === undefined ? undefined : toText(digits)
  }

  /** A number that changes when another connection has changed the database. Costs some microseconds. */
  version(): bigint {
    return this.#connection.ask(sql.version)[0]?.data_version as bigint
  }

  /** Whether somebody deleted or replaced the file: others then see another database than this one. */
  wasMoved(): boolean {
    return statSync(this.path, { bigint: true, throwIfNoEntry: false })?.ino !== this.#file
  }

  close(): void {
    this.#connection.close()
  }

  #skipToBound(): void {
    const ticket = this.#connection.ask(sql.skipToBound)[0]?.permits as bigint
    this.#connection.ask(sql.raiseBound, ticket + 1n, rangeOfTokens)
  }

  #readBound(): bigint {
    return this.#connection.ask(sql.readBound)[0]?.bound as bigint
  }
}

function toStanding({ session, value, permits, ticket }: Row, index: number): Standing {
  const held = index < Number(permits)
  return { session: String(session), value: toText(value), token: ticket as bigint, held }
}

/** A text that was read as hexadecimal digits. */
function toText(digits: unknown): string {
  return Buffer.from(String(digits), 'hex').toString()
}

function toSession({ id, ttl, renewals }: Row): SessionRow {
  return { id: String(id), ttlMs: Number(ttl), renewals: renewals as bigint }
}
