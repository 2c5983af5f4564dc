// @ts-check
// Builds programs written in Go with the Go that is on PATH. What is built is pinned, with checksums, by the go.mod and
// go.sum of a folder in this repository; Go takes the modules from where this machine's Go is set up to take them.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireCommand } from './command.mjs'

/** `local`: a newer Go is never downloaded, so that nothing runs here that this machine did not have. */
const ENV = { ...process.env, GOTOOLCHAIN: 'local', GOWORK: 'off' }
const FLAGS = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-ldflags=-s -w']
/** A build from nothing takes minutes; one that takes longer than this hangs. */
const BUILD_LIMIT_MS = 1_200_000

/**
 * Builds programs of the module in `folder` into the folder `into`. Rejects, saying why, when there is no Go on PATH,
 * when it is older than the module asks for, and when a module cannot be had. Costs seconds when Go's own cache has been
 * there before; from nothing, a minute or more of both cores for each server.
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
 * Go says the same itself, but only after it was asked to build, and in its own words.
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
