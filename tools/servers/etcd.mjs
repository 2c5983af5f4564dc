// @ts-check
// Starts real etcd, one member or three, and gives tests the handle to it. Owns etcd's flags and health. cluster.mjs
// owns processes and folders, etcd-questions.mjs the questions.

import { join } from 'node:path'
import { memberNames, startCluster } from './cluster.mjs'
import { cleanEnvironment, runCommand } from './command.mjs'
import { Etcdctl, enableAuth, findLeader, readMetrics } from './etcd-questions.mjs'
import { serverOf } from './fetch.mjs'
import { ask, freePorts, HOST } from './loopback.mjs'

/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {import('./command.mjs').Output} Output */
/** @typedef {import('./fetch.mjs').EtcdLine} EtcdLine */
/** @typedef {import('./etcd-questions.mjs').EtcdctlOptions} EtcdctlOptions */
/** @typedef {import('./etcd-questions.mjs').PipedChild} PipedChild */
/** @typedef {(target: string) => Promise<string>} PeerLink */
/** @typedef {{ user: 'root', password: string }} EtcdAuth etcd insists on a user called root */
/**
 * @typedef {object} EtcdOptions
 * @property {EtcdLine | undefined} [line] default: 3.5 or, if that is missing, the newest
 * @property {1 | 3 | undefined} [members] default 1
 * @property {EtcdAuth | undefined} [auth] turns authentication on after the start
 * @property {string[] | undefined} [extraArgs] further flags of every member
 * @property {PeerLink | undefined} [peerLink] opens a link in front of the port of each member for its peers; resolves
 *   with its 'host:port'
 * @property {boolean | undefined} [unsafeNoFsync] durability for speed, if it can; default no
 * @property {string | undefined} [cache]
 * @property {((line: string) => void) | undefined} [log]
 */
/**
 * @typedef {object} EtcdCluster
 * @property {string} version exact version of the servers
 * @property {string[]} endpoints 'host:port' of every member, dead or alive
 * @property {[Member, ...Member[]]} members
 * @property {string} dataDir gone after `close`
 * @property {(namespacePath?: string) => string} url 'etcd://a,b,c/ns/'; without credentials
 * @property {(args: readonly string[], options?: EtcdctlOptions) => Promise<Output>} etcdctl
 *   runs the etcdctl of the same line; a failing command resolves with its code
 * @property {(args: readonly string[], options?: EtcdctlOptions) => PipedChild} spawnEtcdctl
 *   starts one that goes on, such as `lock` or `watch`, with pipes; `close` kills it
 * @property {(member?: Member) => Promise<Map<string, number>>} metrics by name with labels, as
 *   etcd prints it; default: the first member
 * @property {() => Promise<Member>} leader waits for one when there is none
 * @property {() => Promise<void>} close
 */

/**
 * Starts etcd and resolves when every member answers and a leader is elected, in about half a
 * second; an election of three with a split vote takes two more. May fetch etcd first, see
 * `ensureServers`.
 *
 * @param {EtcdOptions} [options]
 * @returns {Promise<EtcdCluster>}
 */
export async function startEtcd(options = {}) {
  const { line, members: count = 1, auth, peerLink, cache, log } = options
  const server = await serverOf('etcd', line, { cache, log })
  const flags = [...(options.extraArgs ?? []), ...(await fsyncFlags(server.dir, options))]
  const cluster = await startCluster('etcd', (dataDir) =>
    planMembers({ dataDir, count, flags, auth, peerLink, dir: server.dir }),
  )
  const handle = withTools(cluster, server, auth)
  try {
    if (auth) await enableAuth(handle.etcdctl, auth)
  } catch (error) {
    await handle.close()
    throw error
  }
  return handle
}

/**
 * Some 3.4 versions lack the flag, and the help never lists it: so find out by trying.
 *
 * @param {string} dir
 * @param {EtcdOptions} options
 */
async function fsyncFlags(dir, { unsafeNoFsync = false }) {
  if (!unsafeNoFsync) return []
  const flag = '--unsafe-no-fsync'
  const env = cleanEnvironment()
  const { code } = await runCommand(join(dir, 'etcd'), [flag, '--version'], { env })
  return code === 0 ? [flag] : []
}

/**
 * @param {{ dataDir: string, count: number, flags: string[], dir: string, auth: EtcdAuth | undefined,
 *   peerLink: PeerLink | undefined }} request
 * @returns {Promise<import('./member.mjs').MemberPlan[]>}
 */
async function planMembers({ dataDir, count, flags, dir, auth, peerLink }) {
  const ports = await freePorts(2 * count)
  const sites = memberNames(count).map((name, index) => ({
    name,
    endpoint: `${HOST}:${ports[2 * index]}`,
    listenUrl: `http://${HOST}:${ports[2 * index + 1]}`,
    peerUrl: `http://${HOST}:${ports[2 * index + 1]}`,
  }))
  for (const site of sites)
    if (peerLink) site.peerUrl = `http://${await peerLink(new URL(site.listenUrl).host)}`
  const initialCluster = sites.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
  return sites.map(({ name, endpoint, listenUrl, peerUrl }) => ({
    name,
    endpoint,
    file: join(dir, 'etcd'),
    args: [
      ...serverArgs({ name, clientUrl: `http://${endpoint}`, listenUrl, peerUrl }),
      `--initial-cluster=${initialCluster}`,
      `--data-dir=${join(dataDir, name)}`,
      ...flags,
    ],
    logFile: join(dataDir, `${name}.log`),
    isHealthy: () => isHealthy(name, endpoint, auth),
  }))
}

/** @param {{ name: string, clientUrl: string, listenUrl: string, peerUrl: string }} site */
function serverArgs({ name, clientUrl, listenUrl, peerUrl }) {
  return [
    `--name=${name}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${listenUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    // The token separates the members of two clusters if they ever meet on a reused port.
    `--initial-cluster-token=${name.replace(/^m\d+-/, '')}`,
    '--logger=zap',
    '--log-level=warn',
  ]
}

/**
 * /health is true only with a leader. The member list is compared because, after a conflict of ports, another test's
 * server might answer.
 *
 * @param {string} name
 * @param {string} endpoint
 * @param {EtcdAuth | undefined} auth
 */
async function isHealthy(name, endpoint, auth) {
  const health = await ask(`http://${endpoint}/health`)
  if (health?.status !== 200 || JSON.parse(health.body).health !== 'true') return false
  const list =
    (await memberList(endpoint)) ?? (auth && (await memberList(endpoint, await logIn(endpoint, auth))))
  return list?.includes(`"${name}"`) ?? false
}

/**
 * With authentication, etcd since 3.6 shows the list only after a login.
 *
 * @param {string} endpoint
 * @param {string} [token]
 */
async function memberList(endpoint, token) {
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: token } : {}
  const url = `http://${endpoint}/v3/cluster/member/list`
  const list = await ask(url, { method: 'POST', headers, body: '{}' })
  return list?.status === 200 ? list.body : undefined
}

/**
 * @param {string} endpoint
 * @param {EtcdAuth} auth
 * @returns {Promise<string | undefined>}
 */
async function logIn(endpoint, { user, password }) {
  const body = JSON.stringify({ name: user, password })
  const answer = await ask(`http://${endpoint}/v3/auth/authenticate`, { method: 'POST', body })
  return answer?.status === 200 ? JSON.parse(answer.body).token : undefined
}

/**
 * @param {import('./cluster.mjs').Cluster} cluster
 * @param {import('./fetch.mjs').Server} server
 * @param {EtcdAuth | undefined} auth
 * @returns {EtcdCluster}
 */
function withTools({ members, dataDir, close }, { dir, version }, auth) {
  const endpoints = members.map((member) => member.endpoint)
  const user = auth ? `${auth.user}:${auth.password}` : ''
  const etcdctl = new Etcdctl({ file: join(dir, 'etcdctl'), endpoints, user })
  return {
    version,
    endpoints,
    members,
    dataDir,
    url: (namespacePath = '') => etcdUrl(endpoints, namespacePath),
    etcdctl: (args, options) => etcdctl.run(args, options),
    spawnEtcdctl: (args, options) => etcdctl.spawn(args, options),
    metrics: (member = members[0]) => readMetrics(member),
    leader: () => findLeader(members, etcdctl),
    close: async () => {
      etcdctl.killAll()
      await close()
    },
  }
}

/**
 * @param {string[]} endpoints
 * @param {string} namespacePath
 */
function etcdUrl(endpoints, namespacePath) {
  const path = namespacePath.split('/').filter(Boolean).join('/')
  return `etcd://${endpoints.join(',')}/${path && `${path}/`}`
}
