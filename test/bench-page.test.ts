// The results of the benches: the page shows those of the file, and the exponents are those of the points.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
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

test('an exponent is 0 for a flat series, 1 for a linear one, and none for one point or for zeros', () => {
  const of = (...values: (number | null)[]) =>
    exponent(values.map((value, index) => ({ size: 10 ** index, value })))
  expect(of(5, 5, 5)).toBeCloseTo(0)
  expect(of(3, 30, 300)).toBeCloseTo(1)
  expect(of(3, null, 300)).toBeCloseTo(1)
  expect(of(3)).toBe(null)
  expect(of(0, 0)).toBe(null)
})
