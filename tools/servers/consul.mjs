// @ts-check
// Starts real Consul, one server or three, with persistent data. Gives tests its command and its leader. Owns Consul's
// configuration and health; cluster.mjs owns processes and folders.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memberNames, startCluster } from './cluster.mjs'
import { cleanEnvironment, runCommand } from './command.mjs'
import { serverOf } from './fetch.mjs'
import { ask, freePorts, HOST } from './loopback.mjs'
import { until } from './wait.mjs'

/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {import('./fetch.mjs').ConsulLine} ConsulLine */
/** @typedef {import('./command.mjs').Output} Output */
/**
 * @typedef {object} ConsulOptions
 * @property {ConsulLine | undefined} [line] default: 1.8 or, if that is missing, the newest
 * @property {1 | 3 | undefined} [servers] default 1
 * @property {Config | (() => Promise<Config>) | undefined} [config] laid over every server's
 *   configuration; `ports` adds to its ports. A function is asked anew each time a port was taken
 * @property {string | undefined} [token] sent by the harness where `config` turns access control on
 * @property {string | undefined} [cache]
 * @property {((line: string) => void) | undefined} [log]
 */
/**
 * @typedef {object} ConsulCluster
 * @property {string} version exact version of the servers
 * @property {string} address 'http://127.0.0.1:port' of the first server
 * @property {string[]} addresses the same of every server, dead or alive
 * @property {[Member, ...Member[]]} members
 * @property {string} dataDir gone after `close`
 * @property {(args: readonly string[], options?: ConsulCommandOptions) => Promise<Output>} consul
 *   runs the consul program as a client; a failing command resolves with its code
 * @property {() => Promise<Member>} leader waits for one when there is none
 * @property {() => Promise<void>} close
 */
/**
 * @typedef {object} ConsulCommandOptions
 * @property {string | undefined} [address] default: the first server
 * @property {string | undefined} [input] text for standard input
 * @property {number | undefined} [timeoutMs] after this it gets SIGKILL; default 15 s
 */
/** @typedef {Record<string, unknown> & { ports?: Record<string, number> }} Config */
/** @typedef {{ name: string, endpoint: string, ports: Record<string, number> }} Site */

/**
 * Starts Consul and resolves when every server can write, in about two seconds. May fetch it
 * first, see `ensureServers`.
 *
 * @param {ConsulOptions} [options]
 * @returns {Promise<ConsulCluster>}
 */
export async function startConsul(options = {}) {
  const { line, servers: count = 1, config = {}, token, cache, log } = options
  const { dir, version } = await serverOf('consul', line, { cache, log })
  const file = join(dir, 'consul')
  const cluster = await startCluster('consul', async (dataDir) => {
    const sites = await chooseSites(count, version)
    const laid = typeof config === 'function' ? await config() : config
    const shared = { sites, dataDir, config: laid, file, token }
    return Promise.all(sites.map((site) => planServer({ site, ...shared })))
  })
  const { members, dataDir, close } = cluster
  const addresses = members.map(({ endpoint }) => `http://${endpoint}`)
  const address = /** @type {string} */ (addresses[0])
  const consul = runnerOf({ file, address, token })
  const leader = () => findLeader(members, token)
  return { version, address, addresses, members, dataDir, consul, leader, close }
}

/**
 * @param {number} count
 * @param {string} version
 * @returns {Promise<Site[]>}
 */
async function chooseSites(count, version) {
  const free = await freePorts(3 * count)
  return memberNames(count).map((name, index) => {
    const [http, server, serf] = /** @type {[number, number, number]} */ (
      free.slice(3 * index, 3 * index + 3)
    )
    const ports = { http, server, serf_lan: serf, ...portsOff(version) }
    return { name, endpoint: `${HOST}:${http}`, ports }
  })
}

/**
 * Switches off the ports that a server does not use. 1.14 has one more, which older versions refuse.
 *
 * @param {string} version
 */
function portsOff(version) {
  const off = { dns: -1, grpc: -1, https: -1, serf_wan: -1 }
  return Number(version.split('.')[1]) >= 14 ? { ...off, grpc_tls: -1 } : off
}

/**
 * @param {{ site: Site, sites: Site[], dataDir: string, file: string, token: string | undefined,
 *   config: Config }} request
 * @returns {Promise<import('./member.mjs').MemberPlan>}
 */
async function planServer({ site, sites, dataDir, file, token, config }) {
  const { name, endpoint } = site
  const home = join(dataDir, name)
  await mkdir(home)
  const configFile = join(dataDir, `${name}.json`)
  const own = serverConfig(site, sites, home)
  const ports = { ...own.ports, ...config.ports }
  await writeFile(configFile, JSON.stringify({ ...own, ...config, ports }))
  return {
    name,
    endpoint,
    file,
    args: ['agent', `-config-file=${configFile}`],
    logFile: join(dataDir, `${name}.log`),
    isHealthy: () => isHealthy(name, endpoint, token),
  }
}

/**
 * @param {Site} site
 * @param {Site[]} sites
 * @param {string} home
 */
function serverConfig({ name, ports }, sites, home) {
  return {
    server: true,
    bootstrap_expect: sites.length,
    node_name: name,
    data_dir: home,
    bind_addr: HOST,
    client_addr: HOST,
    ports,
    retry_join: sites.map((site) => `${HOST}:${site.ports.serf_lan}`),
    retry_interval: '500ms',
    disable_update_check: true,
    log_level: 'WARN',
    // 1 is the value for production; the default of 5 makes elections five times slower.
    performance: { raft_multiplier: 1 },
  }
}

/**
 * Checks health by creating a session, which needs the leader, a write and the node's own registration, the last step
 * of a start. It leaves nothing behind. The name is compared because, after a conflict of ports, another test's server
 * might answer.
 *
 * @param {string} name
 * @param {string} endpoint
 * @param {string} [token]
 */
async function isHealthy(name, endpoint, token) {
  const self = await askApi(endpoint, 'GET', 'agent/self', token)
  if (self?.status !== 200 || JSON.parse(self.body).Config.NodeName !== name) return false
  const created = await askApi(endpoint, 'PUT', 'session/create', token)
  if (created?.status !== 200) return false
  const id = JSON.parse(created.body).ID
  return (await askApi(endpoint, 'PUT', `session/destroy/${id}`, token))?.status === 200
}

/**
 * @param {string} endpoint
 * @param {string} method
 * @param {string} path
 * @param {string} [token]
 */
function askApi(endpoint, method, path, token) {
  /** @type {Record<string, string>} */
  const headers = token ? { 'X-Consul-Token': token } : {}
  return ask(`http://${endpoint}/v1/${path}`, { method, headers })
}

/**
 * @param {readonly Member[]} members
 * @param {string} [token]
 * @returns {Promise<Member>}
 */
function findLeader(members, token) {
  const describe = () => `a leader among ${members.map(({ endpoint }) => endpoint).join(', ')}`
  return until(() => reportedLeader(members, token), { describe, everyMs: 50 })
}

/**
 * The leader is reported by its server port, and may have been killed a moment ago. So it counts only if it is running
 * and also names itself.
 *
 * @param {readonly Member[]} members
 * @param {string} [token]
 */
async function reportedLeader(members, token) {
  for (const member of members.filter(({ state }) => state === 'running')) {
    const self = await askApi(member.endpoint, 'GET', 'agent/self', token)
    if (self?.status !== 200) continue
    if (JSON.parse(self.body).Stats.consul.leader === 'true') return member
  }
  return undefined
}

/** @param {{ file: string, address: string, token: string | undefined }} defaults */
function runnerOf({ file, address: first, token }) {
  /** @type {ConsulCluster['consul']} */
  return (args, { address = first, input, timeoutMs = 15_000 } = {}) => {
    const login = token ? { CONSUL_HTTP_TOKEN: token } : {}
    const env = cleanEnvironment({ CONSUL_HTTP_ADDR: address, ...login })
    return runCommand(file, args, { env, input, timeoutMs })
  }
}
