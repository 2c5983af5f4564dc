// The place of the embedded backend: URLs, the option `directory`, and the default folder of a user.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { file, fileFromUrl } from '../../../src/backends/file/index.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { builtPackage } from '../../built.ts'
import { emptyDirectory, isRoot, remove } from './processes.ts'

let directory: string

beforeAll(() => void builtPackage())
beforeEach(() => {
  directory = emptyDirectory()
})
afterEach(() => remove(directory))

describe('a URL', () => {
  test.each([
    ['file:/var/a%20b/', 'file:///var/a%20b/'],
    ['file:///var/locks', 'file:///var/locks/'],
    ['file://localhost/var/locks', 'file:///var/locks/'],
    ['file:./locks', `file://${process.cwd()}/locks/`],
    ['file:../locks', `file://${join(process.cwd(), '..')}/locks/`],
  ])('%s is %s', (url, shown) => {
    expect(fileFromUrl(url).url).toBe(shown)
  })

  test.each([
    'file://host/x',
    'file:/x?y',
    'file:/x#y',
    'file:x',
    'file://',
    'file:/x%00',
    'file:/%zz',
    'file:/x/tab\there',
    'file:./x/tab\there',
    'file:/x\n',
    'file:/x\\y',
    'file:./x\\y',
    'file:/x ',
    'file: /x',
    'file:/x%2fy',
    'file:./x%2Fy',
    'http:/x',
  ])('%s is a TypeError', (url) => {
    expect(() => fileFromUrl(url)).toThrow(TypeError)
    expect(() => fileFromUrl(url)).toThrow(/^url: ".*" is not one of file:, file:\.\/relative/)
  })

  test('a path that is neither relative nor absolute is shown in the error, with the form that works', () => {
    const advice = /^url: "file:locks\/a" is not one of .*; for a folder .* write file:\.\/locks\/a$/
    expect(() => fileFromUrl('file:locks/a')).toThrow(advice)
    expect(() => fileFromUrl('file://root:hunter2@host/x')).not.toThrow('hunter2')
    expect(() => fileFromUrl('file:root:hunter2@host')).not.toThrow('hunter2')
  })

  test('file: is the state folder of the user', () => {
    const before = process.env.XDG_STATE_HOME
    process.env.XDG_STATE_HOME = '/state'
    expect(fileFromUrl('file:').url).toBe('file:///state/leasehold/')
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })

  test.each([
    ['XDG_STATE_HOME', 'state', 'XDG_STATE_HOME: "state" is not an absolute path'],
    ['HOME', '', 'HOME: "" is not an absolute path'],
    ['HOME', 'home', 'HOME: "home" is not an absolute path'],
  ])('file: with %s=%s is a TypeError that names the variable', (variable, value, message) => {
    const before = { ...process.env }
    delete process.env.XDG_STATE_HOME
    process.env[variable] = value
    try {
      expect(() => fileFromUrl('file:')).toThrow(TypeError)
      expect(() => fileFromUrl('file:')).toThrow(message)
    } finally {
      process.env = before
    }
  })

  test('file: of a user without a home directory is a TypeError that says what to set', () => {
    const code = `import { file } from '${builtPackage()}/dist/backends/file/index.js'
      process.setuid?.(54321)
      try { file() } catch (error) { console.log(error.name, error.message) }`
    const env = { PATH: process.env.PATH }
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
      env,
      encoding: 'utf8',
    })
    expect(said).toMatch(
      isRoot ? /^TypeError HOME: is not set, and this user has no home directory; set HOME/ : /^$/,
    )
  })
})

describe('the option directory', () => {
  test('is refused if SQLite could not take its path', async () => {
    const longest = join(directory, 'x'.repeat(200), 'y'.repeat(474 - 202 - Buffer.byteLength(directory)))
    await (await file({ directory: longest }).open(systemClock())).close()
    expect(() => file({ directory: `${longest}z` })).toThrow(RangeError)
    expect(() => file({ directory: `${longest}z` })).toThrow('has 475 bytes; SQLite takes at most 474')
  })

  test('is refused with a control character', () => {
    expect(() => file({ directory: '/x/tab\there' })).toThrow(
      'directory: "/x/tab\\there" has a control character',
    )
  })
})
