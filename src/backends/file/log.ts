// Keeps SQLite's log short: copies it into the database, which SQLite calls a checkpoint. Owns when that happens, and in
// which process. connection.ts tells each commit.
//
// SQLite from 3.7.0 to 3.51.2 can lose commits (sqlite.org/wal.html, "WAL-reset bug"): one checkpoint has copied all of
// the log, a second one starts, and a commit of a third process begins the log anew at that moment. So SQLite makes no
// checkpoint by itself here. One process at a time does, under a lock of its own, and commits something first. Then the
// log has more than was ever copied, so no other process can begin it anew before this checkpoint ends.
import { lstatSync } from 'node:fs'
import type { Database } from './driver.ts'

/** From this size on, the log is copied. It has about 350 cycles of acquire and release then. */
const mostBytes = 1_048_576
/** From this size on, writers have to wait for the copy: on a busy store the log would never be copied to its end. */
const farTooMany = 4 * mostBytes
/** How often a process looks at the size of the log, in its own commits. */
const commitsPerLook = 32

/** The settings of a connection: no checkpoint by itself, and a log that shrinks when it begins anew. */
export const settings: string = `PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${mostBytes / 2}`

/** A commit that leaves no row behind. SQLite writes no page for an update that changes nothing. */
const emptyChange = `
  BEGIN IMMEDIATE;
  INSERT INTO sessions VALUES ('', 1, 0); DELETE FROM sessions WHERE id = '';
  COMMIT`

/** The log of one connection. */
export class Log {
  readonly #path: string
  readonly #openLock: () => Database
  #commits = commitsPerLook - 1 // a process that commits seldom looks at its first one
  #next = mostBytes

  /** `openLock` opens the file whose lock lets only one process at a time make a checkpoint. */
  constructor(database: string, openLock: () => Database) {
    this.#path = `${database}-wal`
    this.#openLock = openLock
  }

  /**
   * Call it after each commit, outside of transactions. Mostly it costs nothing. About once per MB of log it copies the log,
   * and waits for the disk. If it cannot, for any reason, a later commit tries again: it never throws.
   */
  committed(database: Database): void {
    this.#commits += 1
    if (this.#commits % commitsPerLook !== 0) return
    const bytes = lstatSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
    if (bytes < mostBytes) this.#next = mostBytes
    if (bytes < this.#next) return
    try {
      this.#copy(database, bytes > farTooMany)
      this.#next = bytes + mostBytes // unless it begins anew: then it shrinks
    } catch {
      // Another process copies or writes at this moment, or the disk is full: the next caller that writes is told.
    }
  }

  #copy(database: Database, mayStopWriters: boolean): void {
    const lock = this.#openLock()
    try {
      lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
      copyOnce(database, 'PASSIVE')
      if (mayStopWriters) copyOnce(database, 'TRUNCATE')
      lock.exec('ROLLBACK')
    } finally {
      lock.close()
    }
  }
}

function copyOnce(database: Database, mode: 'PASSIVE' | 'TRUNCATE'): void {
  try {
    database.exec(emptyChange)
  } catch (error) {
    rollBack(database)
    throw error
  }
  database.exec(`PRAGMA wal_checkpoint(${mode})`)
}

function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // BEGIN had failed: no transaction is open.
  }
}
