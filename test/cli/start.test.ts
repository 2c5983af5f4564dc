// The code that the program loads before the command runs, and the folder for compiled code. The times are in bench/start.mjs.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheFolder } from '../../src/cli/compile-cache.ts'
import { guardiansOf, leasehold, program, temporaryFolder } from './leasehold.ts'

/** Prints the modules of Node that are loaded when the process ends. */
const printLoaded = `process.on('exit', () => console.error(process.moduleLoadList.join(' ')))`

test('run on file: loads no code for HTTP, for etcd or for Consul', async () => {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(printLoaded)}`
  const env = { LEASEHOLD_URL: `file:${temporaryFolder()}`, NODE_OPTIONS }
  const run = leasehold(['run', 'x', '--', 'true'], { env })
  const { status, stderr } = await run.ended
  expect(status).toBe(0)
  expect(stderr).toContain('NativeModule child_process')
  expect(stderr).not.toMatch(/NativeModule (http|http2|https|tls)\b/)
})

test('the program is a few files, with the licences of the packages in them, and code of ours for each backend', () => {
  const folder = dirname(program())
  const files = readdirSync(folder)
  expect(files).toContain('guardian-main.js')
  expect(files.length).toBeLessThan(50) // a start loads only those of its subcommand
  const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
  for (const name of ['commander', 'croner', 'p-retry', 'protobufjs', 'long', 'string-width', 'async-mutex'])
    expect(licences).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'))
  const guardian = readFileSync(join(folder, 'guardian-main.js'), 'utf8')
  expect(guardian).not.toMatch(/require\(['"]\.\//) // it waits for no other file
})

test('no file of the program is a module of ESM, and none is imported: Node would start its loader for that', () => {
  const folder = dirname(program())
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toEqual({ type: 'commonjs' })
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  for (const name of files) {
    const text = readFileSync(join(folder, name), 'utf8')
    expect(text).not.toMatch(/^(import|export)\b/m)
    expect(text).not.toMatch(/\bawait import\(/)
  }
})

test('run with wrong arguments, for which the guardian has started already, says so and leaves no process', async () => {
  const run = leasehold(['run', 'x', '--nonsense', '--', 'true'])
  const { status, stdout, stderr } = await run.ended
  expect(status).toBe(64)
  expect(stdout).toBe('')
  expect(stderr).toBe("leasehold: unknown option '--nonsense'\n")
  await expect.poll(() => guardiansOf(run)).toEqual([])
})

test('a command after -- may have options with the names of those of leasehold', async () => {
  const { status, stdout } = await leasehold(['run', 'x', '--', 'echo', '--try', '--help']).ended
  expect(stdout).toBe('--try --help\n')
  expect(status).toBe(0)
})

/** A folder for caches of this user. */
function caches(mode = 0o755): string {
  const folder = join(temporaryFolder(), 'caches')
  mkdirSync(folder)
  chmodSync(folder, mode)
  return folder
}

test('compiled code is kept in the folder for caches, for this user alone', () => {
  const folder = caches()
  expect(cacheFolder({ XDG_CACHE_HOME: folder })).toBe(join(folder, 'leasehold'))
  expect(statSync(join(folder, 'leasehold')).mode & 0o777).toBe(0o700)
  expect(cacheFolder({ XDG_CACHE_HOME: folder })).toBe(join(folder, 'leasehold'))

  const home = temporaryFolder()
  mkdirSync(join(home, '.cache'), { mode: 0o700 })
  expect(cacheFolder({ HOME: home }, 'linux')).toBe(join(home, '.cache/leasehold'))
})

test.each([
  ['into which others may write', (folder: string) => chmodSync(folder, 0o777)],
  ['of a group', (folder: string) => chmodSync(folder, 0o775)],
  ['that is read-only', (folder: string) => chmodSync(folder, 0o500), true],
])('compiled code is not kept in a folder for caches %s', (_, change, rootMayWrite = false) => {
  const folder = caches()
  change(folder)
  if (rootMayWrite && process.geteuid?.() === 0) return
  expect(cacheFolder({ XDG_CACHE_HOME: folder })).toBeUndefined()
  expect(existsSync(join(folder, 'leasehold'))).toBe(false)
})

test('compiled code is not kept where another user may change it: in a link, or in a folder of theirs', () => {
  const [linked, theirs] = [caches(), caches()]
  symlinkSync(temporaryFolder(), join(linked, 'leasehold'))
  expect(cacheFolder({ XDG_CACHE_HOME: linked })).toBeUndefined()
  if (process.geteuid?.() === 0) chownSync(theirs, 65_534, 65_534)
  expect(cacheFolder({ XDG_CACHE_HOME: process.geteuid?.() === 0 ? theirs : '/' })).toBeUndefined()
  expect(existsSync(join(theirs, 'leasehold'))).toBe(false)
})

test.each([
  ['no variable names it', {}],
  ['HOME is empty', { HOME: '' }],
  ['its path is relative', { XDG_CACHE_HOME: 'caches' }],
  ['it does not exist', { XDG_CACHE_HOME: join('/', 'nonexistent', 'caches') }],
])('compiled code is not kept, and no folder made, if %s', (_, variables) => {
  expect(cacheFolder(variables, 'linux')).toBeUndefined()
  expect(existsSync('/nonexistent')).toBe(false)
})
