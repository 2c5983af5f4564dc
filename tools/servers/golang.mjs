// @ts-check
// Builds programs in Go with the Go on PATH. The go.mod and go.sum of a folder in this repository pin the sources with
// checksums. Go takes the modules from its usual source on this machine.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireCommand } from './command.mjs'

/** `local`: never downloads a newer Go, so only programs that this machine already has are run. */
const ENV = { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off' }
const FLAGS = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags=-s -w']
/** A build from nothing takes minutes; a build that takes longer than this hangs. */
const BUILD_LIMIT_MS = 1_200_000

/**
 * Builds programs of the module in `folder` into the folder `into`. Rejects with the reason if there is no Go on PATH,
 * if it is older than the module requires, or if a module is not available. Costs seconds if Go's own cache has the
 * packages; from nothing, a minute or more of two cores for each server.
 *
 * @param {{ folder: string, programs: Record<string, string>, into: string }} request `programs`: the name that each
 *   gets, and the package that is its main
 */
export async function buildPrograms({ folder, programs, into }) {
  await requireGo(folder)
  for (const [name, main] of Object.entries(programs)) {
    const args = ['build', ...FLAGS, '-o', join(into, name), main]
    await requireCommand('go', args, { cwd: folder, env: ENV, timeoutMs: BUILD_LIMIT_MS })
  }
}

/**
 * Go checks the version itself, but only during the build, and with a less clear message.
 *
 * @param {string} folder
 */
async function requireGo(folder) {
  const wanted = versionIn(await readFile(join(folder, 'go.mod'), 'utf8'), /^go ([\d.]+)/m)
  const asked = await requireCommand('go', ['env', 'GOVERSION'], { env: ENV }).catch(noGo)
  const found = versionIn(asked.stdout, /go([\d.]+)/)
  if (found.localeCompare(wanted, 'en', { numeric: true }) >= 0) return
  throw new Error(`Go ${wanted} or newer is needed, and the go on PATH is ${found}`)
}

/** @param {NodeJS.ErrnoException} cause @returns {never} */
function noGo(cause) {
  if (cause.code !== 'ENOENT') throw cause
  throw new Error('there is no go on PATH', { cause })
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 */
function versionIn(text, pattern) {
  return pattern.exec(text)?.[1] ?? 'of an unknown version'
}
