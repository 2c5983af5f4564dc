// The sessions in the database: adds and renews them. Owns what a new session has to know about the others. store.ts removes
// a session together with its claims; session-files.ts knows which of them live.
import type { Connection } from './connection.ts'
import { type SessionRow, toSession } from './rows.ts'
import * as sql from './sql.ts'
import type { Tokens } from './tokens.ts'

/** The sessions of an open database. All methods are synchronous, and throw as the methods of Store do. */
export class SessionRows {
  readonly #connection: Connection
  readonly #tokens: Tokens

  constructor(connection: Connection, tokens: Tokens) {
    this.#connection = connection
    this.#tokens = tokens
  }

  all(): SessionRow[] {
    return this.#connection.ask(sql.sessions).map(toSession)
  }

  /** A few sessions of processes, the first of them at or after this id. */
  some(from: string, most: number): SessionRow[] {
    return this.#connection.ask(sql.someSessions, from, most).map(toSession)
  }

  /** The sessions of kept claims whose time is over first. */
  firstKept(most: number): SessionRow[] {
    return this.#connection.ask(sql.firstKept, most).map(toSession)
  }

  /**
   * Adds a session. `prepare` runs in the same transaction; `alone` says that no process has another session. If there was
   * none before the transaction either, there may have been a power cut, so the tokens move on, synced.
   */
  add(id: string, ttlMs: number, prepare: (alone: boolean) => void): void {
    const wasAlone = this.#isAlone()
    const add = (): void => {
      const alone = this.#isAlone()
      prepare(alone)
      if (alone && wasAlone) this.#tokens.skipToBound()
      this.#connection.ask(sql.addSession, id, Math.ceil(ttlMs))
    }
    if (wasAlone) this.#connection.synced(() => this.#connection.transaction(add))
    else this.#connection.transaction(add)
  }

  /** Counts a renewal, and says whether the session still stands. */
  renew(id: string): boolean {
    return this.#connection.transaction(() => {
      this.#tokens.check()
      return this.#connection.ask(sql.renew, id).length === 1
    })
  }

  /** Runs `work` in a transaction that writes, if a session stands; returns whether it does. */
  whileStanding(id: string, work: () => void): boolean {
    return this.#connection.transaction(() => {
      const stands = this.#connection.ask(sql.session, id).length === 1
      if (stands) work()
      return stands
    })
  }

  /** Whether no process has a session. */
  #isAlone(): boolean {
    return this.some('', 1).length === 0
  }
}
