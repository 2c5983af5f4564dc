// The table of allowed imports. The table is the architecture: a file that is not in it, or imports anything else,
// fails.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { generated } from './sources.ts'

interface Import {
  readonly from: string
  readonly to: string
  readonly types: boolean
}

/**
 * For each file or folder of src, the parts of src that it may import. Files of the same folder may import each other.
 */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  'contract.ts': ['base'],
  api: ['base', 'contract.ts'],
  core: ['api', 'base', 'contract.ts'],
  locks: ['api', 'base', 'core', 'contract.ts'],
  election: ['api', 'base', 'core', 'contract.ts', 'locks'],
  cron: ['api', 'base', 'core', 'contract.ts', 'locks'],
  'connect.ts': ['api', 'base', 'core', 'contract.ts', 'backends', 'cron', 'election', 'locks'],
  'index.ts': ['api', 'base', 'core', 'contract.ts', 'connect.ts', 'cron', 'election', 'locks'],
  'backends/shared': ['base', 'contract.ts'],
  'backends/memory': ['base', 'contract.ts', 'backends/shared'],
  'backends/file': ['base', 'contract.ts', 'backends/shared'],
  'backends/consul': ['base', 'contract.ts', 'backends/shared'],
  'backends/etcd': ['base', 'contract.ts', 'backends/shared'],
  testing: ['api', 'base', 'contract.ts', 'backends', 'connect.ts'],
  opentelemetry: ['api', 'base'],
  nest: ['api', 'base', 'core', 'contract.ts', 'connect.ts'],
  'web-locks': ['api', 'base', 'core', 'contract.ts'],
  cli: ['api', 'base', 'core', 'contract.ts', 'connect.ts', 'cron', 'election'],
}

const everyFile = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)
/** The files that people write. */
const files = everyFile.filter((file) => file !== generated)
const text = (file: string): string => readFileSync(join('src', file), 'utf8')

function importsOf(file: string): Import[] {
  const statements = text(file).matchAll(/(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'/g)
  return [...statements].map(([, types, target = '']) => {
    return { from: file, to: relative('.', join(dirname(file), target)), types: types !== undefined }
  })
}

/** Each circle of imports once, as the files along it. */
function circles(): string[] {
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (path.includes(file) || done.has(file)) return
    for (const { to } of importsOf(file)) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

const roomOf = (file: string): string =>
  Object.keys(mayImport).find((room) => file === room || file.startsWith(`${room}/`)) ?? ''

test.each(files)('%s imports only from layers that its layer may use', (file) => {
  const room = roomOf(file)
  expect(room, `${file} has no place in the layering`).not.toBe('')
  for (const { to } of importsOf(file)) {
    if (roomOf(to) === room) continue
    const allowed = mayImport[room]?.some((target) => to === target || to.startsWith(`${target}/`))
    expect(allowed, `${file} imports ${to}`).toBe(true)
  }
})

test('src has no loose files except index.ts, connect.ts and contract.ts', () => {
  const loose = files.filter((file) => !file.includes('/'))
  expect(loose.sort()).toEqual(['connect.ts', 'contract.ts', 'index.ts'])
})

test('no imports form a circle, types included', () => {
  expect(circles()).toEqual([])
})

test('no production file imports the testing folder', () => {
  const guilty = files.filter((file) => roomOf(file) !== 'testing' && /['"/]testing\//.test(text(file)))
  expect(guilty).toEqual([])
})

test('the contract is types only', () => {
  expect(importsOf('contract.ts').every(({ types }) => types)).toBe(true)
  expect(text('contract.ts')).not.toMatch(/^export (const|function|class|abstract|let)/m)
})

test('time, timers and chance come from base/clock.ts alone', () => {
  const banned =
    /\b(setTimeout|setInterval|setImmediate|Math\.random|randomUUID|randomBytes|hrtime|node:timers)\b|Date\.now|new Date\(\)/
  const guilty = files.filter((file) => file !== 'base/clock.ts' && banned.test(text(file)))
  expect(guilty).toEqual([])
})

/** The files that run code of a package; type imports do not count. `cli/` stands for all files in it. */
const mayUse: Record<string, readonly string[]> = {
  // Optional peers: only the entry `leasehold/nest` may load them.
  '@nestjs/common': ['nest/decorators.ts', 'nest/host.ts', 'nest/module.ts'],
  '@nestjs/core': ['nest/host.ts', 'nest/module.ts'],
  '@opentelemetry/api': ['opentelemetry/index.ts', 'opentelemetry/names.ts', 'opentelemetry/spans.ts'],
  // Orders of waiters that never give up. Other waiters may give up, and async-mutex would keep them in its queue.
  'async-mutex': ['backends/etcd/operator.ts', 'core/hold.ts'],
  commander: ['cli/'],
  croner: ['cron/schedule.ts'],
  // Loaded only for a caller who hands in a client of it. npm consul is not loaded at all: its client needs nothing else.
  etcd3: ['backends/etcd/wire/etcd3/failures.ts'],
  'p-retry': ['core/request.ts'],
  'protobufjs/minimal.js': ['backends/etcd/wire/http2/proto/messages.ts'],
  'string-width': ['cli/'],
}

test('each package is used only by its files in the table, and no other package is used', () => {
  const used: Record<string, Set<string>> = {}
  for (const file of everyFile) {
    for (const [, name = ''] of text(file).matchAll(/^import (?!type)[^']*?'([a-z@][^':]*)'/gm)) {
      const place = file.startsWith('cli/') ? 'cli/' : file
      used[name] = (used[name] ?? new Set()).add(place)
    }
  }
  expect(
    Object.fromEntries(Object.entries(used).map(([name, places]) => [name, [...places].sort()])),
  ).toEqual(mayUse)
})

test('async-mutex brings no timer: its waits have no timeout', () => {
  expect(files.filter((file) => text(file).includes('withTimeout'))).toEqual([])
})

test('no file of the source is longer than 250 lines', () => {
  const long = files.filter((file) => text(file).split('\n').length > 251)
  expect(long).toEqual([])
})

/**
 * Files that `core/acquire.ts` uses and whose names and docstrings are enough: each is an idea of its own, which other
 * code needs without an acquire. Everything else that it uses counts, so moving code to a new file makes the path no
 * shorter.
 */
const offThePath: Readonly<Record<string, string>> = {
  'api/': 'the types that callers see',
  'base/':
    'clocks, scopes and errors, and parts of the contract about what a lock does not need; `base/facts.ts` counts',
  'core/callbacks.ts': 'errors of functions such as `onWait`',
  'core/closing.ts': 'the end of a client',
  'core/cohort.ts': 'a claim that passes among the callers of one client',
  'core/events.ts': 'the events that others listen to',
  'core/hold.ts': 'the life of a hold once it is made',
  'core/holder.ts': 'the message of a time-out',
  'core/late.ts': 'the question for the message of a time-out',
  'core/lifetime.ts': 'the times that follow from a time to live',
  'core/local-queue.ts': 'the queue inside this process',
  'core/request.ts': 'time limit and retries of one request',
  'core/session.ts': 'the renewals of a session',
  'core/sessions.ts': 'the one session of a client',
  'core/succession.ts': 'the end of a claim by the request of the next local caller',
}

test('the way from the contract to a hold in memory has fewer than 900 lines, and ARCHITECTURE.md names it', () => {
  const isOff = (file: string): boolean => Object.keys(offThePath).some((place) => file.startsWith(place))
  const path = new Set(['contract.ts', 'base/facts.ts', 'core/acquire.ts'])
  for (const file of path) for (const { to } of importsOf(file)) if (!isOff(to)) path.add(to)
  const [, order = ''] =
    /## Reading order\n\n(.*?): that is/s.exec(readFileSync('ARCHITECTURE.md', 'utf8')) ?? []
  expect([...order.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file]) => file).sort()).toEqual([...path].sort())
  const memory = files.filter((file) => file.startsWith('backends/memory/'))
  const lines = [...path, ...memory].map((file) => text(file).split('\n').length - 1)
  expect(lines.reduce((sum, each) => sum + each)).toBeLessThan(900)
})

test('the first lines of every file say what it owns', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?\/\/ .{20}/.test(text(file)))
  expect(silent).toEqual([])
})
