// @ts-check
// All benches one after the other, each in a process of its own, as results.json and as a part of README.md with a plot. Owns
// these three files and the time that a bench may take; each bench measures by itself, and lib/page.mjs has the form of the page.
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { spawnOwned } from '../tools/servers/children.mjs'
import { pageOf } from './lib/files.mjs'
import { now } from './lib/measure.mjs'
import { machineFacts } from './lib/report.mjs'

/** @typedef {import('./lib/page.mjs').Result} Result */

const benches = ['memory', 'file', 'etcd', 'consul', 'peers', 'start', 'scale']
const tool = fileURLToPath(new URL('../tools/bench.mjs', import.meta.url))
const progress = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

/** A bench that takes longer is ended, so that the others have their turn. The longest takes 6 minutes. */
const mostMs = 15 * 60_000

/**
 * About 17 minutes, with `small` 12. The files are written after each bench, so an end before its time loses one bench. `only`
 * has names of benches: then the others keep their earlier results. Sets the exit code 1 if a bench failed.
 *
 * @param {{ small?: boolean, only?: string | undefined }} options
 * @returns {Promise<string>} what to print
 */
export default async function bench({ small = false, only }) {
  const names = chosen(only)
  const page = await pageOf(new URL('.', import.meta.url), benches)
  const began = now()
  /** @type {string[]} */
  const failed = []
  for (const name of names) {
    progress(`${new Date().toISOString()} ${name}`)
    const result = await measured(name, small)
    if (result.error !== undefined) failed.push(name)
    await page.add(result)
    progress(`${name} took ${minutes(result.tookMs)}`)
  }
  if (failed.length > 0) process.exitCode = 1
  const again =
    failed.length > 0 ? `not measured: ${failed.join(', ')}; repeat with --only '${failed.join(' ')}'\n` : ''
  return `bench/results.json and bench/README.md are written; ${await page.plot()}\n${again}${minutes(now() - began)} in all\n`
}

/** @param {string | undefined} only */
function chosen(only) {
  const words = only?.split(/[ ,]+/) ?? []
  const unknown = words.filter((word) => !benches.includes(word))
  if (unknown.length > 0) throw new Error(`--only takes ${benches.join(', ')}, not ${unknown.join(', ')}`)
  return benches.filter((name) => words.length === 0 || words.includes(name))
}

/** A bench that fails leaves its error, and the others go on. @param {string} name @param {boolean} small @returns {Promise<Result>} */
async function measured(name, small) {
  const began = now()
  const about = () => ({ tookMs: Math.round(now() - began) })
  try {
    return { ...JSON.parse(await output(name, small)), ...about() }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    progress(`${name} failed: ${message}`)
    return { bench: name, ...machineFacts(), error: message, ...about() }
  }
}

/** The document that a bench prints. @param {string} name @param {boolean} small */
async function output(name, small) {
  const args = [tool, name, '--json', ...(small && name === 'scale' ? ['--small'] : [])]
  const child = spawnOwned(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), mostMs) // its servers end with it
  try {
    const [printed, how] = await Promise.all([
      text(/** @type {import('node:stream').Readable} */ (child.stdout)),
      exited,
    ])
    if (how === 'SIGKILL') throw new Error(`it did not end within ${minutes(mostMs)}`)
    if (how !== 0) throw new Error(`it ended with ${how}`)
    return printed
  } finally {
    clearTimeout(timer)
  }
}

/** @param {number} [ms] */
function minutes(ms = 0) {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
