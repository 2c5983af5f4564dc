// @ts-check
// `npm run test:traces -- <node> <node>...`: the same simulated runs under each of these binaries, and under this one.
// Fails unless all give the same traces, event by event. Owns the comparison; test/property/traces/ chooses the runs.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** @typedef {{ version: string, digests: Record<string, string> }} Traces */

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, '.cache', 'traces')
const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '200' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const { runs } = values
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31))

mkdirSync(folder, { recursive: true })
const [own, ...others] = [process.execPath, ...positionals].map(trace)
if (!own) throw new Error('no traces')
let differences = 0
for (const other of others) differences += compare(own, other)
process.stdout.write(
  `seed ${seed}: ${Object.keys(own.digests).length} traces under each of ` +
    `${[own, ...others].map(({ version }) => version).join(', ')}; ${differences} differ\n`,
)
process.exitCode = differences > 0 ? 1 : 0

/**
 * Runs them all under one binary.
 * @param {string} node
 * @param {number} index
 * @returns {Traces}
 */
function trace(node, index) {
  const file = join(folder, `${index}.json`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const settings = { LEASEHOLD_TRACES: file, LEASEHOLD_TRACES_SEED: seed, LEASEHOLD_TRACES_RUNS: runs }
  const { stdout: version } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  const env = { ...process.env, ...settings }
  const { status, error, stdout } = spawnSync(node, [vitest, 'run'], { cwd: root, encoding: 'utf8', env })
  if (status !== 0) {
    process.stderr.write(`${node}: ${error?.message ?? stdout}\n`)
    process.exit(1)
  }
  return { version: version.trim(), digests: JSON.parse(readFileSync(file, 'utf8')) }
}

/**
 * Prints which traces differ, and how many.
 * @param {Traces} own
 * @param {Traces} other
 */
function compare(own, other) {
  const titles = new Set([...Object.keys(own.digests), ...Object.keys(other.digests)])
  const different = [...titles].filter((title) => own.digests[title] !== other.digests[title])
  for (const title of different.slice(0, 10)) {
    const [here, there] = [own, other].map(({ version, digests }) => `${digests[title]} under ${version}`)
    process.stdout.write(`${title} of seed ${seed}: ${here}, ${there}\n`)
  }
  return different.length
}
