// Makes node_modules match package-lock.json, so that a fresh clone needs no other command before `npm start` or `npm
// test`. Owns when an install is needed. Uses only Node and npm.
// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { tsc } from './compiler.mjs'

/** Installs if node_modules is missing or older than the lock file. Throws when npm fails. */
export function install() {
  const marker = 'node_modules/.package-lock.json'
  const fresh = existsSync(marker) && statSync(marker).mtimeMs >= statSync('package-lock.json').mtimeMs
  if (!fresh) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
}

/** Compiles src to dist, and bundles the program. Throws when it does not compile. */
export function build() {
  run('node', [tsc, '-p', 'tsconfig.build.json'])
  run('node', ['tools/bundle.mjs'])
}

/**
 * Runs a program with this terminal and waits for it. Throws when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 */
export function run(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (error) throw error
  if (status !== 0) throw new Failed(`${program} ${args.join(' ')} exited with ${status}`)
}

/**
 * Runs programs side by side with this terminal, and waits for all. Throws when one fails.
 * @param {readonly (readonly [program: string, args: readonly string[]])[]} commands
 */
export async function runTogether(commands) {
  const codes = commands.map(async ([program, args]) => {
    const [code] = await once(spawn(program, args, { stdio: 'inherit' }), 'close')
    return code === 0 ? [] : [`${program} ${args.join(' ')} exited with ${code}`]
  })
  const failures = (await Promise.all(codes)).flat()
  if (failures.length > 0) throw new Failed(failures.join('\n'))
}

/** The failure of a step that has printed its own error; only its name is still to be printed. */
export class Failed extends Error {}

/**
 * Runs the steps of a tool. After a failure names the step, and exits with 1.
 * @param {() => unknown} steps
 */
export async function main(steps) {
  try {
    await steps()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    process.stderr.write(`\n${message}\n`)
    process.exitCode = 1
  }
}
