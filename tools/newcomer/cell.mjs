// One cell of the table: a way to use the package, with one Node. Owns how it is run, and what counts as success.
// @ts-check
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The versions of Node: the oldest that the package accepts, and the newest of each line. */
export const nodes = ['20.19.0', '20', '22.12.0', '22', '24', '26']

/** The line of a program that has held locks on `file:` and on `memory:` and found each promise kept. */
const success = /leasehold works: (\w+ \d+, ){2}/

/**
 * Runs the steps of a way. Returns ✓, or ✗ with the reason, or – with the reason if this Node lacks what the way needs.
 * @param {string} folder the project
 * @param {string} node a program of Node
 * @param {import('./ways.mjs').Way} way
 */
export function tryWay(folder, node, { steps, since }) {
  if (since && !isSince(versionOf(node), since)) return '–'
  const store = mkdtempSync(join(folder, 'store-'))
  let printed = ''
  try {
    for (const step of steps) {
      const env = { ...process.env, NEWCOMER_FOLDER: store, NO_COLOR: '1', NODE_OPTIONS: '' }
      const done = spawnSync(node, step, { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
      printed += `${done.stdout}${done.stderr}`
      if (done.status !== 0) return failed(printed, `${step[0]} exited with ${done.status ?? done.signal}`)
    }
    return success.test(printed) ? '✓' : failed(printed, 'it printed no success')
  } finally {
    rmSync(store, { recursive: true, force: true })
  }
}

/** @param {string} printed @param {string} otherwise */
function failed(printed, otherwise) {
  const line = printed.split('\n').find((text) => /Error|error/.test(text)) ?? otherwise
  console.error(printed.slice(-2_000))
  return `✗ ${line.trim().replaceAll('|', '\\|').slice(0, 120)}`
}

/** @param {string} node */
function versionOf(node) {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1).split('.').map(Number)
}

/** @param {number[]} version @param {number[]} since */
function isSince([major = 0, minor = 0], [sinceMajor = 0, sinceMinor = 0]) {
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)
}
