// One open connection to the database: statements prepared once, transactions, and errors in Leasehold's words.
// Owns no SQL but the brackets around a transaction.
import { join } from 'node:path'
import type { Database, Row, Statement, Value } from './driver.ts'
import { failure } from './failure.ts'

/** All methods are synchronous and throw RefusedError, ConflictError or UnavailableError. */
export class Connection {
  readonly path: string
  readonly #database: Database
  readonly #directory: string
  readonly #statements = new Map<string, Statement>()

  constructor(database: Database, directory: string) {
    this.#database = database
    this.#directory = directory
    this.path = join(directory, 'leasehold.db')
  }

  /** Runs a statement to its end. Outside of `transaction` it is a transaction of its own. */
  ask(text: string, ...values: readonly Value[]): readonly Row[] {
    try {
      return this.#statement(text).all(...values)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Runs `work` in one transaction that writes; what it throws undoes all of it. */
  transaction<T>(work: () => T): T {
    this.#exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#exec('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw this.#failure(error)
    }
  }

  /** Runs what commits within so that it is on the disk when this returns. Not inside a transaction. */
  synced<T>(work: () => T): T {
    this.#exec('PRAGMA synchronous = FULL')
    try {
      return work()
    } finally {
      this.#exec('PRAGMA synchronous = NORMAL')
    }
  }

  /** Idempotent. */
  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #exec(text: string): void {
    try {
      this.#database.exec(text)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }

  #statement(text: string): Statement {
    const known = this.#statements.get(text)
    if (known) return known
    const statement = this.#database.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }

  #failure(error: unknown): Error {
    return failure(error, this.#directory, this.path)
  }
}
