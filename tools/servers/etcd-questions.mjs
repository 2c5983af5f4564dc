// @ts-check
// Questions to a running etcd: its command, its leader, its metrics, and switching passwords on. Owns no server
// process.

import { spawnOwned } from './children.mjs'
import { cleanEnvironment, runCommand } from './command.mjs'
import { ask } from './loopback.mjs'
import { until } from './wait.mjs'

/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {import('./command.mjs').Output} Output */
/** @typedef {import('node:child_process').ChildProcessWithoutNullStreams} PipedChild */
/**
 * @typedef {object} EtcdctlOptions
 * @property {string[] | undefined} [endpoints] default: all members
 * @property {string | undefined} [user] 'name:password', '' for none; default: the user of `auth`
 * @property {string | undefined} [input] text for standard input; not for `spawn`, which has a pipe
 * @property {number | undefined} [timeoutMs] then it gets SIGKILL; default 15 s; not for `spawn`
 */

/** The etcdctl of one cluster. */
export class Etcdctl {
  /** @type {Set<PipedChild>} */
  #running = new Set()
  #defaults

  /** @param {{ file: string, endpoints: string[], user: string }} defaults */
  constructor(defaults) {
    this.#defaults = defaults
  }

  /**
   * Runs it to its end; a failing command resolves with its code.
   *
   * @param {readonly string[]} args
   * @param {EtcdctlOptions} [options]
   * @returns {Promise<Output>}
   */
  run(args, { input, timeoutMs = 15_000, ...target } = {}) {
    const options = { env: etcdctlEnvironment(), input, timeoutMs }
    return runCommand(this.#defaults.file, this.#withFlags(args, target), options)
  }

  /**
   * Starts one that keeps running, such as `lock`, `elect` or `watch`, with pipes.
   *
   * @param {readonly string[]} args
   * @param {EtcdctlOptions} [options]
   * @returns {PipedChild}
   */
  spawn(args, options = {}) {
    const env = etcdctlEnvironment()
    const spawned = spawnOwned(this.#defaults.file, this.#withFlags(args, options), { env })
    const child = /** @type {PipedChild} */ (spawned)
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  /** Kills the started programs that have not ended. */
  killAll() {
    for (const child of this.#running) child.kill('SIGKILL')
  }

  /**
   * @param {readonly string[]} args
   * @param {EtcdctlOptions} options
   */
  #withFlags(args, { endpoints = this.#defaults.endpoints, user = this.#defaults.user }) {
    const login = user ? [`--user=${user}`] : []
    // Flags first: arguments after a `--` in args belong to the command that `lock` runs.
    return [`--endpoints=${endpoints.join(',')}`, ...login, ...args]
  }
}

const etcdctlEnvironment = () => cleanEnvironment({ ETCDCTL_API: '3' })

/**
 * Resolves with the member that leads, after waiting for an election if necessary. Asks only running members: a frozen
 * one would not answer, and its view is old.
 *
 * @param {readonly Member[]} members
 * @param {Etcdctl} etcdctl
 * @returns {Promise<Member>}
 */
export function findLeader(members, etcdctl) {
  const describe = () => `a leader among ${members.map(({ endpoint }) => endpoint).join(', ')}`
  return until(() => claimedLeader(members, etcdctl), { describe, everyMs: 50 })
}

/**
 * @param {readonly Member[]} members
 * @param {Etcdctl} etcdctl
 */
async function claimedLeader(members, etcdctl) {
  const endpoints = members.filter(({ state }) => state === 'running').map((each) => each.endpoint)
  if (endpoints.length === 0) return undefined
  const args = ['endpoint', 'status', '-w', 'json', '--command-timeout=2s']
  const { stdout } = await etcdctl.run(args, { endpoints })
  const claims = parseStatus(stdout).filter(({ Status }) => Status.leader === Status.header.member_id)
  // A member that was frozen as leader believes in its leadership for a moment longer; the newer term is right.
  const newest = claims.sort((a, b) => b.Status.raftTerm - a.Status.raftTerm)[0]
  const leader = members.find(({ endpoint }) => endpoint === newest?.Endpoint)
  // It may have been killed meanwhile.
  return leader?.state === 'running' ? leader : undefined
}

/**
 * @typedef {{ header: { member_id: number }, leader: number, raftTerm: number }} Status ids lose
 *   their last bits in JSON.parse, the same ones every time
 */
/**
 * @param {string} text
 * @returns {{ Endpoint: string, Status: Status }[]}
 */
function parseStatus(text) {
  // If no member answered, nothing at all is printed.
  return text.trim() === '' ? [] : JSON.parse(text)
}

/**
 * Every sample of the member's /metrics, by name with labels, for example
 * `grpc_server_handled_total{grpc_code="OK",...}`. Rejects when the member does not answer.
 *
 * @param {Member} member
 * @returns {Promise<Map<string, number>>}
 */
export async function readMetrics(member) {
  const answer = await ask(`http://${member.endpoint}/metrics`, { timeoutMs: 5000 })
  if (answer?.status !== 200) throw new Error(`${member.name} gave no metrics`)
  const samples = answer.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(samples.map(splitSample))
}

/**
 * @param {string} line
 * @returns {[string, number]}
 */
function splitSample(line) {
  // Labels may contain blanks, the value may not.
  const at = line.lastIndexOf(' ')
  return [line.slice(0, at), Number(line.slice(at + 1))]
}

/**
 * Makes the cluster refuse clients without a login.
 *
 * @param {(args: readonly string[], options: EtcdctlOptions) => Promise<Output>} etcdctl
 * @param {{ user: string, password: string }} auth
 */
export async function enableAuth(etcdctl, { user, password }) {
  const steps = [
    ['user', 'add', `${user}:${password}`],
    ['user', 'grant-role', user, 'root'],
    ['auth', 'enable'],
  ]
  for (const step of steps) {
    const { code, stderr } = await etcdctl(step, { user: '' })
    if (code !== 0) throw new Error(`etcdctl ${step.slice(0, 2).join(' ')} failed: ${stderr}`)
  }
}
