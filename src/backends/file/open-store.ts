// Prepares the directory and the database, even if several processes start at once. Owns the schema and the
// connection's settings; store.ts asks the tables.
import { join } from 'node:path'
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import { ConflictError, UnavailableError } from '../../base/errors.ts'
import { Connection } from './connection.ts'
import type { Database, Driver } from './driver.ts'
import { failure, isLocked } from './failure.ts'
import { Folder, isPlain } from './folder.ts'
import { Log, settings } from './log.ts'
import { SessionFiles } from './session-files.ts'
import { Store } from './store.ts'

/** A store that is open. */
export interface Opened {
  readonly store: Store
  readonly files: SessionFiles
}

/** 'LSHD', in the header of the database file. It marks the file as ours. */
const applicationId = 0x4c534844
const schemaVersion = 1
const patienceMs = 5_000

/**
 * The tables. SQLite logs whole pages, so small pages make a transaction cheaper. For the same reason the counter of
 * the tickets is a row of `claims`: the `permits` of the claim without a name, mostly in a page that is written anyway.
 * `ticket` gives both the order and the token. A trigger counts, so that the one statement that joins is a whole
 * transaction.
 */
const schema = `
  CREATE TABLE sessions (id TEXT PRIMARY KEY, ttl INTEGER NOT NULL, renewals INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE claims (
    name TEXT, ticket INTEGER, session TEXT NOT NULL, id TEXT NOT NULL, permits INTEGER NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (name, ticket)
  ) WITHOUT ROWID;
  INSERT INTO claims VALUES ('', 0, '', '', 0, 'counts the tickets: never delete this row');
  CREATE TRIGGER count_tickets AFTER INSERT ON claims
    BEGIN UPDATE claims SET permits = NEW.ticket WHERE name = '' AND ticket = 0; END;
  CREATE TABLE tokens (one INTEGER PRIMARY KEY CHECK (one = 1), bound INTEGER NOT NULL);
  INSERT INTO tokens VALUES (1, 0);
  CREATE TABLE checkpoints (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};`

/**
 * Opens the store, and creates it if it is missing. Tries for 5 s if other processes keep the database locked. Rejects
 * with RefusedError, ConflictError (then nothing is changed) or UnavailableError.
 */
export async function openStore(clock: Clock, driver: Driver, directory: string): Promise<Opened> {
  const { signal } = new AbortController()
  const since = clock.mark()
  for (;;) {
    try {
      return openOnce(clock, driver, directory)
    } catch (error) {
      if (!isLocked(error) || leastElapsedMs(since, clock.mark()) >= patienceMs) throw error
    }
    await pause(clock, 5 + 15 * clock.random(), signal)
  }
}

function openOnce(clock: Clock, driver: Driver, directory: string): Opened {
  try {
    const folder = new Folder(directory)
    const files = new SessionFiles(clock, driver, folder)
    if (folder.hasLeftOvers()) removeLeftOvers(folder, files)
    if (!isPlain(folder.database)) createFile(folder, folder.database)
    const open = (): Database => openDatabase(driver, folder.database)
    const log = new Log(folder.database, () => openEmpty(driver, folder))
    return { files, store: new Store(new Connection(open, directory, folder.database, log)) }
  } catch (error) {
    throw failure(error, directory, join(directory, 'leasehold.db'))
  }
}

/**
 * Deletes the log files of a deleted database, since with them every new process gets "disk I/O error". Throws if a
 * process still uses that database and its log.
 */
function removeLeftOvers(folder: Folder, files: SessionFiles): void {
  const alive = folder.sessionsThere().find((session) => !files.isDead(session))
  if (alive === undefined) {
    folder.removeLeftOvers()
    return
  }
  const why = 'was deleted while processes that use it go on'
  throw new UnavailableError(`${folder.database} ${why}: end them, or wait until they have noticed it`)
}

/** The file whose lock means that its process copies the log. */
function openEmpty(driver: Driver, folder: Folder): Database {
  if (!isPlain(folder.copying)) createFile(folder, folder.copying)
  return driver.open(folder.copying)
}

/** Creates a file for SQLite, which would create it with another mode, and through a link. */
function createFile(folder: Folder, path: string): void {
  try {
    folder.create(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // else another process was faster
  }
}

function openDatabase(driver: Driver, path: string): Database {
  const database = driver.open(path)
  try {
    database.exec('PRAGMA busy_timeout = 0') // SQLite's own wait would stop the event loop: see patience.ts
    if (!inSnapshot(database, () => isOurs(database, path))) create(database, path)
    // On macOS a commit reaches the disk only with these two; elsewhere they mean nothing.
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1')
    database.exec(settings)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Asks several questions in one snapshot, since another process may be creating the tables at this moment. */
function inSnapshot<T>(database: Database, ask: () => T): T {
  database.exec('BEGIN')
  try {
    database.exec('SELECT 1 FROM sqlite_master') // the view begins with the first read
    return ask()
  } finally {
    database.exec('ROLLBACK')
  }
}

/**
 * Whether the database has our tables; false if it is empty. Throws ConflictError for any other database, and changes
 * nothing. Only in a transaction.
 */
function isOurs(database: Database, path: string): boolean {
  const number = (pragma: string): number =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).all()[0] ?? {})[0])
  const id = number('application_id')
  if (id === applicationId && number('user_version') === schemaVersion) return true
  if (id === 0 && number('schema_version') === 0) return false
  const what =
    id === applicationId ? 'was made by another version of Leasehold' : 'is not a database of Leasehold'
  throw new ConflictError(`${path} ${what}: move it away, or choose another directory`)
}

function create(database: Database, path: string): void {
  database.exec('PRAGMA page_size = 1024')
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('BEGIN IMMEDIATE')
  try {
    if (!isOurs(database, path)) database.exec(schema) // another process may have been faster
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
