// Every block of code in the documentation is compiled and run: as `ts` against the built package, as `sh` with the
// built command on the PATH. test/cron/ runs those that need a Redis, and the manifest, which is `yaml`. Anything else
// belongs into a `text` block.
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Block, blocksOf, compileBlocks, needsRedis } from './documents.ts'

const run = promisify(execFile)
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/command.md',
  'docs/consul.md',
  'docs/cron.md',
  'docs/etcd.md',
  'docs/errors.md',
  'docs/holds.md',
  'docs/leaders.md',
  'docs/locks.md',
  'docs/observability.md',
  'docs/safety.md',
  'docs/stores.md',
  'docs/testing.md',
  'docs/web-locks.md',
  'bench/README.md',
]
const blocks = documents.flatMap(blocksOf)
const home = mkdtempSync(join(tmpdir(), 'leasehold-docs-'))
const environment = {
  ...process.env,
  LEASEHOLD_URL: `file:${join(home, 'locks')}`,
  PATH: `${home}${delimiter}${process.env.PATH}`,
}

let programOf: (block: Block) => string

beforeAll(() => {
  programOf = compileBlocks(blocks, 'docs')
  const shim = join(home, 'leasehold')
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"\n`)
  chmodSync(shim, 0o755)
}, 60_000)

afterAll(() => rmSync(home, { recursive: true }))

/** The unit for systemd and the manifests for Kubernetes, which test/cli and test/cron run. */
const runElsewhere = ['ini', 'yaml']

test('every block is of a kind that is run, or is marked as text', () => {
  const kinds = ['ts', 'sh', 'text', ...runElsewhere]
  expect(blocks.map(({ language }) => language).filter((name) => !kinds.includes(name))).toEqual([])
})

test.each(blocks.filter((block) => block.language === 'ts' && !needsRedis(block)))(
  '$title runs and exits by itself',
  async (block) => {
    await run(process.execPath, [programOf(block)], { env: environment, timeout: 20_000 })
  },
)

test.each(blocks.filter(({ language }) => language === 'sh'))('$title works in a shell', async ({ code }) => {
  await run('sh', ['-euc', code], { env: environment, cwd: home, timeout: 20_000 })
})
