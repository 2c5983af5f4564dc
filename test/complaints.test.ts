// The claims of docs/complaints.md: each complaint has its threads, and the named tests exist. Owns nothing of those
// tests.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Row {
  readonly complaint: string
  readonly threads: string
  readonly shown: string
}

const [told = '', shared = ''] = readFileSync('docs/complaints.md', 'utf8').split(
  /^## Complaints that Leasehold shares$/m,
)

/** The rows of all tables, without their heads. */
function rowsOf(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '))
  return lines
    .filter((line, index) => !line.startsWith('| ---') && !lines[index + 1]?.startsWith('| ---'))
    .map((line) => line.slice(2, -2).split(' | '))
    .map(([complaint = '', threads = '', shown = '']) => ({ complaint, threads, shown }))
}

/** The files and titles in a cell. A part that is no such name gives an empty file and title. */
function testsOf(shown: string): [file: string, title: string][] {
  return shown.split('<br>').map((named) => {
    const [, file = '', title = ''] = /^`([^`]+)`: "(.+)"$/.exec(named) ?? []
    return [file, title]
  })
}

/** Whether a file has exactly this string, so that a small change of a title is noticed. */
function hasTitle(file: string, title: string): boolean {
  if (!existsSync(file)) return false
  const source = readFileSync(file, 'utf8')
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((literal) => source.includes(literal))
}

/** The places of tests that are run. */
const runs =
  /^(test\/.+\.test\.ts|test\/property\/locks\/locks\.ts|src\/testing\/conformance\/.+\.ts|tools\/mutants\/.+\.mjs)$/

const rows = rowsOf(told)

test('the complaints are a table of some size', () => {
  expect(rows.length).toBeGreaterThan(50)
  expect(new Set(rows.map(({ complaint }) => complaint)).size).toBe(rows.length)
  expect(rowsOf(shared).length).toBeGreaterThan(5)
})

test.each(rows)('a thread and a test that exists: $complaint', ({ threads, shown }) => {
  for (const thread of threads.split(', ')) expect(thread).toMatch(/^\[[^\]]+\]\(https:\/\/[^\s)]+\)$/)
  for (const [file, title] of testsOf(shown)) {
    expect(file).toMatch(runs)
    expect(hasTitle(file, title), `${file} has a test ${JSON.stringify(title)}`).toBe(true)
  }
})
