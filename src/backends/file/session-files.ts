// Who is alive, by the kernel's word. Each session has a file of its own on which its process keeps an
// exclusive lock; the kernel drops it when the process ends, however it ends, in whatever pid namespace,
// and at a reboot. Owns these files and those by which a waiter is woken; what a death means is decided
// elsewhere.
//
// A POSIX lock is lost as soon as its process closes *any* descriptor of the file. SQLite keeps watch over
// its own descriptors, so nothing but SQLite may ever open a session's file; a wake file is another file
// for this reason.
import { closeSync, openSync, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, type Driver, resultCode } from './driver.ts'

const busy = 5

/** The files of one client's sessions, and what can be seen of the others'. */
export class SessionFiles {
  readonly #driver: Driver
  readonly #directory: string
  readonly #locks = new Map<string, Database>()

  constructor(driver: Driver, directory: string) {
    this.#driver = driver
    this.#directory = join(directory, 'sessions')
  }

  /**
   * Makes the session's file and locks it. Only in a write transaction of the store, as is `remove`: nobody
   * then finds the file before it is locked.
   */
  lock(session: string): void {
    const database = this.#driver.open(this.#lockPath(session))
    this.#locks.set(session, database)
    // A journal in memory leaves no second file behind; without any write, nothing is journalled anyway.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  }

  /**
   * Whether the session's process is gone. Costs about 30 µs (libsql: 70). Readers share their lock, so
   * many may look at once. When it cannot be told, it counts as alive, and its time to live decides.
   */
  isDead(session: string): boolean {
    if (this.#locks.has(session)) return false
    const path = this.#lockPath(session)
    try {
      readOnce(this.#driver.openToRead(path))
      return true
    } catch (error) {
      return resultCode(error) !== busy && !statSync(path, { throwIfNoEntry: false })
    }
  }

  /** Unlocks the session's file, if it is ours, and removes it. */
  remove(session: string): void {
    this.#unlock(session)
    for (const path of [this.#lockPath(session), this.wakePath(session)]) unlinkQuietly(path)
  }

  /** Removes what dead processes left. Only in a write transaction in which no session is there. */
  removeAll(): void {
    for (const name of readdirSync(this.#directory)) unlinkQuietly(join(this.#directory, name))
  }

  /** Makes the file that others write to in order to wake the session. */
  makeWakeFile(session: string): void {
    closeSync(openSync(this.wakePath(session), 'a'))
  }

  /**
   * Wakes whoever watches the session's wake file. If that fails, the waiter's own look comes a little
   * later.
   */
  wake(session: string): void {
    try {
      const descriptor = openSync(this.wakePath(session), 'r+')
      writeSync(descriptor, '.', 0)
      closeSync(descriptor)
    } catch {
      // Not there: it does not wait, or is gone.
    }
  }

  wakePath(session: string): string {
    return join(this.#directory, `${session}.wake`)
  }

  /** Unlocks all sessions, which frees what they hold, and removes their files. */
  close(): void {
    for (const session of [...this.#locks.keys()]) this.remove(session)
  }

  #unlock(session: string): void {
    const database = this.#locks.get(session)
    this.#locks.delete(session)
    try {
      database?.exec('ROLLBACK')
    } catch {
      // It was not locked yet: what failed was the locking.
    }
    database?.close()
  }

  #lockPath(session: string): string {
    return join(this.#directory, `${session}.db`)
  }
}

function readOnce(database: Database): void {
  try {
    database.prepare('SELECT 1 FROM sqlite_master').all()
  } finally {
    database.close()
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Not there; or open somewhere, on Windows, and the next client that comes alone removes it.
  }
}
