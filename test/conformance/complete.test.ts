import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const backends = readdirSync('src/backends', { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && entry.name !== 'shared',
)

test.each(backends.map(({ name }) => name))('%s has a run of the conformance suite', (name) => {
  const run = readFileSync(`test/conformance/${name}.test.ts`, 'utf8')
  expect(run).toContain(`src/backends/${name}/index.ts`)
  expect(run).toContain('await backendConformance(')
})
