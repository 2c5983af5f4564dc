// @ts-check
// How long `leasehold run x -- true` takes from its start to its end, on each store, and the start of Node itself. Owns the
// commands and the rows.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment, runCommand } from '../tools/servers/command.mjs'
import { startConsul, startEtcd } from '../tools/servers/run.mjs'
import { inRounds, timed } from './lib/measure.mjs'
import { render, row } from './lib/report.mjs'

/** LEASEHOLD_BENCH_PROGRAM names another build of the program, for a comparison in two runs. */
const program =
  process.env.LEASEHOLD_BENCH_PROGRAM ?? fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const seconds = 60

/** @param {{ json: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json }) {
  const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
  const home = mkdtempSync(join(tmpdir(), 'leasehold-start-'))
  const [etcd, consul] = await Promise.all([startEtcd({ log }), startConsul({ log })])
  const urls = {
    file: `file:${join(home, 'locks')}`,
    etcd: `etcd://${etcd.members[0].endpoint}/`,
    consul: `consul://${consul.members[0].endpoint}/`,
  }
  try {
    const { node, file, onEtcd, onConsul } = await inRounds(seconds, [
      { id: 'node', batch: timed(1, () => run(['-e', '0'])) },
      { id: 'file', batch: timed(1, () => run([program, 'run', 'x', '--', 'true'], urls.file)) },
      { id: 'onEtcd', batch: timed(1, () => run([program, 'run', 'x', '--', 'true'], urls.etcd)) },
      { id: 'onConsul', batch: timed(1, () => run([program, 'run', 'x', '--', 'true'], urls.consul)) },
    ])
    const reference = /** @type {[string, number[] | undefined]} */ (['node -e 0', node])
    const rows = [
      row('node -e 0', node),
      row('leasehold run x -- true, file', file, { reference }),
      row('leasehold run x -- true, etcd', onEtcd, { reference }),
      row('leasehold run x -- true, Consul', onConsul, { reference }),
    ]
    const store = `etcd ${etcd.version} and Consul ${consul.version}, one server each on this machine`
    return render({ title: 'start', store, rows }, json)
  } finally {
    await Promise.all([etcd.close(), consul.close()])
    rmSync(home, { recursive: true })
  }
}

/** @param {string[]} args @param {string} [url] */
async function run(args, url) {
  const env = cleanEnvironment(url ? { LEASEHOLD_URL: url } : {})
  const { code, stderr } = await runCommand(process.execPath, args, { env, timeoutMs: 30_000 })
  if (code !== 0) throw new Error(`${args.join(' ')} failed with code ${code}: ${stderr}`)
}
