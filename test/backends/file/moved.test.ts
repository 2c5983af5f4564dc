// A store whose folder or files are moved, deleted or replaced while clients use it: no two hold, and all go on.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Hold } from '../../../src/api/hold.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { type Driver, loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { openStore } from '../../../src/backends/file/open-store.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { HoldLostError } from '../../../src/base/errors.ts'
import { connect } from '../../../src/connect.ts'
import { emptyDirectory, remove } from './processes.ts'

let directory: string
const clients: Leasehold[] = []

beforeEach(() => {
  directory = emptyDirectory()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  remove(directory, `${directory}.old`)
})

async function open(ttlMs = 86_400_000): Promise<Leasehold> {
  const client = await connect(file({ directory }), { ttlMs })
  clients.push(client)
  return client
}

/** A client with some holds, which renews only in eight hours. */
async function holder(): Promise<{ client: Leasehold; holds: Hold[] }> {
  const client = await open()
  const holds: Hold[] = []
  for (const name of ['job', 'second', 'third']) holds.push(await client.mutex(name).acquire())
  return { client, holds }
}

const ways: Record<string, () => void> = {
  moved: () => renameSync(directory, `${directory}.old`),
  deleted: () => rmSync(directory, { recursive: true }),
  'replaced by a new folder': () => {
    renameSync(directory, `${directory}.old`)
    execFileSync('cp', ['-r', `${directory}.old`, directory])
    rmSync(join(directory, 'sessions'), { recursive: true })
  },
}

describe.each(Object.keys(ways))('a folder that is %s under a holder', (way) => {
  test('is noticed by every call: verify, checkpoint and acquire do not succeed in the old one', async () => {
    const { client, holds } = await holder()
    const [first, second] = holds
    ways[way]?.()
    await expect(first?.verify()).rejects.toThrow(HoldLostError)
    await expect(second?.checkpoint('page 7')).rejects.toThrow(HoldLostError)
    const other = await open()
    const held = await other.mutex('job').acquire()
    expect(await client.mutex('job').tryAcquire()).toBeUndefined()
    const next = client.mutex('job').acquire()
    await held.release()
    await (await next).verify()
    expect(holds.map(({ held }) => held)).toEqual([false, false, false])
  })

  test('is noticed by a holder that makes no call, before its next renewal', async () => {
    const client = await open(6_000) // it begins to look after 600 ms, and renews after 1.8 s at the earliest
    const hold = await client.mutex('job').acquire()
    const began = performance.now()
    ways[way]?.()
    await new Promise((resolve) => hold.signal.addEventListener('abort', resolve, { once: true }))
    expect(performance.now() - began).toBeLessThan(1_600)
  })

  test('deletes no file of the folder that is there now', async () => {
    const { client } = await holder()
    ways[way]?.()
    const other = await open()
    await other.mutex('job').acquire()
    const before = readdirSync(join(directory, 'sessions'))
    expect(before).toHaveLength(1)
    await client.close()
    expect(readdirSync(join(directory, 'sessions'))).toEqual(before)
    expect(await (await open()).mutex('job').tryAcquire()).toBeUndefined()
  })
})

test('a folder of sessions that is deleted ends the holds at once', async () => {
  const { holds } = await holder()
  rmSync(join(directory, 'sessions'), { recursive: true })
  await expect(holds[0]?.verify()).rejects.toThrow(HoldLostError)
})

test('if only the database is deleted, new clients get an error that says why, and work once the old ones have noticed', async () => {
  const { client, holds } = await holder()
  const { signal } = holds[0] as Hold
  rmSync(join(directory, 'leasehold.db'))
  await expect(open()).rejects.toThrow('leasehold.db was deleted while processes that use it go on')
  expect(existsSync(join(directory, 'leasehold.db'))).toBe(false)
  expect(signal.aborted).toBe(false)
  await expect(holds[0]?.verify()).rejects.toThrow(HoldLostError)
  expect(await (await open()).mutex('job').tryAcquire()).toBeDefined()
  expect(await client.mutex('job').tryAcquire()).toBeUndefined()
})

test('an older copy of the database in its place gives out no token that a live client already has', async () => {
  const client = await open()
  const lock = client.mutex('job')
  await (await lock.acquire()).release()
  execFileSync('cp', ['-r', directory, `${directory}.old`])
  let last = 0n
  for (let count = 0; count < 200; count += 1) {
    const hold = await lock.acquire()
    last = hold.token
    await hold.release()
  }
  const database = (await loadDriver()).open(join(directory, 'leasehold.db'))
  database.exec(`UPDATE claims SET permits = 2 WHERE name = ''; UPDATE tokens SET bound = 2`)
  database.close()
  const hold = await lock.acquire()
  expect(hold.token).toBeGreaterThan(last)
  await hold.release()
  expect((await (await open()).mutex('job').acquire()).token).toBeGreaterThan(hold.token)
})

test('a database without the row of a session that lives is not used: two would hold', async () => {
  const { holds } = await holder()
  const database = (await loadDriver()).open(join(directory, 'leasehold.db'))
  database.exec(`DELETE FROM sessions; DELETE FROM claims WHERE name > ''`)
  database.close()
  await expect(open()).rejects.toThrow(
    'was replaced, perhaps by an older copy, while processes that use it go on',
  )
  await expect(holds[0]?.verify()).rejects.toThrow(HoldLostError)
})

test('no error asks to move a database away that another process is just creating', async () => {
  const real = await loadDriver()
  const clock = systemClock()
  const others: ReturnType<typeof openStore>[] = []
  const driver: Driver = {
    ...real,
    open(path) {
      const database = real.open(path)
      const prepare: typeof database.prepare = (sql) => {
        const statement = database.prepare(sql)
        if (!sql.includes('application_id')) return statement
        return {
          all: (...values) => {
            const rows = statement.all(...values)
            if (others.length === 0) others.push(openStore(clock, real, directory)) // as far as it comes at once
            return rows
          },
        }
      }
      return { ...database, exec: (sql) => database.exec(sql), close: () => database.close(), prepare }
    },
  }
  const opened = await Promise.all([openStore(clock, driver, directory), ...others])
  opened.push(...(await Promise.all(others)))
  expect(others).toHaveLength(1)
  for (const { store } of opened) store.close()
})
