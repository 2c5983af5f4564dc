// The statements of docs/fencing.md, run against real databases: SQLite, and PostgreSQL if its programs are on this
// machine. Owns the story of an old holder whose write arrives late.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { requireCommand } from '../tools/servers/command.mjs'
import { postgresFolder, startPostgres } from './servers/postgres.ts'

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

async function postgres(bin: string): Promise<Database> {
  const { folder, close } = await startPostgres(bin)
  onTestFinished(close)
  const psql = ['-X', '-A', '-t', '-h', folder, '-U', 'postgres', '-v', 'ON_ERROR_STOP=1']
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
