// @ts-check
// `npm run chaos -- --store etcd`: worker processes on a real store, with faults on servers, links and workers. Owns its
// command line, see `usage`; docs/chaos.md has the faults and the oracles, chaos/run.mjs the run.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freshSeed, parseSeed } from '../test/property/seed.mjs'
import { readArguments } from './arguments.mjs'
import { faultNames } from './chaos/faults.mjs'
import { runChaos, workloads } from './chaos/run.mjs'
import { stages } from './chaos/stores.mjs'
import { build, main } from './install.mjs'

const usage = `usage: npm run chaos -- --store <name> [options]
  --store <name>       ${Object.keys(stages).join(', ')}
  --line <version>     the line of etcd or Consul, such as 3.7; Debian's unless given
  --minutes <number>   how long faults happen; 10 unless given
  --seed <number>      draws faults, their times and the workers' choices; fresh unless given
  --faults <a,b>       only these groups and names; all unless given:
                       ${faultNames.join(' ')}
  --workloads <a,b>    only these of ${workloads.join(', ')}
  --package <folder>   a built package to try instead of this one`

const wanted = readArguments(usage, () => {
  const { values } = parseArgs({
    options: {
      store: { type: 'string' },
      line: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      faults: { type: 'string', default: '' },
      workloads: { type: 'string', default: '' },
      package: { type: 'string' },
    },
  })
  const { store = '', line } = values
  mustBeOf(Object.keys(stages), '--store', [store])
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes < Infinity))
    throw new Error(`--minutes: ${JSON.stringify(values.minutes)} is not a number above 0`)
  const seed = values.seed === undefined ? freshSeed() : parseSeed(values.seed, '--seed')
  const faults = listOf(faultNames, '--faults', values.faults)
  return {
    store,
    line,
    minutes,
    seed,
    faults,
    workloads: listOf(workloads, '--workloads', values.workloads),
    package: values.package,
  }
})

await main(async () => {
  const { package: folder, ...plan } = wanted
  if (folder === undefined) build()
  const root = folder === undefined ? fileURLToPath(new URL('..', import.meta.url)) : resolve(folder)
  const log = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)
  const { lines, violations } = await runChaos({ ...plan, index: `${root}/dist/index.js`, log })
  process.stdout.write(`\n${lines.join('\n')}\n`)
  if (violations.length > 0) process.exitCode = 1
})
process.exit()

/**
 * The parts of a list with commas, all of them known.
 * @param {readonly string[]} known
 * @param {string} name
 * @param {string} text
 */
function listOf(known, name, text) {
  const parts = text.split(',').filter((part) => part !== '')
  mustBeOf(known, name, parts)
  return parts
}

/**
 * Throws unless each value is one of these.
 * @param {readonly string[]} known
 * @param {string} name
 * @param {readonly string[]} values
 */
function mustBeOf(known, name, values) {
  for (const value of values)
    if (!known.includes(value))
      throw new Error(`${name}: ${JSON.stringify(value)} is none of ${known.join(', ')}`)
}
