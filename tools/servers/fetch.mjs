// @ts-check
// Finds the servers for the tests: on PATH, otherwise in the cache, otherwise in Debian's packages or as sources that
// Go builds. The latter two go into the cache and are never installed. wanted.mjs lists them; run.mjs starts them.

import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fingerprint, intoCache, readLabel } from './cache.mjs'
import { cleanEnvironment, runCommand } from './command.mjs'
import { unpackPackages } from './debian.mjs'
import { buildPrograms } from './golang.mjs'
import { CONSUL_LINES, defaultLine, ETCD_LINES } from './wanted.mjs'

/** @typedef {import('./wanted.mjs').EtcdLine} EtcdLine */
/** @typedef {import('./wanted.mjs').ConsulLine} ConsulLine */
/** @typedef {import('./wanted.mjs').Wanted} Wanted */
/** @typedef {{ dir: string, version: string, from: 'PATH' | 'Debian' | 'Go' }} Server a bin folder */
/** @typedef {{ wanted: Wanted, reason: string }} LeftOut */
/**
 * @typedef {object} Servers
 * @property {Partial<Record<EtcdLine, Server>>} etcd at least one
 * @property {Partial<Record<ConsulLine, Server>>} consul at least one
 * @property {LeftOut[]} leftOut the lines that could not be had, and why
 */
/**
 * @typedef {object} FetchOptions
 * @property {string | undefined} [cache] default: DEFAULT_CACHE
 * @property {((line: string) => void) | undefined} [log] hears what is fetched; default: silent
 */
/** @typedef {{ cache: string, log: (line: string) => void }} Settings */

/** The folder of fetched servers: `.cache/servers` in the repository, which git ignores. */
export const DEFAULT_CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url))

/** A process tells its children which servers it could not get, since finding out can take long. */
const KNOWN_MISSING = 'LEASEHOLD_SERVERS_LEFT_OUT'

/**
 * Makes the lines of etcd and Consul available, and resolves with their folders. Needs no network and only
 * milliseconds if they are cached. A program on PATH serves its own line; one of an unlisted line is used if no listed
 * line is available. Several processes may run this at once. Lines that Go builds are left out if they cannot be
 * built; `log` gets their names and the reasons. Rejects with the packages to install if a line of Debian is missing
 * and PATH has no server of that kind.
 *
 * @param {FetchOptions} [options]
 * @returns {Promise<Servers>}
 */
export async function ensureServers({ cache = DEFAULT_CACHE, log = () => {} } = {}) {
  // apt and go run in their own folders, where a relative path would mean another folder.
  const settings = { cache: resolve(cache), log }
  const [etcd, consul] = await Promise.all([
    obtainLines(Object.values(ETCD_LINES), settings),
    obtainLines(wantedConsul(), settings),
  ])
  const fatal = [etcd, consul].flatMap((each) => each.fatal)
  if (fatal.length > 0) throw failure(fatal)
  return { etcd: etcd.found, consul: consul.found, leftOut: [...etcd.leftOut, ...consul.leftOut] }
}

/**
 * The server of a line. Without a line that of the default one or, if that is missing, the newest one. Rejects if
 * there is none of that line.
 *
 * @param {'etcd' | 'consul'} kind
 * @param {string | undefined} line
 * @param {FetchOptions} [options]
 * @returns {Promise<Server>}
 */
export async function serverOf(kind, line, options) {
  const { [kind]: servers, leftOut } = await ensureServers(options)
  const lines = /** @type {Record<string, Server | undefined>} */ (servers)
  const server = line ? lines[line] : (lines[defaultLine(kind)] ?? lines[newestFirst(lines)[0] ?? ''])
  if (server) return server
  const why = leftOut.find(({ wanted }) => wanted.kind === kind && wanted.line === line)?.reason
  throw new Error(`There is no ${kind} ${line ?? ''} here: ${why ?? 'the tests do not know that line'}`)
}

/** @param {object} lines */
function newestFirst(lines) {
  return Object.keys(lines).sort((one, other) => minor(other) - minor(one))
}

/** @param {string} line */
function minor(line) {
  return Number(line.split('.')[1])
}

/** Building Consul from nothing takes minutes, so it is done only on request. */
function wantedConsul() {
  return Object.values(CONSUL_LINES).filter(({ line, debian }) => debian || line === defaultLine('consul'))
}

/**
 * All lines of one kind. Never rejects: it tries all of them, so that one message can name everything that is missing,
 * and no download is cut off.
 *
 * @param {readonly Wanted[]} lines
 * @param {Settings} settings
 */
async function obtainLines(lines, settings) {
  const onPath = await serversOnPath(/** @type {Wanted} */ (lines[0]))
  /** @type {Record<string, Server>} */
  const found = {}
  /** @type {LeftOut[]} */
  const leftOut = []
  // One after another, since a build keeps all cores busy; fast ones first.
  for (const wanted of lines.toSorted((one, other) => Number(!one.debian) - Number(!other.debian))) {
    const own = onPath.find(({ version }) => version.startsWith(`${wanted.line}.`))
    const outcome = own ?? (await obtain(wanted, settings))
    if ('dir' in outcome) found[wanted.line] = outcome
    else leftOut.push(outcome)
  }
  const [stranger] = onPath
  const { kind } = /** @type {Wanted} */ (lines[0])
  if (stranger && Object.keys(found).length === 0) found[defaultLine(kind)] = stranger
  const fatal = stranger ? [] : leftOut.filter(({ wanted }) => wanted.debian)
  return { found, leftOut, fatal }
}

/**
 * @param {Wanted} wanted
 * @param {Settings} settings
 * @returns {Promise<Server | LeftOut>}
 */
async function obtain(wanted, settings) {
  const name = `${wanted.kind} ${wanted.line}`
  const known = knownMissing()
  const before = known[name]
  if (before !== undefined) return { wanted, reason: before }
  try {
    return await cachedOrMade(wanted, settings)
  } catch (error) {
    const reason = /** @type {Error} */ (error).message
    if (wanted.go) process.env[KNOWN_MISSING] = JSON.stringify({ ...known, [name]: reason })
    settings.log(`Going without ${name}, so its tests are NOT part of this run: ${reason}`)
    return { wanted, reason }
  }
}

/** @returns {Record<string, string>} */
function knownMissing() {
  return JSON.parse(process.env[KNOWN_MISSING] ?? '{}')
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
 * @param {Settings} settings
 * @returns {Promise<Server>}
 */
async function cachedOrMade(wanted, { cache, log }) {
  const { kind, line, debian, go } = wanted
  // Other pinned versions get another folder. A package of Debian stays until the cache is emptied.
  const home = join(cache, `${kind}-${line}${go ? `-${await fingerprint(go.folder)}` : ''}`)
  const cached = await readLabel(home)
  const how = debian
    ? `Fetching ${kind} ${line} from Debian ${debian.suite}`
    : `Building ${kind} ${line} with Go`
  if (!cached) log(`${how} into the cache`)
  const label = cached ?? (await make(wanted, home))
  return { dir: join(home, 'usr/bin'), version: String(label.version), from: debian ? 'Debian' : 'Go' }
}

/**
 * @param {Wanted} wanted
 * @param {string} home
 */
function make({ kind, debian, go }, home) {
  return intoCache(home, async (fresh, work) => {
    const bin = join(fresh, 'usr/bin')
    const files = debian && (await unpackPackages({ ...debian, into: fresh, work }))
    if (go) await buildPrograms({ ...go, into: bin })
    return { version: await versionOf(join(bin, kind)), suite: debian?.suite, files }
  })
}

/** @param {LeftOut[]} missing */
function failure(missing) {
  const lines = missing.map(({ wanted: { kind, line, binaries, debian }, reason }) =>
    [
      `Cannot get ${kind} ${line} for the tests: ${reason}`,
      `  Put ${binaries.join(' and ')} ${line}.x into one folder of PATH, or run this on Debian`,
      `  with apt and a mirror that carries ${debian?.packages.join(' and ')} of ${debian?.suite}.`,
    ].join('\n'),
  )
  const wayRound = 'To test without real servers, say so: npm test -- --no-servers'
  return new Error([...lines, wayRound].join('\n'))
}

/** Prints the folder of each server, and fetches the missing ones. */
async function main() {
  const { etcd, consul } = await ensureServers({ log: (line) => console.error(line) })
  for (const [kind, servers] of Object.entries({ etcd, consul })) {
    for (const line of newestFirst(servers)) {
      const { version, from, dir } = /** @type {Record<string, Server>} */ (servers)[line] ?? {}
      console.log(`${`${kind} ${line}`.padEnd(11)} ${version?.padEnd(8)} ${from?.padEnd(6)} ${dir}`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
