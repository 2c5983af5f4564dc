// Two runs of one commit try the same cases, and the tools that choose runs refuse unknown arguments.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawFor, holdsForAll, replayOf } from './draw.ts'
import { parseSeed } from './seed.mjs'

/** Code that draws without the seed, and the only place where it is meant to. */
const byItself = /\b(?:Math\.random|fc\.(?:assert|check|sample))\(/
const meant = [
  'test/backends/consul/real/astray.test.ts', // samples with a seed of drawFor
  'test/backends/etcd/real/load.test.ts', // names for keys that fill a disk
  'test/backends/shared/real/election-work.test.ts', // samples with a seed of drawFor
  'test/property/draw.ts',
  'test/property/explore.ts',
  'test/property/seed.mjs',
  'test/property/streams/explore.ts', // samples with a seed of the test
  'test/property/traces/traces.ts', // samples with the seed of tools/traces.mjs
]

test('no test draws anything without its seed', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => join('test', file))
  const drawing = files.filter((file) => {
    return /\.(?:ts|mjs)$/.test(file) && byItself.test(readFileSync(file, 'utf8'))
  })
  expect(drawing.sort()).toEqual(meant)
})

test('one title draws one seed, and each of its lanes another one', ({ task }) => {
  const [one, again, lane, other] = [
    drawFor(task),
    drawFor(task),
    drawFor(task, 0),
    drawFor({ ...task, name: 'x' }),
  ]
  expect(again.seed).toBe(one.seed)
  expect(new Set([one.seed, lane.seed, other.seed]).size).toBe(3)
})

test("a failure prints the command that replays it, for a shell: (it's quoted)", async ({ task }) => {
  const title = `^a failure prints the command that replays it, for a shell: \\(it'\\''s quoted\\)$`
  expect(replayOf(task)).toContain(` test/property/draw.test.ts -t '${title}'`)
  const broken = holdsForAll(
    task,
    fc.property(fc.nat(), (drawn) => drawn < 100),
  )
  await expect(broken).rejects.toThrow(
    /Counterexample: \[100\][\s\S]*replay it: npm test -- --seed \d+ --case [\d:]+ /,
  )
})

test.each([
  ['test', '--sed', '7'],
  ['test', '--seed', 'abc'],
  ['test', '--seed', '7', '--fresh'],
  ['test', '--case', '1:2'],
  ['test', 'no/such.test.ts'],
  ['test', '-t', '('],
  ['soak', '--minutes', '0'],
  ['soak', '--store', 'redis'],
  ['soak', '--store', 'memory', '--kind', 'cron'],
  ['soak', 'etcd'],
])('%s: %s %s ends with the usage and exit code 64', (tool, ...args) => {
  const given = args.filter((arg) => arg !== undefined)
  const { status, stdout, stderr } = spawnSync(process.execPath, [`tools/${tool}.mjs`, ...given], {
    encoding: 'utf8',
  })
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toContain(`usage: npm ${tool === 'test' ? 'test' : 'run soak'} -- `)
})

test.each(['', '-1', '1.5', '1e3', String(2 ** 31), 'x'])('%j is no seed', (text) => {
  expect(() => parseSeed(text, '--seed')).toThrow(`--seed: ${JSON.stringify(text)} is not a whole number`)
})
