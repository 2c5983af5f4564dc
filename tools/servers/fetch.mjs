// @ts-check
// Finds the servers that the tests run against: on PATH, else in the cache, else in Debian's
// packages, which are unpacked into the cache and never installed. Starting them is run.mjs's.

import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment, runCommand } from './command.mjs'
import { unpackPackages } from './debian.mjs'

/** @typedef {'3.5' | '3.4'} EtcdLine */
/** @typedef {{ dir: string, version: string, from: 'PATH' | 'Debian' }} Server a bin folder */
/** @typedef {{ etcd: Partial<Record<EtcdLine, Server>>, consul: Server }} Servers */
/**
 * @typedef {object} FetchOptions
 * @property {string | undefined} [cache] default: DEFAULT_CACHE
 * @property {((line: string) => void) | undefined} [log] hears what is fetched; default: silent
 */
/** @typedef {{ cache: string, log: (line: string) => void }} Settings */
/** @typedef {{ wanted: Wanted, reason: Error }} Missing */
/**
 * @typedef {object} Wanted
 * @property {'etcd' | 'consul'} kind
 * @property {string} line minor version that Debian's suite carries
 * @property {string[]} binaries
 * @property {string} suite
 * @property {string[]} packages
 */

/** Where unpacked servers are kept: `.cache/servers` in the repository, which git ignores. */
export const DEFAULT_CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url))

const ETCD = {
  kind: /** @type {const} */ ('etcd'),
  binaries: ['etcd', 'etcdctl'],
  packages: ['etcd-server', 'etcd-client'],
}
/** @type {Record<EtcdLine | 'consul', Wanted>} */
const WANTED = {
  3.5: { ...ETCD, line: '3.5', suite: 'trixie' },
  3.4: { ...ETCD, line: '3.4', suite: 'bookworm' },
  consul: {
    kind: 'consul',
    line: '1.8',
    binaries: ['consul'],
    suite: 'bullseye',
    packages: ['consul'],
  },
}

/**
 * Makes etcd 3.5, etcd 3.4 and Consul available and says in which folders. Without network and
 * within milliseconds when they are cached. Any Consul on PATH serves. An etcd on PATH serves its
 * own line; one of another line stands in only when neither line can be had, and then as the only
 * one. Safe to run many times at once. Rejects, naming what to install, when a server cannot be
 * had; a line is left out only where an etcd on PATH is there instead.
 *
 * @param {FetchOptions} [options]
 * @returns {Promise<Servers>}
 */
export async function ensureServers({ cache = DEFAULT_CACHE, log = () => {} } = {}) {
  // apt runs in a folder of its own, where a relative path would mean something else.
  const settings = { cache: resolve(cache), log }
  const [etcds, consuls] = await Promise.all([serversOnPath(WANTED['3.5']), serversOnPath(WANTED.consul)])
  const [newer, older, consul] = await Promise.all([
    obtain(WANTED['3.5'], etcds.find(isOfLine('3.5')), settings),
    obtain(WANTED['3.4'], etcds.find(isOfLine('3.4')), settings),
    obtain(WANTED.consul, consuls[0], settings),
  ])
  const etcd = chooseEtcd(newer, older, etcds[0])
  const missing = [newer, older, consul].filter((outcome) => 'reason' in outcome)
  const fatal = etcds[0] ? goWithoutEtcd(missing, log) : missing
  if ('reason' in consul || fatal.length > 0) throw failure(fatal)
  return { etcd, consul }
}

/**
 * @param {Missing[]} missing
 * @param {(line: string) => void} log
 */
function goWithoutEtcd(missing, log) {
  for (const { wanted, reason } of missing.filter(({ wanted }) => wanted.kind === 'etcd')) {
    log(`Going without etcd ${wanted.line}, as another is on PATH: ${reason.message}`)
  }
  return missing.filter(({ wanted }) => wanted.kind !== 'etcd')
}

/** @param {EtcdLine} line */
function isOfLine(line) {
  return (/** @type {Server} */ { version }) => version.startsWith(`${line}.`)
}

/**
 * @param {Server | Missing} newer
 * @param {Server | Missing} older
 * @param {Server | undefined} stranger
 * @returns {Servers['etcd']}
 */
function chooseEtcd(newer, older, stranger) {
  /** @type {Servers['etcd']} */
  const found = {}
  if ('dir' in newer) found['3.5'] = newer
  if ('dir' in older) found['3.4'] = older
  if ('dir' in newer || 'dir' in older || !stranger) return found
  // Tests ask for 3.5 when they do not care, so that is the place a stranger takes.
  return { 3.5: stranger }
}

/**
 * Never rejects: all three are tried to the end, so that one message can name all that is missing
 * and no download is cut off half way.
 *
 * @param {Wanted} wanted
 * @param {Server | undefined} onPath
 * @param {Settings} settings
 * @returns {Promise<Server | Missing>}
 */
async function obtain(wanted, onPath, settings) {
  if (onPath) return onPath
  return cachedOrUnpacked(wanted, settings).catch((reason) => ({ wanted, reason }))
}

/**
 * @param {Wanted} wanted
 * @returns {Promise<Server[]>} in the order of PATH
 */
async function serversOnPath({ kind, binaries }) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  const complete = folders.filter((dir) => binaries.every((name) => existsSync(join(dir, name))))
  return Promise.all(
    [...new Set(complete)].map(async (dir) => ({
      dir,
      version: await versionOf(join(dir, kind)),
      from: /** @type {const} */ ('PATH'),
    })),
  )
}

/** @param {string} binary */
async function versionOf(binary) {
  const output = await runCommand(binary, ['--version'], { env: cleanEnvironment() })
  const version = /(?:Version: |v)(\d+\.\d+\.\d+\S*)/.exec(output.stdout)?.[1]
  if (!version) throw new Error(`${binary} does not run here: ${output.stderr.trim()}`)
  return version
}

/**
 * @param {Wanted} wanted
 * @param {Settings} options
 * @returns {Promise<Server>}
 */
async function cachedOrUnpacked(wanted, { cache, log }) {
  const home = join(cache, `${wanted.kind}-${wanted.line}`)
  const cached = await readCached(home)
  if (cached) return cached
  log(`Fetching ${wanted.kind} ${wanted.line} from Debian ${wanted.suite} into the cache`)
  await mkdir(cache, { recursive: true })
  return unpackIntoCache(wanted, home)
}

/**
 * @param {string} home
 * @returns {Promise<Server | undefined>}
 */
async function readCached(home) {
  const text = await readFile(join(home, 'server.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  return { dir: join(home, 'usr/bin'), version: JSON.parse(text).version, from: 'Debian' }
}

/**
 * Everything is made in a sibling folder and appears under its name in one rename, so a cached
 * folder is always complete, however many processes fetch at once and wherever one was killed.
 *
 * @param {Wanted} wanted
 * @param {string} home
 * @returns {Promise<Server>}
 */
async function unpackIntoCache(wanted, home) {
  const work = await mkdtemp(`${home}.part-`)
  try {
    const fresh = join(work, 'unpacked')
    const { suite, packages } = wanted
    const files = await unpackPackages({ suite, packages, into: fresh, work })
    const version = await versionOf(join(fresh, 'usr/bin', wanted.kind))
    await writeFile(join(fresh, 'server.json'), JSON.stringify({ version, suite, files }))
    await rename(fresh, home).catch(ignoreLostRace)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  const cached = await readCached(home)
  if (!cached) throw new Error(`the cache lost ${wanted.kind} ${wanted.line} again`)
  return cached
}

/** @param {NodeJS.ErrnoException} error */
function ignoreLostRace(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
}

/** @param {Missing[]} missing */
function failure(missing) {
  const lines = missing.map(({ wanted: { kind, line, binaries, suite, packages }, reason }) =>
    [
      `Cannot get ${kind} ${line} for the tests: ${reason.message}`,
      `  Put ${binaries.join(' and ')} ${line}.x into one folder of PATH, or run this on Debian`,
      `  with apt and a mirror that carries ${packages.join(' and ')} of ${suite}.`,
    ].join('\n'),
  )
  const wayRound = 'To test without real servers, say so: npm test -- --no-servers'
  return new Error([...lines, wayRound].join('\n'), { cause: missing[0]?.reason })
}

/** Prints where each server is, fetching what is missing. */
async function main() {
  const { etcd, consul } = await ensureServers({ log: (line) => console.error(line) })
  for (const [line, server] of Object.entries(etcd)) print(`etcd ${line}`, server)
  print('consul', consul)
}

/**
 * @param {string} name
 * @param {Server} server
 */
function print(name, { version, from, dir }) {
  console.log(`${name.padEnd(9)} ${version.padEnd(8)} ${from.padEnd(6)} ${dir}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
