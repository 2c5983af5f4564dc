// How many statements and looks at files a client of the embedded store needs, where they must not grow with its holds or with
// the sessions next to it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { FileBackend } from '../../../src/backends/file/backend.ts'
import { type Database, type Driver, loadDriver } from '../../../src/backends/file/driver.ts'
import { openStore } from '../../../src/backends/file/open-store.ts'
import * as sql from '../../../src/backends/file/sql.ts'
import { connect, type Leasehold } from '../../../src/index.ts'
import { ManualClock, settle } from '../../core/manual-clock.ts'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'leasehold-counts-'))
  directories.push(directory)
  return directory
}

/** A binding that counts the statements by their text, and the files that are opened to read. */
class Counting {
  readonly asked = new Map<string, number>()
  reads = 0
  /** Transactions that were begun by a statement of their own. */
  begun = 0

  times(text: string): number {
    return this.asked.get(text) ?? 0
  }

  driver(real: Driver): Driver {
    return {
      name: real.name,
      open: (path) => this.#counted(real.open(path)),
      openToRead: (path) => {
        this.reads += 1
        return real.openToRead(path)
      },
    }
  }

  #counted(database: Database): Database {
    return {
      ...database,
      exec: (text) => {
        if (text === 'BEGIN IMMEDIATE') this.begun += 1
        database.exec(text)
      },
      prepare: (text) => {
        const statement = database.prepare(text)
        return {
          all: (...values) => {
            this.asked.set(text, this.times(text) + 1)
            return statement.all(...values)
          },
        }
      },
    }
  }
}

/** A client of the directory, and what it asks. */
async function counted(directory: string, clock: ManualClock): Promise<[Leasehold, Counting]> {
  const counting = new Counting()
  const driver = counting.driver(await loadDriver())
  const open = () => openStore(clock, driver, directory)
  const backend = new FileBackend(clock, directory, await open(), open)
  const client = await connect({ url: 'file:', open: async () => backend }, { clock, ttlMs: 12_000 })
  return [client, counting]
}

const names = Array.from({ length: 200 }, (_, index) => `held-${index}`)

test('two hundred holds at rest are looked after by one statement each time that the database was changed', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const [client, counting] = await counted(directory, clock)
  const [other] = await counted(directory, clock)
  await Promise.all(names.map((name) => client.mutex(name).acquire()))
  await clock.advance(1_500)
  await settle()
  counting.asked.clear()
  const hold = await other.mutex('unrelated').acquire()
  await clock.advance(300)
  await hold.release()
  await clock.advance(300)
  expect(counting.times(sql.ticketsOf)).toBe(2)
  expect(counting.times(sql.place)).toBe(0)
  await Promise.all([client.close(), other.close()])
})

test('a hold that an operator breaks is lost within its next look, and the other two hundred are not', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const [client] = await counted(directory, clock)
  const [other] = await counted(directory, clock)
  const holds = await Promise.all(names.map((name) => client.mutex(name).acquire()))
  const [first, ...rest] = holds
  await clock.advance(1_500)
  expect(await other.break('held-0', first?.token ?? 0n)).toBe(true)
  expect(first?.held).toBe(true)
  await clock.advance(300)
  await settle()
  expect(first?.held).toBe(false)
  expect(rest.every(({ held }) => held)).toBe(true)
  await Promise.all([client.close(), other.close()])
})

test('close with two hundred holds removes them in one step, and each is free for the next client', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const [client, counting] = await counted(directory, clock)
  const [other] = await counted(directory, clock)
  const holds = await Promise.all(names.map((name) => client.mutex(name).acquire()))
  const waiting = other.mutex('held-7').acquire()
  await settle()
  await client.close()
  expect(holds.some(({ held }) => held)).toBe(false)
  expect(counting.times(sql.leaveMutex)).toBe(0)
  expect(counting.times(sql.removeClaims)).toBe(1)
  await clock.advance(300)
  expect((await waiting).held).toBe(true)
  expect((await other.survey()).map(({ name }) => name)).toEqual(['held-7'])
  await other.close()
})

test('a session that is opened next to forty others looks at the files of four of them', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const clients: Leasehold[] = []
  let reads = 0
  for (let opened = 0; opened < 40; opened += 1) {
    const [client, counting] = await counted(directory, clock)
    clients.push(client)
    reads = counting.reads
  }
  expect(reads).toBe(4)
  await Promise.all(clients.map((client) => client.close()))
})

test('ten callers of one client who queue for a name take nine transactions to hand it on', async () => {
  const [client, counting] = await counted(emptyDirectory(), new ManualClock())
  const mutex = client.mutex('queued')
  const hold = await mutex.acquire()
  const turns = Array.from({ length: 9 }, () => mutex.run(({ token }) => token))
  await settle()
  const before = counting.begun
  await hold.release()
  const tokens = await Promise.all(turns)
  expect(new Set([hold.token, ...tokens]).size).toBe(10)
  expect(tokens).toEqual([...tokens].sort((one, other) => Number(one - other)))
  expect(counting.times(sql.leaveMutex)).toBe(10)
  expect(counting.begun - before).toBeGreaterThanOrEqual(9) // the last release has one of its own only with libsql
  expect(counting.begun - before).toBeLessThanOrEqual(10)
  await client.close()
})

test('a caller of another client who waits is woken by the turn of the next local caller, and goes first', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()] // no look comes: the clock stands
  const [client] = await counted(directory, clock)
  const [other] = await counted(directory, clock)
  const mutex = client.mutex('shared')
  const hold = await mutex.acquire()
  const theirs = other.mutex('shared').acquire()
  const inLine = async () => (await client.survey('shared'))[0]?.claims.length
  await expect.poll(inLine).toBe(2)
  const next = mutex.acquire()
  await hold.release()
  await (await theirs).release()
  await (await next).release()
  await Promise.all([client.close(), other.close()])
})

test('a client that waits again behind one that it has just seen alive joins by one statement, and reads no more until it is woken', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const [client, counting] = await counted(directory, clock)
  const [other] = await counted(directory, clock)
  for (const turn of [1, 2]) {
    const hold = await other.mutex('shared').acquire()
    counting.asked.clear()
    const waiting = client.mutex('shared').acquire()
    await settle()
    const asked = [sql.joinMutex, sql.placeInMutex, sql.sessionsAhead].map((text) => counting.times(text))
    expect(asked).toEqual(turn === 1 ? [1, 1, 1] : [1, 0, 0])
    await hold.release()
    await (await waiting).release()
  }
  await Promise.all([client.close(), other.close()])
})
