import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { file } from '../../src/backends/file/index.ts'
import { conformance } from './suite.ts'

conformance('file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'leasehold-'))
  return { source: file({ directory }), close: () => rm(directory, { recursive: true }) }
})
