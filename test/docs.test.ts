// Every block of code in the documentation is compiled and run: as `ts` against the built package, as `sh` with the
// built command on the PATH. test/cron/ runs those that need a Redis, and the manifest, which is `yaml`. Anything else
// belongs into a `text` block.
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pages } from '../tools/llms.mjs'
import { type Block, blocksOf, compileBlocks, needsRedis } from './documents.ts'

const run = promisify(execFile)
/** The pages whose code needs a server or a database; tests in folders `real/` and test/fencing.test.ts run it. */
const elsewhere = ['docs/discovery.md', 'docs/transactions.md', 'docs/fencing.md']
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'bench/README.md', ...pages()].filter(
  (document) => !elsewhere.includes(document),
)
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

const needsVitest = ({ code }: Block): boolean => code.includes("from 'vitest'")
const programs = blocks.filter((block) => block.language === 'ts' && !needsRedis(block))

test.each(programs.filter((block) => !needsVitest(block)))(
  '$title runs and exits by itself',
  async (block) => {
    // The waits of the conformance suite alone take 16 s.
    const timeout = block.code.includes('backendConformance') ? 60_000 : 20_000
    await run(process.execPath, [programOf(block)], { env: environment, timeout })
  },
  70_000,
)

test.each(programs.filter(needsVitest))('$title passes under Vitest', async (block) => {
  const config = `${programOf(block)}.config.mjs`
  writeFileSync(config, `export default { test: { include: [${JSON.stringify(programOf(block))}] } }`)
  const vitest = resolve('node_modules/vitest/vitest.mjs')
  const { stdout } = await run(process.execPath, [vitest, 'run', '--config', config], { timeout: 30_000 })
  expect(stdout).toMatch(/Tests .*1 passed/)
})

test.each(blocks.filter(({ language }) => language === 'sh'))('$title works in a shell', async ({ code }) => {
  await run('sh', ['-euc', code], { env: environment, cwd: home, timeout: 20_000 })
})
