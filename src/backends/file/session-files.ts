// Finds out by the kernel's locks which sessions are alive. Each session has a file on which its process keeps an
// exclusive lock. The kernel drops the lock when the process ends in any way, in any pid namespace, and at a reboot.
// Owns these files and the wake files of waiters; other files decide what a death means.
//
// A POSIX lock is lost as soon as its process closes *any* descriptor of the file. SQLite keeps watch over its own
// descriptors, so only SQLite may ever open a session's file. For this reason a wake file is a separate file.
import { closeSync, type FSWatcher, fstatSync, lstatSync, type Stats, watch, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, type Mark, machineMark, mostElapsedMs } from '../../base/clock.ts'
import { UnavailableError } from '../../base/errors.ts'
import { type Database, type Driver, isBusy } from './driver.ts'
import { moved, restored } from './failure.ts'
import { type Folder, isPlain, isSameFile, plainFile } from './folder.ts'
import { isStillLocked, lockedDescriptor } from './kernel-locks.ts'
import { keptUntilMs } from './layout.ts'

interface Lock {
  readonly database: Database
  readonly file: Stats
  /** SQLite's descriptor of the file, where the system tells its locks. */
  readonly descriptor: string | undefined
}

/** A connection to the file of another process, and when that was found locked. */
interface Reader extends Pick<Lock, 'database' | 'file'> {
  aliveAt?: Mark
}

/** The most connections that are kept to look at files of others. */
const readersMost = 8
/** How long `wasJustAlive` relies on a look, in ms: as long as a waiter's pause between two looks. */
const justMs = 25

/** The files of one client's sessions, and looks at the files of other clients. */
export class SessionFiles {
  readonly #driver: Driver
  readonly #folder: Folder
  readonly #locks = new Map<string, Lock>()
  /** Connections to files that were found locked: to open one costs eight times a look, and a waiter looks again soon. */
  readonly #readers = new Map<string, Reader>()
  readonly #clock: Clock

  constructor(clock: Clock, driver: Driver, folder: Folder) {
    this.#clock = clock
    this.#driver = driver
    this.#folder = folder
  }

  /**
   * Makes the session's file and locks it. Only in a write transaction of the store, as `remove`: so no other process
   * finds the file before it is locked.
   */
  lock(session: string): void {
    if (!this.#folder.isSame()) throw new UnavailableError(moved(this.#folder.sessions))
    const path = this.#lockPath(session)
    this.#folder.create(path)
    const database = this.#driver.open(path)
    const file = lstatSync(path)
    this.#locks.set(session, { database, file, descriptor: undefined })
    // A journal in memory leaves no second file behind; without any write, nothing is journalled anyway.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    this.#locks.set(session, { database, file, descriptor: lockedDescriptor(file) })
  }

  /** Whether this process has dropped its lock for a session, by closing another descriptor of the file. Costs about 30 µs. */
  isUnlocked(session: string): boolean {
    return !isStillLocked(this.#locks.get(session)?.descriptor)
  }

  /**
   * Takes the lock for a session again. Only in a write transaction of the store in which the session still stands: so no
   * other process removes it at this moment. If another process looks at the file just now, the next call takes it.
   */
  lockAgain(session: string): void {
    const database = this.#locks.get(session)?.database
    quietly(() => database?.exec('ROLLBACK'))
    quietly(() => database?.exec('BEGIN EXCLUSIVE'))
  }

  /**
   * Whether the file that we locked for a session is no longer at its path, where other processes look. Costs some
   * microseconds.
   */
  isLost(session: string): boolean {
    const lock = this.#locks.get(session)
    if (!lock) return false
    const stats = lstatSync(this.#lockPath(session), { throwIfNoEntry: false })
    return !stats || !isSameFile(lock.file, stats)
  }

  /**
   * Whether the session's process is gone. Costs about 50 µs (libsql: 150), and 10 (25) if it is asked again soon. Readers share their lock, so many processes
   * may look at once. If the file cannot be read, the session counts as alive, and its time to live decides.
   */
  isDead(session: string): boolean {
    return this.#look(session) === 'dead'
  }

  /**
   * Whether `isDead` found the session alive at most 25 ms ago. Costs a microsecond. Only for claims that wait, which ask
   * `isDead` at their next look.
   */
  wasJustAlive(session: string): boolean {
    const { aliveAt } = this.#readers.get(session) ?? {}
    return aliveAt !== undefined && mostElapsedMs(aliveAt, this.#clock.mark()) <= justMs
  }

  #look(session: string): 'alive' | 'dead' | 'unknown' {
    if (this.#locks.has(session)) return 'alive'
    const untilMs = keptUntilMs(session)
    if (untilMs !== undefined) return machineMark().wallMs < untilMs ? 'alive' : 'dead'
    const path = this.#lockPath(session)
    try {
      const file = plainFile(path)
      if (!file) return this.#found(session, 'dead')
      readOnce(this.#reader(session, path, file))
      return this.#found(session, 'dead')
    } catch (error) {
      if (isBusy(error)) return this.#foundAlive(session)
      return this.#found(session, lstatSync(path, { throwIfNoEntry: false }) ? 'unknown' : 'dead')
    }
  }

  /** A connection to the file that is at the path now. */
  #reader(session: string, path: string, file: Stats): Database {
    const known = this.#readers.get(session)
    if (known && isSameFile(known.file, file)) return known.database
    this.#closeReader(session)
    const [oldest] = this.#readers.size < readersMost ? [] : this.#readers.keys()
    if (oldest !== undefined) this.#closeReader(oldest)
    const database = this.#driver.openToRead(path)
    this.#readers.set(session, { database, file })
    return database
  }

  #foundAlive(session: string): 'alive' {
    const reader = this.#readers.get(session)
    if (reader) reader.aliveAt = this.#clock.mark()
    return 'alive'
  }

  /** Notes that there is nothing more to see in a session's file. */
  #found<T>(session: string, result: T): T {
    this.#closeReader(session)
    return result
  }

  #closeReader(session: string): void {
    this.#readers.get(session)?.database.close()
    this.#readers.delete(session)
  }

  /** Unlocks the session's file, if it is ours, and removes it. */
  remove(session: string): void {
    this.#unlock(session)
    this.#folder.remove(session)
  }

  /**
   * Removes the files of dead processes. Only in a write transaction in which there is no session. If a process still
   * has one, the database is a copy from before that session: throws UnavailableError.
   */
  removeAll(): void {
    for (const session of [...this.#locks.keys()]) this.remove(session) // a session of ours was over when this client asked for the next one
    const alive = this.#folder.sessionsThere().find((session) => this.#look(session) === 'alive')
    if (alive !== undefined) throw new UnavailableError(restored(this.#folder.database))
    this.#folder.removeAll()
  }

  /** Makes the wake file of a session, and calls `woken` when another process writes to it or deletes it. */
  watchWakeFile(session: string, woken: (event: string) => void): FSWatcher {
    const path = this.#wakePath(session)
    if (!isPlain(path)) this.#folder.create(path)
    return watch(path, woken)
  }

  /**
   * Wakes the process that watches the session's wake file. If that fails, the waiter's own look comes a little
   * later.
   */
  wake(session: string): void {
    try {
      const descriptor = this.#folder.openToWrite(this.#wakePath(session))
      const stats = fstatSync(descriptor)
      if (stats.isFile() && stats.nlink === 1 && stats.size <= 1) writeSync(descriptor, '.', 0)
      closeSync(descriptor)
    } catch {
      // There is no wake file: the session does not wait, or is gone.
    }
  }

  /** Unlocks all sessions, which frees what they hold, and removes their files. */
  close(): void {
    for (const session of [...this.#readers.keys()]) this.#closeReader(session)
    for (const session of [...this.#locks.keys()]) this.remove(session)
  }

  #unlock(session: string): void {
    const database = this.#locks.get(session)?.database
    this.#locks.delete(session)
    quietly(() => database?.exec('ROLLBACK')) // it fails if the locking had failed
    database?.close()
  }

  #lockPath(session: string): string {
    return join(this.#folder.sessions, `${session}.db`)
  }

  #wakePath(session: string): string {
    return join(this.#folder.sessions, `${session}.wake`)
  }
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // The caller says why that is no harm.
  }
}

/** Already the preparing meets the lock, so no statement is left behind. */
function readOnce(database: Database): void {
  database.prepare('SELECT 1 FROM sqlite_master').all()
}
