// Watches what the embedded backend deletes while the tests of one file run, in this process and in its children: after
// them, only files that it had created may be gone.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect } from 'vitest'
import { ownedFolder } from '../../../tools/servers/children.mjs'

if (process.env.LEASEHOLD_SHARED_PROCESS)
  throw new Error('a test that watches deletions needs a process of its own: see `alone` in vitest.config.ts')

const folder = ownedFolder('leasehold-witness').path
const log = join(folder, 'log')
/** The module for `node --import`. */
export const witness: string = pathToFileURL(join(import.meta.dirname, 'witness.mjs')).href

/** Variables that make a child process write down what it creates and deletes. */
export const watched: Readonly<Record<string, string>> = {
  LEASEHOLD_TEST_WITNESS: log,
  NODE_OPTIONS: `--import ${witness}`,
}

writeFileSync(log, '')
chmodSync(folder, 0o755) // children of other users write here, too
chmodSync(log, 0o666)
Object.assign(process.env, { ...watched, LEASEHOLD_TEST_WITNESS_OF: '/src/backends/file/' })
await import(witness)
for (const name of [...Object.keys(watched), 'LEASEHOLD_TEST_WITNESS_OF']) delete process.env[name]

afterAll(() => {
  expect(strangers(log)).toEqual([])
  rmSync(folder, { recursive: true })
})

/** The deleted paths in a log of witness.mjs that were not created before. The log files next to a database are of SQLite itself. */
export function strangers(path: string): string[] {
  const created = new Set<string>()
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => {
      const [, verb, file = ''] = /^(create|delete) (.*)$/.exec(line) ?? []
      if (verb === 'create') created.add(file)
      const database = /^leasehold\.db-(wal|shm)$/.test(basename(file)) ? file.slice(0, -4) : file
      return verb === 'delete' && !created.has(database)
    })
}
