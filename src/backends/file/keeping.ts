// Claims that stay after their release. Owns their sessions, which have no process: layout.ts has their ids.
import type { Claim, Kept } from '../../contract.ts'
import type { Connection } from './connection.ts'
import * as sql from './sql.ts'

/** Hands claims to sessions that keep them. */
export class Keeping {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Hands a claim that holds to the session `keeper`, and returns whether it holds; also if an earlier call handed it to another
   * one. It is on the disk only after `sync`.
   */
  keep({ name, session }: Claim, ticket: bigint, { ms, value }: Kept, keeper: string): boolean {
    return this.#connection.transaction(() => {
      this.#connection.ask(sql.addSession, keeper, Math.ceil(ms)) // without a claim it is removed when its time is over
      return this.#connection.ask(sql.keep, name, ticket, session, keeper, value).length === 1
    })
  }
}
