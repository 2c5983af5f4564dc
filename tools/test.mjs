// `npm test`: installs, checks, fetches real servers and runs every test, with the simulated runs of this commit. Owns
// its command line, see `usage`.
// @ts-check
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { freshSeed, keptSeed, parseSeed } from '../test/property/seed.mjs'
import { readArguments } from './arguments.mjs'
import { install, main, run, runTogether } from './install.mjs'
import { ensureServers } from './servers/fetch.mjs'

const usage = `usage: npm test -- [options] [part of a test file's path]...
  -t, --testNamePattern <regex>  only the tests whose titles match
  --no-servers                   leave out what needs a real etcd or Consul
  --seed <number>                draw the simulated runs from this number and not from the repository's, ${keptSeed}
  --fresh                        draw them from a number of its own, which is printed
  --case <path>                  only this case of one test: what a failure prints
  -- <option>...                 options of vitest, such as -- --bail=1`

const wanted = readArguments(usage, () => {
  const { values, positionals } = parseArgs({
    args: ownArguments(),
    options: {
      testNamePattern: { type: 'string', short: 't' },
      'no-servers': { type: 'boolean', default: false },
      seed: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      case: { type: 'string' },
    },
    allowPositionals: true,
  })
  if (values.fresh && values.seed !== undefined) throw new Error('--fresh and --seed exclude each other')
  if (values.case !== undefined && (values.testNamePattern === undefined || values.seed === undefined))
    throw new Error('--case needs --seed and -t: it is one case of one test, drawn from one seed')
  if (values.testNamePattern !== undefined) new RegExp(values.testNamePattern) // throws if the pattern is wrong
  positionals.forEach(mustBeTests)
  return { ...values, files: positionals, seed: seedOf(values) }
})

await main(async () => {
  process.stdout.write(
    `seed ${wanted.seed}${wanted.seed === keptSeed ? '' : `: npm test -- --seed ${wanted.seed}`}\n`,
  )
  // Side by side: the checks, which install first, use the cores, and the servers come over the network.
  await Promise.all([checks(), servers()])
  process.env.LEASEHOLD_SEED = String(wanted.seed)
  if (wanted.case !== undefined) process.env.LEASEHOLD_CASE = wanted.case
  const title = wanted.testNamePattern === undefined ? [] : ['-t', wanted.testNamePattern]
  run('npx', ['--no-install', 'vitest', 'run', ...wanted.files, ...title, ...vitestArguments()])
})

/** Installs and checks. A case is replayed in search of a bug, among unfinished changes, so then the checks are left out. */
async function checks() {
  if (wanted.case !== undefined) return install()
  await runTogether([['node', ['tools/check.mjs']]])
  process.env.LEASEHOLD_DIST_IS_NEW = '1' // so that test files need not compile it once more
}

/** Gets the servers, unless they are not wanted. */
async function servers() {
  if (wanted['no-servers']) {
    process.stdout.write('\n--no-servers: whatever needs a real etcd or Consul is NOT tested in this run\n')
    process.env.LEASEHOLD_NO_SERVERS = '1'
    return
  }
  await ensureServers({ log: (line) => process.stdout.write(`${line}\n`) })
}

/** The arguments before a second `--`. */
function ownArguments() {
  const args = process.argv.slice(2)
  return args.includes('--') ? args.slice(0, args.indexOf('--')) : args
}

/** The arguments after a second `--`. */
function vitestArguments() {
  const args = process.argv.slice(2)
  return args.includes('--') ? args.slice(args.indexOf('--') + 1) : []
}

/**
 * The seed of this run.
 * @param {{ seed?: string | undefined, fresh?: boolean | undefined }} values
 */
function seedOf({ seed, fresh }) {
  if (seed !== undefined) return parseSeed(seed, '--seed')
  return fresh ? freshSeed() : keptSeed
}

/**
 * Throws unless the path of some test file contains this, in the way vitest compares; a line number may follow.
 * @param {string} part
 */
function mustBeTests(part) {
  const text = part.replace(/:\d+$/, '').replace(/^\.\//, '')
  const paths = readdirSync('test', { recursive: true, encoding: 'utf8' }).map((file) => `test/${file}`)
  if (!paths.some((path) => path.endsWith('.test.ts') && path.includes(text)))
    throw new Error(`${part}: no path of a test file in test/ has this in it`)
}
