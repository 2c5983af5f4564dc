// @ts-check
// `npm run soak -- --minutes 60`: new simulated runs of every store and kind, side by side, for this time. Owns the
// command line, see `usage`; test/property/soak/ has the runs and the report.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freshSeed, parseSeed } from '../test/property/seed.mjs'
import { readArguments } from './arguments.mjs'

const stores = ['etcd', 'etcd-delay', 'consul', 'memory']
const kinds = ['troubled', 'healthy', 'shapes', 'election', 'cron']
/** A process that stops would stop the store in it. */
const kindsInMemory = ['healthy', 'shapes']
const usage = `usage: npm run soak -- [options]
  --minutes <number>  how long; 30 unless given
  --seed <number>     begin with the runs of this seed and not with fresh ones
  --store <name>      only this one of ${stores.join(', ')}
  --kind <name>       only this one of ${kinds.join(', ')}
  --case <path>       only this case: what a failure prints, with its seed, store and kind`

const wanted = readArguments(usage, () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string' },
      store: { type: 'string' },
      kind: { type: 'string' },
      case: { type: 'string' },
    },
  })
  const { seed, store, kind } = values
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes < Infinity))
    throw new Error(`--minutes: ${JSON.stringify(values.minutes)} is not a number above 0`)
  mustBeOneOf(stores, '--store', store)
  mustBeOneOf(kinds, '--kind', kind)
  if (store === 'memory' && kind !== undefined && !kindsInMemory.includes(kind))
    throw new Error(
      `--store memory has no runs but --kind ${kindsInMemory.join(' and ')}: a process that stops would stop the store in it`,
    )
  if (values.case !== undefined && (seed === undefined || store === undefined || kind === undefined))
    throw new Error('--case needs --seed, --store and --kind: it is one run, drawn from one seed')
  return { ...values, minutes, seed: seed === undefined ? freshSeed() : parseSeed(seed, '--seed') }
})

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
process.stdout.write(`seed ${wanted.seed}: npm run soak -- --seed ${wanted.seed}\n`)
const env = {
  ...process.env,
  LEASEHOLD_SOAK_MINUTES: String(wanted.minutes),
  LEASEHOLD_SEED: String(wanted.seed),
  ...(wanted.store && { LEASEHOLD_SOAK_STORE: wanted.store }),
  ...(wanted.kind && { LEASEHOLD_SOAK_KIND: wanted.kind }),
  ...(wanted.case !== undefined && { LEASEHOLD_CASE: wanted.case }),
}
const { status } = spawnSync(process.execPath, [vitest, 'run'], { cwd: root, stdio: 'inherit', env })
process.exit(status ?? 1)

/**
 * Throws unless the value is one of these, or missing.
 * @param {readonly string[]} known
 * @param {string} name
 * @param {string | undefined} value
 */
function mustBeOneOf(known, name, value) {
  if (value !== undefined && !known.includes(value))
    throw new Error(`${name}: ${JSON.stringify(value)} is none of ${known.join(', ')}`)
}
