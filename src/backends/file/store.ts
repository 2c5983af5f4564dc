// Every question to the database and every change of it, each one small transaction. Owns the use of the statements in
// sql.ts; tokens.ts makes tokens durable.
import type { Claim, Leader, NameState, Overtaking, Standing } from '../../contract.ts'
import { byName } from '../shared/names.ts'
import { passed } from '../shared/overtaking.ts'
import { Checkpoints } from './checkpoints.ts'
import type { Connection } from './connection.ts'
import type { Row } from './driver.ts'
import { Keeping } from './keeping.ts'
import { calledIn, idOf, permitsOf, sessionOf, sizeOf, textOf, ticketOf, weightOf } from './layout.ts'
import { mark } from './marks.ts'
import {
  beforeOf,
  type Obstacle,
  type Position,
  type SessionRow,
  toObstacle,
  toSession,
  toStandings,
} from './rows.ts'
import { SessionRows } from './session-rows.ts'
import * as sql from './sql.ts'
import { highestTicket, Tokens } from './tokens.ts'

/** The open database. All methods are synchronous and throw RefusedError, ConflictError or UnavailableError. */
export class Store {
  readonly path: string
  readonly checkpoints: Checkpoints
  readonly sessions: SessionRows
  readonly keeping: Keeping
  readonly #connection: Connection
  readonly #tokens: Tokens

  constructor(connection: Connection) {
    this.#connection = connection
    this.path = connection.path
    this.#tokens = new Tokens(connection)
    this.checkpoints = new Checkpoints(connection)
    this.sessions = new SessionRows(connection, this.#tokens)
    this.keeping = new Keeping(connection)
  }

  /** Puts the claim in line. Undefined if it did not join: see `obstacle`. */
  join(claim: Claim): Position | undefined {
    const { name, session, value, wait, permits } = claim
    mark(this.#connection, claim)
    const [id, size] = [calledIn(claim), sizeOf(claim)]
    const { last } = this.#tokens
    const text = permits === 1 ? sql.joinMutex : sql.join
    const [row] = this.#connection.change(text, name, session, id, size, value, wait ? 1 : 0, last)
    const behind = typeof row?.behind === 'string' ? idOf({ id: row.behind }) : undefined
    return row && { ticket: this.#tokens.noted(ticketOf(row)), ...beforeOf(row), behind }
  }

  /** The present place of a claim that has joined. Undefined if it no longer stands. */
  place({ name, session, permits }: Claim, ticket: bigint): Position | undefined {
    const [row] = this.#connection.ask(permits === 1 ? sql.placeInMutex : sql.place, name, ticket, session)
    return row && { ticket, ...beforeOf(row) }
  }

  /** The reason why a claim did not join. If its ticket might have been a token before, the next one will not be. */
  obstacle(claim: Claim): Obstacle {
    const [row] = this.#connection.ask(sql.obstacle, claim.name, claim.session, calledIn(claim))
    const obstacle = toObstacle(row ?? {})
    if (this.#tokens.wentBack(row)) this.#connection.transaction(() => this.#tokens.check())
    return obstacle
  }

  /** Removes a claim. Returns the sessions of the claims that are admitted now. */
  leave(claim: Claim, ticket: bigint | undefined): string[] {
    const { name, session, permits, weight } = claim
    const [from, to] = [ticket ?? 0n, ticket ?? highestTicket]
    const [text, sizes] = permits === 1 ? [sql.leaveMutex, []] : [sql.leave, [permits, weight]]
    const [row] = this.#connection.change(text, name, from, to, session, calledIn(claim), ...sizes)
    const next = typeof row?.next === 'string' ? row.next.split(',') : []
    return next.map((each) => sessionOf({ session: each }))
  }

  /** Removes a claim and puts the next one in line, in one transaction. Returns as `leave` and `join` do. */
  exchange(
    old: Claim,
    ticket: bigint | undefined,
    next: Claim,
  ): { readonly woken: string[]; readonly place: Position | undefined } {
    return this.#connection.transaction(() => ({ woken: this.leave(old, ticket), place: this.join(next) }))
  }

  /**
   * Makes a claim as light as it says, if it holds. Returns the sessions of the claims that are admitted now, or undefined if
   * it does not hold.
   */
  shrink(claim: Claim, ticket: bigint): string[] | undefined {
    const { name, session, permits } = claim
    return this.#connection.transaction(() => {
      const [row] = this.#connection.ask(sql.shrink, name, ticket, session, sizeOf(claim))
      return row && this.#admitted(name, permits, permits) // it may have had any weight
    })
  }

  /** The sessions of the claims that hold since others with this weight left. */
  #admitted(name: string, permits: number, lost: number): string[] {
    const isFree = this.#connection.ask(sql.anyClaim, name).length === 0 // found out sooner than the rest
    return isFree ? [] : this.#connection.ask(sql.admitted, name, permits, lost).map(sessionOf)
  }

  /** The sessions of the claims on a name that joined before `ticket`, in order, one for each claim. */
  sessionsAhead(name: string, ticket: bigint = highestTicket): SessionRow[] {
    return this.#connection.ask(sql.sessionsAhead, name, ticket).map(toSession)
  }

  /** The session of the last claim on a name that joined before `ticket`. */
  predecessor(name: string, ticket: bigint): SessionRow[] {
    return this.#connection.ask(sql.predecessor, name, ticket).map(toSession)
  }

  /** The tickets of all claims of a session. */
  ticketsOf(session: string): ReadonlySet<string> {
    const [row] = this.#connection.ask(sql.ticketsOf, session)
    return new Set(String(row?.tickets ?? '').split(','))
  }

  /** All claims on a name, in order. */
  line(name: string): Standing[] {
    return toStandings(this.#connection.ask(sql.line, name))
  }

  /** All names that begin with a prefix, with their claims in order. */
  survey(prefix: string): NameState[] {
    const lines = new Map<string, Row[]>()
    for (const row of this.#connection.ask(sql.survey, prefix)) {
      const name = String(row.name)
      lines.set(name, [...(lines.get(name) ?? []), row])
    }
    return [...lines]
      .map(([name, rows]) => ({ name, permits: rows[0] && permitsOf(rows[0]), claims: toStandings(rows) }))
      .sort(byName)
  }

  /** Removes the claim that holds with this ticket. Returns its session, and that of the next holder. */
  breakHold(name: string, ticket: bigint): string[] | undefined {
    if (ticket > highestTicket) return undefined
    return this.#connection.transaction(() => {
      const [gone] = this.#connection.ask(sql.breakHold, name, ticket)
      if (!gone) return undefined
      return [sessionOf(gone), ...this.#admitted(name, permitsOf(gone), weightOf(gone))]
    })
  }

  /**
   * Takes out waiting claims, if all stands as it was told. Returns their sessions and that of the target, or undefined
   * if something has changed.
   */
  overtake(name: string, overtaking: Overtaking): string[] | undefined {
    return this.#connection.transaction(() => {
      const concerned = passed(this.line(name), overtaking)
      for (const { token } of concerned?.slice(0, -1) ?? [])
        this.#connection.ask(sql.removeClaim, name, token)
      return concerned?.map(({ session }) => session)
    })
  }

  /** The first claim in the line of a name, as its leader. */
  leader(name: string): Leader | undefined {
    const [row] = this.#connection.ask(sql.leader, name)
    return row && { session: sessionOf(row), value: textOf(row), token: ticketOf(row) }
  }

  /** Replaces the value of a claim if it holds, and says whether it does. */
  proclaim({ name, session }: Claim, ticket: bigint, value: string): boolean {
    return this.#connection.change(sql.proclaim, name, value, ticket, session).length === 1
  }

  /**
   * Removes a session and its claims; if `renewals` is given, only if the session is still at that count. `still` and `last`
   * run in the same transaction; if `still` says no, nothing is removed. Returns the sessions whose claims may hold now, or undefined if nothing was removed.
   */
  removeSession(
    id: string,
    renewals: bigint | undefined,
    last: () => void,
    still: () => boolean = () => true,
  ): string[] | undefined {
    return this.#connection.transaction(() => {
      if (!still()) return undefined
      const stood = this.#connection.ask(sql.removeSession, id, renewals ?? -1n).length === 1
      if (!stood && renewals !== undefined) return undefined
      const claims = this.#connection.ask(sql.removeClaims, id)
      last()
      const names = new Map<string, Row[]>()
      for (const claim of claims) {
        const name = String(claim.name)
        names.set(name, [...(names.get(name) ?? []), claim])
      }
      return [...names].flatMap(([name, [first = {}, ...others]]) => {
        const lost = others.reduce((sum, each) => sum + weightOf(each), weightOf(first))
        return this.#admitted(name, permitsOf(first), lost)
      })
    })
  }

  /** Ensures that no power cut can make the store give out this token again. Costs nothing in 4095 of 4096 cases. */
  secure(ticket: bigint): void {
    this.#tokens.secure(ticket)
  }

  /** Stores a checkpoint if the claim holds, and says whether it does. It is on the disk only after `sync`. */
  writeCheckpoint({ name, session }: Claim, ticket: bigint, text: string): boolean {
    return this.#connection.change(sql.writeCheckpoint, name, text, ticket, session).length === 1
  }

  /** Resolves when all commits are on the disk. It keeps no lock meanwhile, so a slow disk delays no other process. */
  sync(): Promise<void> {
    return this.#connection.sync()
  }

  /** A number that changes when another connection has changed the database. Costs some microseconds. */
  version(): bigint {
    return this.#connection.ask(sql.version)[0]?.data_version as bigint
  }

  /** Whether somebody deleted or replaced the file. Other processes then see another database. */
  wasMoved(): boolean {
    return this.#connection.wasMoved()
  }

  close(): void {
    this.#connection.close()
  }
}
