// @ts-check
// `npm run test:mutants`: breaks the production code with typical mistakes, one at a time and each in a separate copy.
// Fails unless the properties of test/property/, or the test files that a mutant names, find each of them. Owns the
// copies and the verdict; mutants/table.mjs has the mistakes.
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mutants } from './mutants/table.mjs'

/** @typedef {import('./mutants/table.mjs').Mutant} Mutant */
/** @typedef {{ name: string, killed: boolean, how: string, runs?: number, round: number, seconds: number }} Verdict */

const root = fileURLToPath(new URL('..', import.meta.url))
const copies = join(root, '.cache', 'mutants')
/**
 * Plans in each round: first a few, which find most mutants, then as many as in one `npm test`. A mutant that is not
 * found by then survives.
 */
const rounds = process.env.LEASEHOLD_RUNS ? [process.env.LEASEHOLD_RUNS] : ['200', '1000']
/** The folders of the tests for each kind of run. Elections and cron jobs have fewer runs, since these take longer. */
const folders = {
  election: 'election/election',
  cron: 'cron/cron',
  etcd: 'locks/etcd',
  'etcd-delay': 'locks/etcd-delay',
  consul: 'locks/consul',
  memory: 'locks/memory',
  streams: 'streams/streams',
}
/** A mutant may make a run endless, so that it is ended after this time. */
const limitMs = 600_000
/** The unmutated code runs the tests of all mutants, on all cores. */
const soundLimitMs = 3 * limitMs

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const wanted = values.only ? mutants.filter(({ name }) => values.only?.includes(name)) : mutants
const stale = mutants.filter((mutant) => patched(mutant) === undefined)
for (const { name, file } of stale) {
  process.stderr.write(`${name}: ${file} has not exactly one place like that; bring the table up to date\n`)
}
if (stale.length > 0 || wanted.length === 0) process.exit(64)

const begun = Date.now()
rmSync(copies, { recursive: true, force: true })
const sound = await judge({
  name: 'unmutated',
  file: '',
  find: '',
  put: '',
  stores: [...new Set(wanted.flatMap(({ stores }) => stores))],
  tests: [...new Set(wanted.flatMap(({ tests = [] }) => tests))],
  by: 'progress',
})
print(sound)
if (sound.killed) {
  process.stderr.write(`the tests fail without any mutant; see .cache/mutants/unmutated/.cache/failures\n`)
  process.exit(1)
}
const verdicts = await all(wanted)
const survivors = verdicts.filter(({ killed }) => !killed)
const seconds = Math.round((Date.now() - begun) / 1_000)
process.stdout.write(
  `\n${verdicts.length - survivors.length} of ${verdicts.length} mutants killed in ${seconds} s\n`,
)
process.exitCode = survivors.length > 0 ? 1 : 0

/**
 * Judges all mutants, as many at a time as there are cores for it.
 * @param {readonly Mutant[]} mutants
 */
async function all(mutants) {
  /** @type {Verdict[]} */
  const verdicts = []
  const queue = [...mutants]
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const verdict = await judge(next)
      print(verdict)
      verdicts.push(verdict)
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  return verdicts
}

/**
 * Runs its tests against a copy of the code with this mutant in it.
 * @param {Mutant} mutant
 * @returns {Promise<Verdict>}
 */
async function judge(mutant) {
  const begun = Date.now()
  const copy = prepare(mutant)
  for (let round = mutant.file ? 1 : rounds.length; ; round += 1) {
    const runs = rounds[round - 1] ?? ''
    const { code, output } = await test(copy, mutant, runs)
    const seconds = (Date.now() - begun) / 1_000
    const found = failureIn(copy)
    if (found) return { name: mutant.name, killed: true, how: found.how, runs: found.runs, round, seconds }
    const failed = /^\s*(FAIL|⎯+ Unhandled).*$/m.exec(output)?.[0].trim()
    // Without a code it ran into the time limit. With one and without a failed test, no test ran: that kills no mutant.
    if (code && !failed) throw new Error(`the tests of ${mutant.name} did not run: ${output.slice(-2_000)}`)
    const how = code === 0 ? 'survived' : (failed ?? 'endless')
    if (code !== 0 || round === rounds.length)
      return { name: mutant.name, killed: code !== 0, how, round, seconds }
  }
}

/**
 * Makes the copy.
 * @param {Mutant} mutant
 */
function prepare(mutant) {
  const copy = join(copies, mutant.name)
  mkdirSync(copy, { recursive: true })
  // All tests, not only those of the table: they import helpers of one another from any folder.
  for (const folder of ['src', 'test']) cpSync(join(root, folder), join(copy, folder), { recursive: true })
  symlinkSync(join(root, 'tools'), join(copy, 'tools'))
  cpSync(join(root, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  // The time of a test in the project: with vitest's own five seconds a busy machine would kill what survives.
  writeFileSync(join(copy, 'vitest.config.mjs'), 'export default { test: { testTimeout: 30_000 } }\n')
  const text = patched(mutant)
  if (mutant.file && text) writeFileSync(join(copy, mutant.file), text)
  return copy
}

/**
 * The file with the mutant in it; undefined unless there is exactly one place for it.
 * @param {Mutant} mutant
 */
function patched({ file, find, put }) {
  if (!file) return ''
  const parts = readFileSync(join(root, file), 'utf8').split(find)
  return parts.length === 2 ? parts.join(put) : undefined
}

/**
 * Runs the properties that a mutant breaks, and the tests that it names, until one fails.
 * @param {string} copy
 * @param {Mutant} mutant
 * @param {string} runs
 * @returns {Promise<{ code: number | null, output: string }>}
 */
function test(copy, { file, stores, tests = [] }, runs) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const properties = stores.map((store) => `test/property/${Object(folders)[store] ?? store}.test.ts`)
  const files = [...tests.map((name) => `test/${name}.test.ts`), ...properties]
  // Two mutants are tested at a time, each on one core.
  const cores = file ? ['--no-file-parallelism'] : ['--maxWorkers=2']
  const options = ['run', '--bail=1', '--no-color', ...cores, ...files]
  const env = { ...process.env, LEASEHOLD_RUNS: runs, LEASEHOLD_SHRINKS: '0' }
  const child = spawn(process.execPath, [vitest, ...options], {
    cwd: copy,
    env,
    timeout: file ? limitMs : soundLimitMs,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}

/**
 * The failure that the properties wrote into a file.
 * @param {string} copy
 */
function failureIn(copy) {
  const folder = join(copy, '.cache', 'failures')
  const [file] = existsSync(folder) ? readdirSync(folder) : []
  if (!file) return undefined
  const { store, violations, runs } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const [{ invariant, what }] = violations
  return { how: `${store}, ${invariant}: ${what.replace(/^[\d.]+ ms: /, '')}`, runs }
}

/** @param {Verdict} verdict */
function print({ name, how, runs, round, seconds }) {
  const after = runs === undefined ? '' : `${runs} runs${round === 1 ? '' : ` of round ${round}`}`
  const short = how.length > 88 ? `${how.slice(0, 87)}…` : how
  process.stdout.write(
    `${name.padEnd(36)} ${after.padStart(20)} ${seconds.toFixed(1).padStart(5)} s  ${short}\n`,
  )
}
