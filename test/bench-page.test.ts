// The results of the benches: the page shows those of the file, and the exponents are those of the points.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { pageOf } from '../bench/lib/files.mjs'
import { exponent, series } from '../bench/lib/growth.mjs'
import { type Result, withResults } from '../bench/lib/page.mjs'

const page = readFileSync('bench/README.md', 'utf8')
const file = 'bench/results.json'
const results: Result[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []

const facts = { bench: 'scale', node: '20', cpu: 'cpu', cores: 2, os: 'Linux', commit: 'commit', date: 'day' }

test('the page of the benches shows the results of the file', () => {
  if (results.length > 0) expect(withResults(page, results)).toBe(page)
  else expect(page).toContain('all -->\n<!-- end of results -->')
})

test('the tool replaces its own part of the page, and nothing else', () => {
  const points = [1, 10, 100].map((size) => ({ size, value: size * size }))
  const first = withResults(page, [
    { ...facts, series: [series('etcd', 'growing', 'ms', points, 'was 3.0')] },
  ])
  expect(first).toContain('| etcd | growing | 1 / 10 / 100 | 1 / 100 / 10,000 ms | 2.0 | was 3.0 |')
  const second = withResults(first, [{ ...facts, bench: 'file', error: 'no disk' }])
  expect(second).not.toContain('growing')
  expect(second).toContain('file: not measured: no disk')
  expect(withResults(second, results)).toBe(withResults(page, results))
})

test('a bench that fails leaves the results of the others, and its own of an earlier run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'README.md'), page)
  const url = pathToFileURL(`${folder}/`)
  const names = async (): Promise<string[]> => {
    const kept: Result[] = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))
    return kept.map(({ bench, error }) => `${bench}${error === undefined ? '' : ': '}${error ?? ''}`)
  }
  const order = ['memory', 'file', 'scale']
  const first = await pageOf(url, order)
  await first.add({ ...facts, bench: 'scale', series: [] })
  await first.add({ ...facts, bench: 'file', error: 'no disk' })
  expect(await names()).toEqual(['file: no disk', 'scale'])
  const second = await pageOf(url, order)
  await second.add({ ...facts, bench: 'scale', error: 'no time' })
  await second.add({ ...facts, bench: 'memory', rows: [] })
  expect(await names()).toEqual(['memory', 'file: no disk', 'scale'])
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).not.toContain('no time')
})

test('an exponent is 0 for a flat series, 1 for a linear one, and none for one point or for zeros', () => {
  const of = (...values: (number | null)[]) =>
    exponent(values.map((value, index) => ({ size: 10 ** index, value })))
  expect(of(5, 5, 5)).toBeCloseTo(0)
  expect(of(3, 30, 300)).toBeCloseTo(1)
  expect(of(3, null, 300)).toBeCloseTo(1)
  expect(of(3)).toBe(null)
  expect(of(0, 0)).toBe(null)
})
