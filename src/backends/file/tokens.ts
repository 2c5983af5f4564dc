// The tokens of a store. Owns the counter, the bound and their durability, so that no token is given out twice.
//
// Tokens must never go back. But a power cut may undo commits of a write-ahead log that is not synced
// (synchronous=NORMAL, which makes it 50 times cheaper). So `bound` is moved on by synced commits only, 4096 at a time,
// and no token above it is given out: a power cut can only undo a part of the range below `bound`. It also ends every
// process, so a process that opens a session and finds no other one alive starts from `bound`. A crash of a process
// alone undoes nothing: the kernel has every commit.
//
// Somebody may also replace the database by an older copy. Each client remembers the largest counter that it has seen,
// and moves the counter on as soon as it meets a smaller one.
import type { Connection } from './connection.ts'
import type { Row } from './driver.ts'
import { countOf } from './layout.ts'
import * as sql from './sql.ts'

const rangeOfTokens = 4096n

/** The largest integer of SQLite. */
export const highestTicket: bigint = 2n ** 63n - 1n

/** One client's knowledge of the tokens. All methods are synchronous and throw as `Connection` does. */
export class Tokens {
  readonly #connection: Connection
  /** The largest token that may be given out, when this was read last. In the database it is never lower. */
  #bound = 0n
  /** The largest ticket that was seen. */
  #last = 0n

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The largest ticket that was seen. No new one may be as small. */
  get last(): bigint {
    return this.#last
  }

  /** Notes a new ticket, and returns it. */
  noted(ticket: bigint): bigint {
    this.#last = ticket
    return ticket
  }

  /** Whether this counter, as it was read, is smaller than a ticket that was seen. */
  wentBack(row: Row | undefined): boolean {
    return countOf(row, 'counter') < this.#last
  }

  /** Moves the counter on if it went back. In a transaction. */
  check(): void {
    const [counter] = this.#connection.ask(sql.readCounter)
    if (countOf(counter, 'permits') < this.#last) this.goOn()
  }

  /** Moves the counter above all tokens that this client can know of. In a transaction. */
  goOn(): void {
    const known = this.#last > this.#bound ? this.#last : this.#bound
    this.#connection.ask(sql.raiseCounter, known + rangeOfTokens)
    this.#bound = 0n
  }

  /** Moves the counter to the bound, and the bound on. In a synced transaction. */
  skipToBound(): void {
    const ticket = countOf(this.#connection.ask(sql.skipToBound)[0], 'permits')
    this.#connection.ask(sql.raiseBound, ticket + 1n, rangeOfTokens)
  }

  /**
   * Ensures that no power cut can make the store give out this token again. Costs nothing in 4095 of 4096 cases. Not in
   * a transaction.
   */
  secure(ticket: bigint): void {
    if (ticket <= this.#bound) return
    this.#bound = this.#readBound()
    if (ticket <= this.#bound) return
    const raise = () => this.#connection.ask(sql.raiseBound, ticket, rangeOfTokens)
    this.#connection.synced(() => this.#connection.transaction(raise))
    this.#bound = this.#readBound()
  }

  #readBound(): bigint {
    return countOf(this.#connection.ask(sql.readBound)[0], 'bound')
  }
}
