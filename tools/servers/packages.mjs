// @ts-check
// Programs and libraries of Debian that only a few tests need, unpacked into the cache and never installed: Redis,
// libfaketime, shells, and an init. Owns which packages they are. fetch.mjs has the servers that Leasehold speaks to.

import { existsSync, readdirSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { intoCache, readLabel } from './cache.mjs'
import { unpackPackages } from './debian.mjs'
import { DEFAULT_CACHE } from './fetch.mjs'

const SUITE = 'bookworm'

/**
 * Redis: that of PATH, else that of Debian. Rejects with what to install if there is none.
 *
 * @returns {Promise<string[]>} the program, with the arguments that come first
 */
export async function redisProgram() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  const own = folders.map((folder) => join(folder, 'redis-server')).find((file) => existsSync(file))
  if (own) return [own]
  const home = await unpacked('redis', ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'])
  const libraries = libraryFolders(home).join(delimiter)
  return ['env', `LD_LIBRARY_PATH=${libraries}`, join(home, 'usr/bin/redis-server')]
}

/**
 * The environment of a process whose wall clock is ahead by so much, and behind if it is negative, as that of a machine
 * whose clock is wrong. Its children have the same clock. Monotonic time stays as it is.
 *
 * @param {number} aheadMs
 * @returns {Promise<Record<string, string>>}
 */
export async function clockAhead(aheadMs) {
  const home = await unpacked('faketime', ['libfaketime'])
  const library = libraryFolders(home)
    .map((folder) => join(folder, 'faketime/libfaketime.so.1'))
    .find((file) => existsSync(file))
  if (!library) throw new Error(`${home} has no libfaketime.so.1`)
  const FAKETIME = `${aheadMs < 0 ? '-' : '+'}${Math.abs(aheadMs) / 1_000}`
  return { LD_PRELOAD: library, FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' }
}

/** @typedef {{ file: string, env: Record<string, string>, home: string }} Tool `home` is its root folder */

const TOOLS = {
  zsh: { folder: 'bin', name: 'zsh' },
  fish: { folder: 'usr/bin', name: 'fish' },
  tini: { folder: 'usr/bin', name: 'tini-static' },
}
const TOOL_PACKAGES = [
  ...['zsh', 'zsh-common', 'fish', 'fish-common', 'tini'],
  ...['libncursesw6', 'libtinfo6', 'libcap2', 'libpcre2-32-0'],
]

/**
 * The shells that complete arguments, and tini, the init of `docker run --init`: those of Debian, always of the same
 * version. All of them are fetched at once: 12 MB. Rejects with what to install if there is none.
 *
 * @param {keyof typeof TOOLS} tool
 * @returns {Promise<Tool>} `env` has the variables that it needs
 */
export async function toolProgram(tool) {
  const home = await unpacked('tools', TOOL_PACKAGES)
  const { folder, name } = TOOLS[tool]
  const libraries = [...libraryFolders(home), ...libraryFolders(home, 'lib')]
  return { file: join(home, folder, name), env: { LD_LIBRARY_PATH: libraries.join(delimiter) }, home }
}

/**
 * @param {string} home
 * @param {string} [below]
 * @returns {string[]}
 */
function libraryFolders(home, below = 'usr/lib') {
  return readdirSync(join(home, below)).map((name) => join(home, below, name))
}

/**
 * @param {string} name
 * @param {string[]} packages
 * @returns {Promise<string>} the folder
 */
async function unpacked(name, packages) {
  const home = join(resolve(DEFAULT_CACHE), `${name}-${SUITE}`)
  if (await readLabel(home)) return home
  try {
    await intoCache(home, async (fresh, work) => ({
      files: await unpackPackages({ suite: SUITE, packages, into: fresh, work }),
    }))
    return home
  } catch (cause) {
    const wanted = `Run this on Debian, with apt and a mirror that carries ${packages.join(' and ')} of ${SUITE}.`
    throw new Error(`Cannot get ${name} for the tests. ${wanted}`, { cause })
  }
}
