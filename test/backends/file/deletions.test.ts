// The embedded backend deletes and renames only files that it created, in all that happens to a store.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtPackage } from '../../built.ts'
import { Child, emptyDirectory, remove } from './processes.ts'
import { strangers } from './witnessed.ts'

const directory = emptyDirectory()
const log = `${directory}.log`
const children: Child[] = []

beforeAll(() => void builtPackage())
afterAll(async () => {
  Object.assign(Child, { environment: {}, under: [] })
  for (const child of children) await child.kill()
  remove(directory, log)
})

function start(...role: (string | number)[]): Child {
  const child = new Child(join(builtPackage(), 'dist'), directory, 1_000, ...role)
  children.push(child)
  return child
}

test('through crashes, hangs, take-overs and exits, Leasehold deletes only files that it created, and renames none', async () => {
  const witness = pathToFileURL(join(import.meta.dirname, 'witness.mjs')).href
  Child.environment = { NODE_OPTIONS: `--import ${witness}`, LEASEHOLD_TEST_WITNESS: log }
  const neighbours = ['notes.txt', 'app.db', 'leasehold.db.bak', '0123456789abcdef.db']
  for (const name of neighbours) writeFileSync(join(directory, name), '')

  const [killed, hanging, waiting] = [start('hold', 'job'), start('hold', 'other'), start('hold', 'job')]
  for (const child of [killed, hanging, waiting]) await child.said('asking')
  const [first, second] = [start('hold', 'a'), start('hold', 'b')]
  for (const child of [first, second]) await child.said('asking')
  hanging.process.kill('SIGSTOP')
  await killed.kill()
  const heir = start('hold', 'other')
  await heir.said('asking')
  await heir.said('held') // after the time to live of the one that hangs
  for (const child of [first, second, waiting, heir]) await child.kill()
  await hanging.kill()
  const last = start('hold', 'end')
  await last.said('asking')
  await last.said('held')
  last.tell('close')
  await last.said('closed')

  expect(readFileSync(log, 'utf8').match(/^delete /gm)?.length).toBeGreaterThan(7)
  expect(strangers(log)).toEqual([])
  expect(readdirSync(directory)).toEqual(expect.arrayContaining(neighbours))
  expect(readdirSync(join(directory, 'sessions'))).toEqual([])
})

const canTrace = process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0
if (!canTrace) console.warn('left out without strace: what the SQLite library itself deletes')

test.runIf(canTrace)('the SQLite library deletes its own log files, and nothing else', async () => {
  const calls = 'unlink,unlinkat,rmdir,rename,renameat,renameat2,truncate'
  const trace = `${directory}.trace`
  writeFileSync(trace, '')
  Object.assign(Child, {
    environment: {},
    under: ['strace', '-f', '-qq', '-A', '-e', `trace=${calls}`, '-o', trace],
  })
  for (const child of [start('cycles', 'job', 500), start('cycles', 'job', 500)]) {
    expect(await child.said('lost')).toEqual(['lost', '0']) // enough cycles for the log to be copied
    expect(await child.exited()).toBe(0)
  }
  const paths = [...readFileSync(trace, 'utf8').matchAll(/"(.*?)"/g)].map(([, path = '']) => path)
  remove(trace)
  const made = [/^leasehold\.db-(wal|shm)$/, /^sessions\/[0-9a-f]{16}\.(db|wake)$/]
  const foreign = paths.filter((path) => !made.some((name) => name.test(relative(directory, path))))
  expect(foreign).toEqual([])
  expect(paths).toContain(join(directory, 'leasehold.db-wal'))
})

test('only one source file of the backend deletes files, and no source file renames or empties any', () => {
  const source = join(import.meta.dirname, '..', '..', '..', 'src', 'backends', 'file')
  const guilty = readdirSync(source).filter((name) =>
    /\b(unlink|rm|rmdir|rename|truncate|writeFile|cp|copyFile)(Sync)?\b\(/.test(
      readFileSync(join(source, name), 'utf8'),
    ),
  )
  expect(guilty).toEqual(['folder.ts'])
})
