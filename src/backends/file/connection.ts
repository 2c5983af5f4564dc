// One open connection to the database: statements prepared once, transactions, and errors in Leasehold's words. Owns
// the begin and the end of transactions, and the cleaning after an error of the binding; sql.ts has the other SQL.
import { constants, lstatSync, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'
import { UnavailableError } from '../../base/errors.ts'
import { type Database, isBusy, type Row, type Statement, type Value } from './driver.ts'
import { failure, moved } from './failure.ts'
import { isSameFile } from './folder.ts'
import type { Log } from './log.ts'

/** All methods are synchronous and throw RefusedError, ConflictError or UnavailableError. None waits for a lock. */
export class Connection {
  readonly path: string
  readonly #open: () => Database
  readonly #directory: string
  readonly #file: Stats
  readonly #log: Log
  readonly #statements = new Map<string, Statement>()
  #database: Database | undefined
  #isClosed = false
  /** Whether the work of a `transaction` is under way. */
  #isWriting = false

  /** `openDatabase` opens the database. It is called again after an error that makes a connection unusable. */
  constructor(openDatabase: () => Database, directory: string, path: string, log: Log) {
    this.#open = openDatabase
    this.#directory = directory
    this.#log = log
    this.path = path
    this.#database = openDatabase()
    this.#file = lstatSync(path)
  }

  /** Runs a statement to its end. A statement that writes must be in a `transaction`. */
  ask(text: string, ...values: readonly Value[]): readonly Row[] {
    try {
      return this.#statement(text).all(...values)
    } catch (error) {
      // The binding may leave a statement that met a lock active, and with it an old view of the data: see `transaction`.
      if (isBusy(error) && !this.#database?.resetsItself) this.#drop()
      throw this.#failure(error)
    }
  }

  /**
   * Runs `work` in one transaction that writes. If it throws, everything is undone. Only the beginning can meet a
   * lock, which leaves no statement behind in either binding.
   */
  transaction<T>(work: () => T): T {
    this.#exec('BEGIN IMMEDIATE')
    const result = this.#committed(work)
    if (this.#database) this.#log.committed(this.#database)
    return result
  }

  /** Runs one statement that writes, as a transaction of its own or as a part of the one that is under way. */
  change(text: string, ...values: readonly Value[]): readonly Row[] {
    if (this.#isWriting) return this.ask(text, ...values)
    if (!this.#live().resetsItself) return this.transaction(() => this.ask(text, ...values))
    const rows = this.ask(text, ...values)
    if (this.#database) this.#log.committed(this.#database)
    return rows
  }

  /** Runs `work`; its commits are on the disk when this returns. Not inside of a transaction. */
  synced<T>(work: () => T): T {
    this.#exec('PRAGMA synchronous = FULL')
    try {
      return work()
    } finally {
      this.#exec('PRAGMA synchronous = NORMAL')
    }
  }

  /**
   * Resolves when all commits are on the disk. To open and close the log is safe: no lock is on that file, which
   * closing a descriptor could drop. Commits that are no longer in the log were synced by SQLite's checkpoint.
   */
  async sync(): Promise<void> {
    try {
      const log = await open(`${this.path}-wal`, constants.O_RDWR | (constants.O_NOFOLLOW ?? 0))
      await log.sync().finally(() => log.close())
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Whether somebody deleted or replaced the file. Other processes then see another database. */
  wasMoved(): boolean {
    const stats = lstatSync(this.path, { throwIfNoEntry: false })
    return !stats || !isSameFile(stats, this.#file)
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  #committed<T>(work: () => T): T {
    this.#isWriting = true
    try {
      const result = work()
      this.#exec('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw this.#failure(error)
    } finally {
      this.#isWriting = false
    }
  }

  #exec(text: string): void {
    try {
      this.#live().exec(text)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #rollBack(): void {
    try {
      this.#database?.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }

  #statement(text: string): Statement {
    const known = this.#statements.get(text)
    if (known) return known
    const statement = this.#live().prepare(text)
    this.#statements.set(text, statement)
    return statement
  }

  #live(): Database {
    if (this.#database) return this.#database
    // At the path there would be another database now, or none.
    if (this.#isClosed || this.wasMoved()) throw new UnavailableError(moved(this.path))
    this.#database = this.#open()
    return this.#database
  }

  #drop(): void {
    this.#statements.clear()
    this.#database?.close()
    this.#database = undefined
  }

  #failure(error: unknown): Error {
    return failure(error, this.#directory, this.path)
  }
}
