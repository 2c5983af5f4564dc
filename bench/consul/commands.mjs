// @ts-check
// `consul lock` and `leasehold run` as whole processes, each with `true` under its lock. Owns how they are started,
// and how the bench sees that they wait.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment, runCommand } from '../../tools/servers/command.mjs'
import { serverOf } from '../../tools/servers/run.mjs'
import { now, sleep } from '../lib/measure.mjs'

/** @typedef {(endpoint: string, name: string) => () => Promise<void>} Command */
/** @typedef {import('../lib/contenders.mjs').Contender} Contender */

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const timeoutMs = 30_000
/** The time from the moment at which all have sessions until all wait. */
const settleMs = 300

/** The commands that are compared. */
export async function commands() {
  const consul = join((await serverOf('consul', undefined)).dir, 'consul')
  return {
    nothing: () => run('true', [], {}),
    node: () => run(process.execPath, ['-e', '0'], {}),
    /** @type {Command} */
    consulLock: (endpoint, name) => () =>
      run(consul, ['lock', name, 'true'], { CONSUL_HTTP_ADDR: `http://${endpoint}` }),
    /** @type {Command} */
    leaseholdRun: (endpoint, name) => () =>
      run(process.execPath, [program, 'run', name, '--quiet', '--', 'true'], {
        LEASEHOLD_URL: `consul://${endpoint}/`,
      }),
  }
}

/**
 * Lets `count` processes wait in line behind one holder, and then releases it. Resolves with the time in ms until all
 * have had their turn and ended.
 *
 * @param {number} count
 * @param {() => Promise<void>} command
 * @param {{ hold: () => Promise<() => Promise<unknown>>, sessions: () => Promise<number> }} how
 *   `sessions` counts those of the server
 */
export async function inLine(count, command, { hold, sessions }) {
  const release = await hold()
  const before = await sessions()
  const ended = Promise.all(Array.from({ length: count }, command))
  while ((await sessions()) < before + count) await sleep(20)
  await sleep(settleMs)
  const start = now()
  await release()
  await ended
  return now() - start
}

/** @param {string} file @param {string[]} args @param {NodeJS.ProcessEnv} extra */
async function run(file, args, extra) {
  const { code, stderr } = await runCommand(file, args, { env: cleanEnvironment(extra), timeoutMs })
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} failed with code ${code}: ${stderr}`)
}
