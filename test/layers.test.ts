// Who may know whom. The table is the architecture; a file that is not in it, or reaches past it, fails.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

interface Import {
  readonly from: string
  readonly to: string
  readonly types: boolean
}

/** For each file or folder of src, what it may import of src. A folder's own files know each other. */
const mayImport: Record<string, readonly string[]> = {
  'errors.ts': [],
  'clock.ts': [],
  'backend.ts': ['clock.ts'],
  'limits.ts': ['clock.ts'],
  'request.ts': ['clock.ts', 'errors.ts', 'limits.ts'],
  'arguments.ts': ['backend.ts'],
  'holder.ts': ['backend.ts'],
  'line.ts': ['limits.ts'],
  'session.ts': ['backend.ts', 'clock.ts', 'errors.ts', 'limits.ts', 'request.ts'],
  'admission.ts': ['backend.ts', 'clock.ts', 'errors.ts', 'follow.ts', 'request.ts', 'session.ts'],
  'follow.ts': ['backend.ts', 'clock.ts', 'limits.ts', 'request.ts'],
  'watch.ts': ['backend.ts', 'clock.ts', 'limits.ts', 'request.ts', 'session.ts'],
  'hold.ts': [
    'arguments.ts',
    'backend.ts',
    'clock.ts',
    'errors.ts',
    'limits.ts',
    'request.ts',
    'session.ts',
    'watch.ts',
  ],
  'acquire.ts': [
    'admission.ts',
    'backend.ts',
    'clock.ts',
    'errors.ts',
    'hold.ts',
    'holder.ts',
    'limits.ts',
    'line.ts',
    'request.ts',
    'session.ts',
  ],
  locks: ['acquire.ts', 'arguments.ts', 'errors.ts', 'hold.ts'],
  'work.ts': ['clock.ts', 'errors.ts', 'limits.ts'],
  election: [
    'acquire.ts',
    'arguments.ts',
    'backend.ts',
    'clock.ts',
    'errors.ts',
    'follow.ts',
    'hold.ts',
    'limits.ts',
    'locks',
    'request.ts',
    'work.ts',
  ],
  cron: [
    'acquire.ts',
    'arguments.ts',
    'clock.ts',
    'errors.ts',
    'hold.ts',
    'holder.ts',
    'limits.ts',
    'locks',
    'request.ts',
    'work.ts',
  ],
  'connect.ts': [
    'acquire.ts',
    'arguments.ts',
    'backend.ts',
    'backends',
    'clock.ts',
    'cron',
    'election',
    'holder.ts',
    'limits.ts',
    'locks',
    'request.ts',
    'session.ts',
  ],
  'index.ts': [
    'backend.ts',
    'clock.ts',
    'connect.ts',
    'cron',
    'election',
    'errors.ts',
    'hold.ts',
    'holder.ts',
    'locks',
  ],
  'backends/memory': ['backend.ts', 'clock.ts', 'errors.ts'],
  'backends/file': ['backend.ts', 'clock.ts', 'errors.ts', 'limits.ts'],
  'backends/addresses.ts': [],
  'backends/consul': ['backend.ts', 'backends/addresses.ts', 'clock.ts', 'errors.ts', 'limits.ts'],
  'backends/etcd': ['backend.ts', 'backends/addresses.ts', 'clock.ts', 'errors.ts', 'limits.ts'],
  testing: ['backend.ts', 'backends', 'clock.ts', 'connect.ts', 'errors.ts'],
  cli: [
    'arguments.ts',
    'backend.ts',
    'clock.ts',
    'connect.ts',
    'cron',
    'election',
    'errors.ts',
    'hold.ts',
    'holder.ts',
    'limits.ts',
    'session.ts',
  ],
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const text = (file: string): string => readFileSync(join('src', file), 'utf8')

function importsOf(file: string): Import[] {
  const statements = text(file).matchAll(/(?:import|export)\s+(type\s)?[^'"]*?from\s+'(\.[^']+)'/g)
  return [...statements].map(([, types, target = '']) => {
    return { from: file, to: relative('.', join(dirname(file), target)), types: types !== undefined }
  })
}

const roomOf = (file: string): string =>
  Object.keys(mayImport).find((room) => file === room || file.startsWith(`${room}/`)) ?? ''

test.each(files)('%s knows only what its layer may know', (file) => {
  const room = roomOf(file)
  expect(room, `${file} has no place in the layering`).not.toBe('')
  for (const { to } of importsOf(file)) {
    if (roomOf(to) === room) continue
    const allowed = mayImport[room]?.some((target) => to === target || to.startsWith(`${target}/`))
    expect(allowed, `${file} imports ${to}`).toBe(true)
  }
})

test('nothing that runs in production knows what is there for tests', () => {
  const guilty = files.filter((file) => roomOf(file) !== 'testing' && /['"/]testing\//.test(text(file)))
  expect(guilty).toEqual([])
})

test('the contract is types only', () => {
  expect(importsOf('backend.ts').every(({ types }) => types)).toBe(true)
  expect(text('backend.ts')).not.toMatch(/^export (const|function|class|abstract|let)/m)
})

test('time, timers and chance come from clock.ts alone', () => {
  const banned =
    /\b(setTimeout|setInterval|setImmediate|Math\.random|randomUUID|randomBytes|hrtime|node:timers)\b|Date\.now|new Date\(\)/
  const guilty = files.filter((file) => file !== 'clock.ts' && banned.test(text(file)))
  expect(guilty).toEqual([])
})

/** Which files run code of a package; types alone do not count. `cli/` stands for all files in it. */
const mayUse: Record<string, readonly string[]> = {
  // The orders of waiters that never give up. Elsewhere a waiter may, and async-mutex would keep it in its queue.
  'async-mutex': ['backends/etcd/operator.ts', 'hold.ts'],
  commander: ['cli/'],
  // One thin file of a backend touches its client library.
  consul: ['backends/consul/client.ts'],
  croner: ['cron/schedule.ts'],
  etcd3: ['backends/etcd/client.ts'],
  'p-retry': ['request.ts'],
}

test('each package is used by the files that it is there for, and no other package is used', () => {
  const used: Record<string, Set<string>> = {}
  for (const file of files) {
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

test('every file says in its first lines what it owns', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?\/\/ .{20}/.test(text(file)))
  expect(silent).toEqual([])
})
