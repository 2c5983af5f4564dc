// That nothing which others wrote steers a terminal or floods it, whatever way it takes: the one place that makes text
// printable, the errors of every kind, and a look through the sources for another way.
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { ConflictError, HoldLostError, RefusedError, UnavailableError } from '../../src/base/errors.ts'
import { oneLine, printable, printableJson, quoted, quotedTarget } from '../../src/base/printable.ts'
import { connect, WaitTimeoutError } from '../../src/index.ts'
import { refusalOf } from '../refusal.ts'

/** A title, a cleared screen, C1, the order turned round, line breaks, half a character. */
const hostile = 'evil\u001b]0;pwn\u0007\u001b[2J\u009b2J\u202egnp.exe\u2066\u061c\u2028\u2029\r\n\ud800'
/** Characters that a terminal obeys, or shows in another order. */
const steers = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

test.each([
  ['printable', printable],
  ['quoted', quoted],
  ['oneLine', oneLine],
])('%s leaves nothing that steers a terminal, and no more than 200 characters', (_, clean) => {
  expect(clean(hostile)).not.toMatch(steers)
  expect(clean(hostile)).toContain('evil')
  for (const text of [hostile.repeat(1_000), 'x'.repeat(3_000_000), '😀'.repeat(300), '\u001b'.repeat(300)]) {
    expect([...clean(text).replace(/^"|"$/g, '')].length).toBeLessThanOrEqual(200)
    expect(clean(text).replace(/"$/, '')).toMatch(/…$/)
    expect(clean(text).isWellFormed()).toBe(true)
  }
  const harmless = 'naïve 日本 😀 (pid 1)'
  expect(clean(harmless).replace(/^"|"$/g, '')).toBe(harmless)
})

test('JSON for a terminal has all that was written, and steers nothing', () => {
  const text = printableJson({ value: hostile }, 2)
  expect(text.replaceAll('\n', '')).not.toMatch(steers)
  expect(JSON.parse(text)).toEqual({ value: hostile })
})

test.each([UnavailableError, RefusedError, ConflictError, HoldLostError, WaitTimeoutError])(
  'a %o and its causes can be printed, whatever a server said',
  (Kind) => {
    const page = `<html>\n${hostile.repeat(200_000)}`
    const cause = new Error('outer', { cause: new Error(page) })
    const error = new Kind(`the server said ${page}`, { cause })
    expect(error.message).not.toMatch(steers)
    expect(error.message.length).toBeLessThanOrEqual(2_000)
    const printed = inspect(error).replaceAll('\n', '')
    expect(printed).not.toMatch(steers)
    expect(printed.length).toBeLessThan(20_000)
  },
)

test('a cause that can be printed stays what it is', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(new UnavailableError('no answer', { cause }).cause).toBe(cause)
})

test.each([
  'file://user:S3CR3T@h/x',
  'memory://user:S3CR3T@h',
  'S3CR3T@h',
  'user:S3CR3T@h:99999',
  'h:S3CR3T',
  'consul://h/?S3CR3T',
  'consul://h/?token=S3CR3T',
  'file:///x#S3CR3T',
  'etcd://user:S3@CR3T:S3CR3T@h1:2379,h2/x',
])('a message about the target %j shows no credentials', (target) => {
  expect(quotedTarget(target)).not.toMatch(/S3|CR3T/)
})

test('a message about a target shows scheme, host, port and path', () => {
  expect(quotedTarget('etcd://h1:2379,h2:2379/a/b')).toBe('"etcd://h1:2379,h2:2379/a/b"')
  expect(quotedTarget('http//host')).toBe('"http//host"')
  expect(quotedTarget('file:///var/lib/locks')).toBe('"file:///var/lib/locks"')
})

const longName = `a${'\u202e'.repeat(100)}`

test.each([
  ['name', () => connect('memory:').then((client) => client.mutex(`${hostile}`))],
  ['options', () => connect('memory:', { [hostile]: 1 } as object)],
  ['url', () => connect(`memory:${hostile}`)],
  [
    'timezone',
    () => connect('memory:').then((c) => c.cron('a', { schedule: '* * * * *', timezone: hostile })),
  ],
  ['schedule', () => connect('memory:').then((client) => client.cron('a', { schedule: hostile }))],
])('the error about a bad %s can be printed', async (_, call) => {
  const error = (await refusalOf(call)) as Error
  expect(error).toBeInstanceOf(Error)
  expect(error.message).not.toMatch(steers)
})

test('the error for a name that is not free can be printed, with any holder and any name', async () => {
  const store = memory()
  await using client = await connect(store)
  await using other = await connect(store)
  await other.election(longName).campaign({ value: JSON.stringify({ host: hostile.repeat(5), pid: 1 }) })
  const error = await refusalOf(() => client.mutex(longName).acquire({ waitMs: 0 }))
  expect(error).toBeInstanceOf(WaitTimeoutError)
  expect((error as Error).message).not.toMatch(steers)
  expect((error as Error).message).toContain('evil')
  expect((error as Error).message.length).toBeLessThan(500)
})

test("a proxy's page of 3 MB in the place of an answer makes an error of one short line", async () => {
  const page = `<html>\n${hostile.repeat(60_000)}`
  const proxy = createServer((_, response) => response.writeHead(403).end(page))
  onTestFinished(() => void proxy.close())
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const { port } = proxy.address() as AddressInfo
  const error = (await refusalOf(() => connect(`consul://127.0.0.1:${port}/`))) as Error
  expect(error.message).toMatch(/^consul at 127\.0\.0\.1:\d+: <html> evil/)
  for (const text of [error.message, inspect(error).replaceAll('\n', '')]) {
    expect(text).not.toMatch(steers)
    expect(text.length).toBeLessThan(5_000)
  }
  expect(error.message.length).toBeLessThan(400)
})

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('testing/'))
  .map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }))

/** The files in whose code this stands. */
const filesWith = (pattern: RegExp): string[] =>
  sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)

test('no other file knows which characters are unsafe, but the rule for names', () => {
  const pattern = /\\p\{(Cc|C|Cf|Zl|Bidi)|\\u202[a-e]|\\x1b|\\u001b/
  // progress.ts and ls.ts draw on a terminal themselves; location.ts refuses a URL with such a character.
  expect(filesWith(pattern).sort()).toEqual([
    'backends/file/location.ts',
    'base/options.ts',
    'base/printable.ts',
    'cli/commands/ls.ts',
    'cli/progress.ts',
  ])
})

// The messages of the file store are those of its own errors, whose constructor makes them printable.
const outsideOfFile = (file: string): boolean => !file.startsWith('backends/file/')

test('no message is made with JSON.stringify, which leaves C1 and bidi controls', () => {
  expect(filesWith(/\$\{JSON\.stringify\(/).filter(outsideOfFile)).toEqual([])
  // These files write texts for a store or a request to it, or read them back.
  expect(
    filesWith(/JSON\.stringify\(/)
      .filter(outsideOfFile)
      .sort(),
  ).toEqual([
    'backends/consul/line.ts',
    'backends/consul/wire/answers.ts',
    'backends/consul/wire/services.ts',
    'backends/consul/wire/sessions.ts',
    'base/printable.ts',
    'cli/process/environment.ts',
    'core/holder.ts',
    'cron/marker.ts',
    'opentelemetry/levels.ts',
    'opentelemetry/metrics.ts',
  ])
})

test('a message of somebody else stands in no template, but that of an error of ours', () => {
  expect(filesWith(/\$\{[^}]*\b(error|cause|reason)\.message\}/).filter(outsideOfFile)).toEqual([
    'core/hold-errors.ts',
    'core/session.ts',
  ])
})

test('one file writes to the terminal', () => {
  expect(filesWith(/std(out|err)\.write\(|console\.|\bwriteSync\(fd/)).toEqual(['cli/exit.ts'])
})
