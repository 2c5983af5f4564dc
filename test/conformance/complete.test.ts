import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'

test('no backend is without its run of the conformance suite', () => {
  const backends = readdirSync('src/backends', { withFileTypes: true })
  const runs = readdirSync('test/conformance').filter((file) => file.endsWith('.test.ts'))
  for (const { name } of backends.filter((entry) => entry.isDirectory())) {
    expect(runs).toContain(`${name}.test.ts`)
  }
})
