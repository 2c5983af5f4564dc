// The command outside of any project, on a Node without SQLite: the error names the command to run.

import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtPackage } from '../built.ts'
import { temporaryFolder } from './leasehold.ts'

test.runIf(process.versions.sqlite === undefined)('without libsql, file: says what to install', () => {
  const folder = temporaryFolder()
  cpSync(builtPackage(), folder, { recursive: true })
  const args = [join(folder, 'dist/cli/main.js'), 'run', 'x', '--url', `file:${folder}/locks`, '--', 'true']

  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder })

  expect(stderr).toMatch(
    /^leasehold: file: Node \d.* npm install libsql@0\.5 \(with -g .*\), or use Node 22\.13 or later\n$/,
  )
  expect(status).toBe(69)
})
