// SQLite's log stays short, and only one process at a time copies it into the database: two at once can lose commits in
// SQLite up to 3.51.2.
import { lstatSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Database, loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { Log, settings } from '../../../src/backends/file/log.ts'
import { connect } from '../../../src/connect.ts'
import { Child, useThings } from './processes.ts'

const megabyte = 2 ** 20
const things = useThings()
const databases: Database[] = []

afterEach(() => {
  for (const database of databases.splice(0)) database.close()
})

async function open(path: string): Promise<Database> {
  const database = (await loadDriver()).open(path)
  databases.push(database)
  return database
}

/** A store with a client that stays, so that no other process is the last one and empties the log at its end. */
async function storeWithClient() {
  const directory = things.directory()
  const client = await connect(file({ directory }))
  await (await client.mutex('a').acquire()).release()
  const path = join(directory, 'leasehold.db')
  return { directory, path, client, logBytes: () => lstatSync(`${path}-wal`).size }
}

/** Runs `each` cycles in each of several processes at once, with a name per process. A cycle writes 3 KB of log. */
async function cycles(directory: string, processes: number, each: number): Promise<void> {
  const working = Array.from(
    { length: processes },
    (_, index) => new Child(things.built, directory, 15_000, 'cycles', `name ${index}`, each),
  )
  things.children.push(...working)
  for (const child of working) {
    expect(await child.said('lost')).toEqual(['lost', '0'])
    expect(await child.exited()).toBe(0)
  }
}

/** The largest size that `bytes` had while `work` was under way. */
async function largest(bytes: () => number, work: Promise<unknown>): Promise<number> {
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, bytes())
  }, 5)
  await work.finally(() => clearInterval(timer))
  return Math.max(most, bytes())
}

test('the log stays short while four processes write all the time', async () => {
  const { directory, client, logBytes } = await storeWithClient()
  const most = await largest(logBytes, cycles(directory, 4, 1_000)) // 12 MB of log, if nothing were copied
  expect(most).toBeLessThan(6 * megabyte)
  expect(most).toBeGreaterThan(megabyte / 2) // it is not copied at every commit
  await client.close()
})

test('a reader in a transaction lets the log grow and holds nobody up; once it ends, the log shrinks', async () => {
  const { directory, path, client, logBytes } = await storeWithClient()
  const reader = await open(path)
  reader.exec('BEGIN')
  reader.exec('SELECT 1 FROM claims')
  await cycles(directory, 2, 1_000)
  expect(logBytes()).toBeGreaterThan(2 * megabyte)

  reader.exec('ROLLBACK')
  await cycles(directory, 1, 400)
  expect(logBytes()).toBeLessThan(1.5 * megabyte)
  await client.close()
})

test('while one process has the lock for it, no other one copies the log', async () => {
  const { directory, path, client, logBytes } = await storeWithClient()
  const lock = await open(`${path}-copying`)
  lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  const before = statSync(path)
  await cycles(directory, 2, 1_000)
  expect(logBytes()).toBeGreaterThan(2 * megabyte)
  expect(statSync(path)).toMatchObject({ mtimeMs: before.mtimeMs, size: before.size })

  lock.exec('ROLLBACK')
  await cycles(directory, 1, 400)
  expect(statSync(path).mtimeMs).toBeGreaterThan(before.mtimeMs)
  expect(logBytes()).toBeLessThan(1.5 * megabyte)
  await client.close()
  expect(statSync(`${path}-copying`).size).toBe(0)
  const files = ['leasehold.db', 'leasehold.db-copying', 'leasehold.db-shm', 'leasehold.db-wal', 'sessions']
  expect(files).toEqual(expect.arrayContaining(readdirSync(directory)))
})

/** A log of 8 MB that was copied to its end, over a database that records its calls. */
async function longLog() {
  const path = join(things.directory(), 'a.db')
  const [real, other] = [await open(path), await open(path)]
  real.exec(
    `PRAGMA journal_mode = WAL; ${settings}; CREATE TABLE sessions (id TEXT PRIMARY KEY, ttl, renewals)`,
  )
  real.exec("INSERT INTO sessions VALUES ('long', hex(zeroblob(4000000)), 0)")
  real.exec('PRAGMA wal_checkpoint(PASSIVE)')
  const said: string[] = []
  const note = (who: string, database: Pick<Database, 'exec'>): Database => ({
    ...real,
    exec: (sql) => {
      said.push(`${who}: ${sql.trim().split(/\s+/).slice(0, 2).join(' ')}`)
      database.exec(sql)
    },
  })
  const versionOfOther = () => other.prepare('PRAGMA data_version').all()[0]?.data_version
  return { path, said, note, real, other, versionOfOther }
}

test('each copy starts with a commit, so that no other process can begin the log anew meanwhile', async () => {
  const { path, said, note, real, versionOfOther } = await longLog()
  const version = versionOfOther()
  const lock = await open(`${path}-copying`)
  const log = new Log(path, () => ({ ...note('lock', lock), close: () => said.push('lock: closed') }))
  log.committed(note('store', real))
  expect(said).toEqual([
    'lock: PRAGMA journal_mode',
    'store: BEGIN IMMEDIATE;',
    'store: PRAGMA wal_checkpoint(PASSIVE)',
    'store: BEGIN IMMEDIATE;',
    'store: PRAGMA wal_checkpoint(TRUNCATE)',
    'lock: ROLLBACK',
    'lock: closed',
  ])
  expect(versionOfOther()).not.toBe(version) // the commit wrote a page
  expect(real.prepare('SELECT count(*) AS sessions FROM sessions').all()).toEqual([{ sessions: 1n }])
})

test('a process that finds the lock taken, or another writer at work, copies nothing and throws nothing', async () => {
  const { path, said, note, real, other } = await longLog()
  writeFileSync(`${path}-copying`, '')
  const taken = await open(`${path}-copying`)
  taken.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  const driver = await loadDriver()
  const log = new Log(path, () => driver.open(`${path}-copying`))
  log.committed(note('store', real))
  expect(said).toEqual([])

  taken.exec('ROLLBACK')
  other.exec('BEGIN IMMEDIATE')
  for (let commits = 0; commits < 32; commits += 1) log.committed(note('store', real))
  expect(said).toEqual(['store: BEGIN IMMEDIATE;', 'store: ROLLBACK'])
  other.exec('ROLLBACK')
  for (let commits = 0; commits < 32; commits += 1) log.committed(note('store', real))
  expect(said.at(-1)).toBe('store: PRAGMA wal_checkpoint(TRUNCATE)')
})
