// The statements of docs/fencing.md, run against real databases: SQLite, and PostgreSQL if its programs are on this
// machine. Owns the story of an old holder whose write arrives late.
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ownedFolder, spawnOwned } from '../tools/servers/children.mjs'
import { requireCommand, runCommand } from '../tools/servers/command.mjs'
import { until } from '../tools/servers/wait.mjs'

/** The effect of one statement. */
interface Outcome {
  readonly rows: string[]
  readonly changed: number
}

interface Database {
  run(statement: string, ...values: (bigint | string)[]): Promise<Outcome>
}

const page = readFileSync('docs/fencing.md', 'utf8')

/** A statement of the page. */
function statement(database: string, name = ''): string {
  const title = ['sql', database, name].filter(Boolean).join(' ')
  const [, code] = new RegExp(`^\`\`\`${title}\\n(.*?)^\`\`\`$`, 'ms').exec(page) ?? []
  if (!code) throw new Error(`docs/fencing.md has no block "${title}"`)
  return code.trim()
}

async function sqlite(): Promise<Database> {
  const specifier: string = 'libsql'
  const { default: Sqlite } = await import(specifier)
  const db = new Sqlite(':memory:')
  onTestFinished(() => db.close())
  db.exec(statement('sqlite'))
  return {
    async run(text, ...values) {
      const prepared = db.prepare(text)
      if (text.includes('returning')) {
        const found = prepared.all(...values)
        return {
          rows: found.map((row: Record<string, string>) => String(Object.values(row)[0])),
          changed: found.length,
        }
      }
      if (!text.startsWith('select')) return { rows: [], changed: prepared.run(...values).changes }
      const found = prepared.safeIntegers(true).all(...values)
      return { rows: found.map((row: Record<string, unknown>) => String(Object.values(row)[0])), changed: 0 }
    },
  }
}

/** The folder with initdb, postgres and psql. */
function postgresFolder(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, 'bin'))
    : []
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...versions]
  return folders.find((folder) =>
    ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))),
  )
}

/** PostgreSQL does not run as root. */
const otherUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

async function postgres(bin: string): Promise<Database> {
  const folder = ownedFolder('leasehold-postgres')
  onTestFinished(() => folder.remove())
  if (otherUser.uid) chownSync(folder.path, otherUser.uid, otherUser.gid)
  const data = join(folder.path, 'data')
  const start = (program: string, args: string[]) =>
    spawnOwned(join(bin, program), args, { stdio: 'ignore', cwd: folder.path, ...otherUser })
  const made = start('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'])
  expect(await new Promise((resolve) => made.once('exit', resolve))).toBe(0)
  const server = start('postgres', [
    '-D',
    data,
    '-k',
    folder.path,
    '-c',
    'listen_addresses=',
    '-c',
    'fsync=off',
  ])
  const ended = new Promise((resolve) => server.once('exit', resolve))
  onTestFinished(async () => {
    server.kill('SIGQUIT')
    await ended
  })
  const psql = ['-X', '-A', '-t', '-h', folder.path, '-U', 'postgres', '-v', 'ON_ERROR_STOP=1']
  const isUp = async () => (await runCommand(join(bin, 'psql'), [...psql, '-c', 'select 1'])).code === 0
  await until(isUp, { describe: () => 'PostgreSQL answers', deadlineMs: 60_000 })
  const say = async (input: string) => (await requireCommand(join(bin, 'psql'), psql, { input })).stdout
  await say(statement('postgresql'))
  return {
    async run(text, ...values) {
      const shown = values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
      const said = await say(
        `prepare it as ${text}\nexecute it${shown.length > 0 ? `(${shown.join(', ')})` : ''};`,
      )
      const lines = said.split('\n').slice(1, -1) // after PREPARE
      const changed = Number(/^UPDATE (\d+)$/.exec(lines.at(-1) ?? '')?.[1] ?? 0)
      return { rows: lines.filter((line) => !/^UPDATE \d+$/.test(line)), changed }
    },
  }
}

const bin = postgresFolder()
if (!bin)
  console.log('PostgreSQL is not on this machine, so its statements of docs/fencing.md are not tested.')
const databases: [string, () => Promise<Database>][] = [
  ['sqlite', sqlite],
  ...(bin ? [['postgresql', () => postgres(bin)] as [string, () => Promise<Database>]] : []),
]

describe.each(databases)('%s', (name, open) => {
  const raise = statement(name, 'raise')
  const write = statement(name, 'write')

  test('a fence that the next holder raises refuses the late write; a fence on writes alone loses an update', async () => {
    const db = await open()
    // Step 1 is left out: the late write is acknowledged after the next holder has read, and then it is lost.
    expect((await db.run('select body from report where id = 1;')).rows).toEqual([''])
    expect((await db.run(write, 1n, 'late')).changed).toBe(1)
    expect((await db.run(write, 2n, 'next')).changed).toBe(1)

    expect((await db.run(raise, 3n)).rows).toEqual(['next'])
    expect((await db.run(raise, 4n)).rows).toEqual(['next'])
    expect((await db.run(write, 3n, 'late')).changed).toBe(0)
    expect((await db.run(raise, 3n)).rows).toEqual([])
    expect((await db.run(raise, 4n)).rows).toEqual(['next']) // a repeated step changes nothing
    expect((await db.run(write, 4n, 'new')).changed).toBe(1)
    // Larger than a number of JavaScript can be, and kept exactly.
    const large = 2n ** 62n + 1n
    expect((await db.run(raise, large)).rows).toEqual(['new'])
    expect((await db.run('select fence from report where id = 1;')).rows).toEqual([String(large)])
    expect((await db.run(write, large - 1n, 'late')).changed).toBe(0)
  }, 90_000)
})

test('a token goes through JSON as a string', () => {
  const token = 2n ** 62n + 1n
  expect(() => JSON.stringify({ token })).toThrow(TypeError)
  expect(BigInt(JSON.parse(JSON.stringify({ token: String(token) })).token)).toBe(token)
})
