import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { file } from '../../src/backends/file/index.ts'
import { backendConformance } from '../../src/testing/index.ts'
import '../backends/file/witnessed.ts'

const directory = await mkdtemp(join(tmpdir(), 'leasehold-'))
afterAll(() => rm(directory, { recursive: true }))

for (const { title, run, withinMs } of await backendConformance(file({ directory }))) {
  test(title, run, withinMs)
}
