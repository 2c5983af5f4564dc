// The examples of docs/cron.md on a real etcd, which answers later than a file does. test/docs.test.ts runs them on a file.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEtcd } from '../../../tools/servers/run.mjs'
import { type Block, blocksOf, compileBlocks, needsRedis } from '../../documents.ts'

const run = promisify(execFile)
const blocks = blocksOf('docs/cron.md').filter((block) => block.language === 'ts' && !needsRedis(block))
let etcd: Awaited<ReturnType<typeof startEtcd>>
let programOf: (block: Block) => string

beforeAll(async () => {
  etcd = await startEtcd({ unsafeNoFsync: true })
  programOf = compileBlocks(blocks, 'docs-etcd')
}, 60_000)
afterAll(() => etcd.close())

test.each(blocks)('$title runs on etcd, ends by itself, and warns of nothing', async (block) => {
  const env = { ...process.env, LEASEHOLD_URL: etcd.url('docs') }
  const { stderr } = await run(process.execPath, [programOf(block)], { env, timeout: 20_000 })
  // The second one is by node-cron, whose timer was late on a busy machine.
  expect(stderr.replace(/^(?:no invoices on|\[Cron\] Missed execution deadline) .*\n+/gm, '')).toBe('')
})
