// Foreign files in the folder of the embedded backend: nothing that others made is deleted, changed or followed, and
// nothing that others wrote into the database is believed unchecked.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { connect } from '../../../src/connect.ts'
import { builtPackage } from '../../built.ts'
import { emptyDirectory, execute, isRoot, remove, tryAs } from './processes.ts'

let directory: string
const clients: Leasehold[] = []

beforeAll(() => void builtPackage()) // nothing can renew a hold while it compiles
beforeEach(() => {
  directory = emptyDirectory()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  remove(directory)
})

const path = (...names: string[]): string => join(directory, ...names)

async function open(where: string = directory): Promise<Leasehold> {
  const client = await connect(file({ directory: where }))
  clients.push(client)
  return client
}

/** Runs SQL on the database as another program would. */
async function inDatabase(...statements: string[]): Promise<void> {
  const database = (await loadDriver()).open(path('leasehold.db'))
  for (const statement of statements) database.exec(statement)
  database.close()
}

/** A store that was used, and that nobody uses now. */
async function usedStore(): Promise<void> {
  await (await connect(file({ directory }))).close()
}

/** All files below a folder, with what is in them. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile())
  const paths = files.map((each) => join(each.parentPath, each.name)).sort()
  return Object.fromEntries(paths.map((each) => [each, readFileSync(each, 'utf8')]))
}

const foreign = ['sess_abc', 'notes.txt', '0123456789abcdef.db', '0123456789abcdef.wake', '.hidden']

describe('files of others', () => {
  test('in a folder called sessions are left alone, and the folder is refused by its path', async () => {
    mkdirSync(path('sessions'))
    for (const name of foreign) writeFileSync(path('sessions', name), `theirs: ${name}`)
    const before = contents(directory)
    await expect(open()).rejects.toThrow(`${path('sessions')} has files that Leasehold did not make`)
    expect(contents(directory)).toEqual(before)
  })

  test('that appear in our folder of sessions survive the clean-up by the first client', async () => {
    await usedStore()
    for (const name of foreign) writeFileSync(path('sessions', name), `theirs: ${name}`)
    await (await open()).mutex('job').acquire()
    for (const name of foreign) expect(readFileSync(path('sessions', name), 'utf8')).toBe(`theirs: ${name}`)
  })

  test('behind a link in the place of the sessions are neither deleted nor joined', async () => {
    mkdirSync(path('victim'))
    for (const name of foreign) writeFileSync(path('victim', name), '')
    symlinkSync(path('victim'), path('sessions'))
    await expect(open()).rejects.toThrow(`${path('sessions')} is not a directory of Leasehold`)
    expect(readdirSync(path('victim')).sort()).toEqual([...foreign].sort())
  })

  test('behind a link that takes the place of the sessions later are not deleted', async () => {
    const client = await open()
    await client.mutex('job').acquire()
    const [own = ''] = readdirSync(path('sessions'))
    mkdirSync(path('victim'))
    writeFileSync(path('victim', own), '')
    rmSync(path('sessions'), { recursive: true })
    symlinkSync(path('victim'), path('sessions'))
    await client.close()
    expect(readdirSync(path('victim'))).toEqual([own])
  })

  test('are not created through a dangling link in the place of the database', async () => {
    symlinkSync(path('target'), path('leasehold.db'))
    await expect(open()).rejects.toThrow(`${path('leasehold.db')} is not a plain file`)
    expect(lstatSync(path('target'), { throwIfNoEntry: false })).toBeUndefined()
  })

  test('are not written through a link in the place of a wake file', async () => {
    const [one, two] = [await open(), await open()]
    const hold = await one.mutex('job').acquire()
    writeFileSync(path('victim'), 'theirs')
    for (const name of readdirSync(path('sessions')))
      symlinkSync(path('victim'), path('sessions', name.replace('.db', '.wake')))
    const next = two.mutex('job').acquire()
    await expect.poll(() => two.line('job')).toHaveLength(2)
    await hold.release()
    await next
    expect(readFileSync(path('victim'), 'utf8')).toBe('theirs')
  })
})

describe('text that others wrote into the database', () => {
  test('is never part of a path: an id with slashes deletes nothing, and is refused', async () => {
    await usedStore()
    mkdirSync(path('victim'))
    writeFileSync(path('victim', 'app.db'), '')
    await inDatabase(`INSERT INTO sessions VALUES ('../victim/app', 15000, 0)`)
    await expect(open()).rejects.toThrow(
      `${path('leasehold.db')}: an id of a session is missing, or none that`,
    )
    expect(readdirSync(path('victim'))).toEqual(['app.db'])
  })

  test.each([
    ['a time to live without end', `INSERT INTO sessions VALUES ('0123456789abcdef', 1e300, 0)`],
    ['a text for a number', `INSERT INTO sessions VALUES ('0123456789abcdef', 15000, 'often')`],
    ['an id that is a blob', `INSERT INTO sessions VALUES (x'00ff', 15000, 0)`],
    ['a counter that is gone', `DELETE FROM claims`],
    ['a bound that is gone', `DELETE FROM tokens`],
  ])('is checked: %s is a conflict that names the file', async (_, statement) => {
    await usedStore()
    await inDatabase(statement)
    await expect(open()).rejects.toMatchObject({
      code: 'LEASEHOLD_CONFLICT',
      message: expect.stringContaining(path('leasehold.db')),
    })
  })

  test('is checked while a client is at work, too', async () => {
    const lock = (await open()).mutex('job')
    await inDatabase(`DELETE FROM claims WHERE name = ''`)
    await expect(lock.acquire()).rejects.toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
  })

  test('does not block: a claim whose session is missing is removed', async () => {
    const lock = (await open()).mutex('job')
    await inDatabase(`INSERT INTO claims VALUES ('job', 1, '0123456789abcdef', '1', 1, '')`)
    expect(await lock.tryAcquire()).toBeDefined()
  })

  test('is not read as a name if it is longer than a name can be', async () => {
    const client = await open()
    const [session] = readdirSync(path('sessions')).map((name) => name.replace('.db', ''))
    await inDatabase(`INSERT INTO claims VALUES (hex(zeroblob(600)), 1, '${session}', '1', 1, '')`)
    expect(await client.survey()).toEqual([])
  })
})

test.skipIf(process.platform === 'win32')(
  'a pipe in the place of a session file does not stop any client',
  async () => {
    const client = await open()
    execute('mkfifo', path('sessions', '0123456789abcdef.db'))
    await inDatabase(`INSERT INTO sessions VALUES ('0123456789abcdef', 1000, 0)`)
    expect(await client.survey()).toEqual([])
    await (await open()).mutex('job').acquire()
  },
)

test('a folder that cannot be made is an error, and not an endless loop', async () => {
  const where = process.platform === 'linux' ? '/proc/leasehold/x' : path('leasehold.txt', 'x')
  writeFileSync(path('leasehold.txt'), '')
  await expect(open(where)).rejects.toThrow(where)
})

const canMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0

test.runIf(canMount)(
  'a store on a file system that became read-only is refused, and the error says so',
  () => {
    const script = 'mount -t tmpfs none "$0" && "$@" && mount -o remount,ro "$0" && "$@"'
    const node = process.env.LEASEHOLD_TEST_NODE || process.execPath
    const user = [
      node,
      join(import.meta.dirname, 'user.mjs'),
      join(builtPackage(), 'dist'),
      path('store'),
      '0',
    ]
    const run = spawnSync('unshare', ['-m', 'sh', '-c', script, directory, ...user], { encoding: 'utf8' })
    expect(run.stdout).toMatch(
      /^true\nLEASEHOLD_REFUSED .* is on a read-only file system: choose another directory\n$/,
    )
  },
)

describe.skipIf(process.platform === 'win32')('modes', () => {
  test('in a folder of one user only that user can read the files, even if the folder was there before', async () => {
    chmodSync(directory, 0o755)
    const client = await open()
    const hold = await client.mutex('job').acquire()
    const next = client.mutex('job').acquire()
    const modes = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
      const stats = statSync(path(name))
      return stats.isDirectory() ? stats.mode & 0o77 : stats.mode & 0o177
    })
    expect(new Set(modes)).toEqual(new Set([0]))
    await hold.release()
    await (await next).release()
  })

  test.each([
    [0o2770, 0o660],
    [0o1777, 0o666],
  ])(
    'in a folder with the mode %o all files have the mode that follows from it, whatever the umask is',
    async (mode, expected) => {
      chmodSync(directory, mode)
      const before = process.umask(0o077)
      try {
        const client = await open()
        await client.mutex('job').acquire()
        const files = ['leasehold.db', 'leasehold.db-wal', 'leasehold.db-shm']
        const sessions = readdirSync(path('sessions')).map((name) => join('sessions', name))
        for (const name of [...files, ...sessions]) expect(statSync(path(name)).mode & 0o777).toBe(expected)
        expect(statSync(path('sessions')).mode & 0o7777).toBe(mode)
      } finally {
        process.umask(before)
      }
    },
  )
})

/** The test user other than root. */
const nobody = 65_534

describe.skipIf(!isRoot)('several users', () => {
  test.each([0o2770, 0o1777])(
    'share a folder with the mode %o: they exclude each other, and take over',
    async (mode) => {
      chownSync(directory, 0, mode === 0o2770 ? nobody : 0)
      chmodSync(directory, mode)
      const mine = await (await open()).mutex('job').acquire()
      expect(await tryAs(nobody, directory)).toBe('false')
      await mine.release()
      expect(await tryAs(nobody, directory)).toBe('true')
      expect(await (await open()).mutex('job').tryAcquire()).toBeDefined()
    },
  )

  test('the error for a user without permission names the user, the path and the mode', async () => {
    chmodSync(directory, 0o755)
    await (await open()).mutex('job').acquire()
    const said = await tryAs(nobody, directory)
    expect(said).toMatch(/^LEASEHOLD_REFUSED /)
    expect(said).toContain(`the user with the id ${nobody}`)
    expect(said).toContain(directory)
    expect(said).toMatch(/mode 0[67][05][05], owner 0/)
  })

  test('the error for a folder that this user cannot reach names that folder, and the one in the way', async () => {
    chmodSync(directory, 0o755)
    const above = path('home')
    mkdirSync(above, { mode: 0o700 })
    for (const below of ['locks', join('a', 'b')]) {
      const said = await tryAs(nobody, join(above, below))
      expect(said).toMatch(/^LEASEHOLD_REFUSED /)
      expect(said).toContain(`${join(above, below)} cannot be reached or made: ${above} may not be used by`)
      expect(said).toMatch(/: choose another directory, or give permission there$/m)
    }
  })

  test("another user's folder is refused unless it is shared, and no file is made in it", async () => {
    chownSync(directory, nobody, nobody)
    await expect(open()).rejects.toMatchObject({
      code: 'LEASEHOLD_REFUSED',
      message: expect.stringContaining(`${directory} belongs to the user with the id ${nobody}`),
    })
    expect(readdirSync(directory)).toEqual([])
  })

  test('a folder of sessions that may not be read is a refusal that names it', async () => {
    chownSync(directory, nobody, nobody)
    expect(await tryAs(nobody, directory)).toBe('true')
    chmodSync(path('sessions'), 0)
    const said = await tryAs(nobody, directory)
    expect(said).toMatch(/^LEASEHOLD_REFUSED /)
    expect(said).toContain(`${path('sessions')} may not be used by the user with the id ${nobody}`)
    expect(said).toContain('mode 0000')
  })
})
