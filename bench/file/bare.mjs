// @ts-check
// SQLite without Leasehold: the two smallest transactions that could form a lock, through the driver and with the
// settings of the file backend (src/backends/file/open-store.ts).
import { join } from 'node:path'

const built = new URL('../../dist/backends/file/driver.js', import.meta.url)
const { loadDriver } = /** @type {typeof import('../../src/backends/file/driver.ts')} */ (
  await import(built.href)
)

const settings = `
  PRAGMA busy_timeout = 100;
  PRAGMA page_size = 1024;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE claims (name TEXT PRIMARY KEY, session TEXT NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;`

/**
 * One cycle of BEGIN IMMEDIATE, INSERT, COMMIT and BEGIN IMMEDIATE, DELETE, COMMIT, all of them prepared.
 *
 * @param {string} directory
 */
export async function bareTransactions(directory) {
  const driver = await loadDriver()
  const database = driver.open(join(directory, 'bare.db'))
  database.exec(settings)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const insert = database.prepare('INSERT INTO claims VALUES (?, ?, ?)')
  const remove = database.prepare('DELETE FROM claims WHERE name = ? AND session = ?')
  const run = () => {
    begin.all()
    insert.all('bench', '1f2e3d4c5b6a7988', '{"host":"somewhere","pid":12345}')
    commit.all()
    begin.all()
    remove.all('bench', '1f2e3d4c5b6a7988')
    commit.all()
  }
  return { driver: driver.name, run, close: () => database.close() }
}
