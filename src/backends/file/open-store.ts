// Makes the directory and the database ready, also when several processes start at once. Owns the schema
// and the connection's settings; what is asked of the tables is store.ts's.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Clock, pause } from '../../base/clock.ts'
import { ConflictError } from '../../base/errors.ts'
import { Connection } from './connection.ts'
import { type Database, type Driver, resultCode } from './driver.ts'
import { failure } from './failure.ts'
import { Store } from './store.ts'

/** 'LSHD', in the header of the database file: what tells our file from anybody else's. */
const applicationId = 0x4c534844
const schemaVersion = 1
const patienceMs = 5_000
const busy = 5

/**
 * How long a statement waits for another process's transaction, which takes far less. Blocks the event
 * loop.
 */
const busyTimeoutMs = 100

/**
 * Frames of the write-ahead log are whole pages: small ones make a transaction cheaper, and so does it to
 * keep the counter in `claims`, as the `permits` of the claim without name, which mostly lies in the page
 * that is written anyway. `ticket` gives both the order and the token. The trigger counts in the statement
 * that joins, so that one statement is a whole transaction.
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
 * Opens the database, and creates it where it is missing. Goes on for 5 s while others keep it locked.
 * Rejects with RefusedError, ConflictError (the file is left as it is) or UnavailableError.
 */
export async function openStore(clock: Clock, driver: Driver, directory: string): Promise<Store> {
  const { signal } = new AbortController()
  for (let waitedMs = 0; ; ) {
    try {
      return openOnce(driver, directory)
    } catch (error) {
      const isBusy = error instanceof Error && resultCode(error.cause) === busy
      if (!isBusy || waitedMs >= patienceMs) throw error
    }
    const restMs = 20 + 60 * clock.random()
    await pause(clock, restMs, signal)
    waitedMs += restMs + busyTimeoutMs
  }
}

function openOnce(driver: Driver, directory: string): Store {
  const path = join(directory, 'leasehold.db')
  let database: Database | undefined
  try {
    makeDirectory(directory)
    database = driver.open(path)
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    if (!isOurs(database, path)) create(database, path)
    // On macOS a commit reaches the disk only with these two; elsewhere they mean nothing.
    database.exec('PRAGMA synchronous = NORMAL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1')
    return new Store(new Connection(database, directory))
  } catch (error) {
    database?.close()
    throw failure(error, directory, path)
  }
}

/** Whether the database has our tables. An empty one has nobody's; any other is left alone. */
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

/**
 * Syncs what it makes, so that a power cut cannot take the database, and its counter, along with its
 * directory.
 */
function makeDirectory(directory: string): void {
  if (existsSync(join(directory, 'sessions'))) return
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  mkdirSync(join(directory, 'sessions'), { recursive: true })
  if (process.platform === 'win32') return
  for (const path of [directory, dirname(directory)]) syncDirectory(path)
}

function syncDirectory(path: string): void {
  try {
    const descriptor = openSync(path, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
  } catch {
    // A parent that this user may not read, or a file system without it: the directory is there all the same.
  }
}
