// Examines Consul for `leasehold doctor`: each server or agent, the token, permissions, the clock, and what a crash costs. Owns
// what these facts mean for a user of locks. rights.ts has the permissions, faults.ts the faults of versions.
import { timeIn } from '../../base/clock.ts'
import type { Examination, ExamineOptions, Finding } from '../../base/finding.ts'
import { certificateFindings } from '../shared/certificates.ts'
import { compareClocks } from '../shared/clock-offset.ts'
import { crashFinding } from '../shared/crash.ts'
import { type Timed, timed, wordsOf } from '../shared/timed.ts'
import { faultsOf } from '../shared/versions.ts'
import { knownFaults } from './faults.ts'
import type { Layout } from './layout.ts'
import { tryRights } from './rights.ts'
import { Fault } from './wire/answers.ts'
import { type AgentFacts, agentRequest, leaderRequest, Probe, tokenRequest } from './wire/probe.ts'
import type { Access, Transport } from './wire/transport.ts'

/** Consul, and how this client uses it. */
export interface Examined {
  readonly endpoints: readonly string[]
  readonly access: Access
  readonly layout: Layout
  readonly lockDelayMs: number
  /** A client of the servers at these addresses. */
  open(endpoints: readonly string[]): Promise<Transport>
}

interface Place {
  readonly probe: Probe
  readonly leader: Timed<string>
  readonly agent: AgentFacts | undefined
}

/** All findings about a Consul. */
export async function examineConsul(examined: Examined, options: ExamineOptions): Promise<Examination> {
  const { endpoints, access } = examined
  const probes = endpoints.map((address) => new Probe(address, access, options.clock))
  try {
    const reading = certificateFindings(endpoints, access.tls, options)
    const places = await Promise.all(probes.map((probe) => look(probe, options)))
    const agents = places.flatMap(({ agent }) => agent ?? [])
    const there = places.filter(({ leader }) => 'answer' in leader)
    const ofAll = [...ofDatacenters(agents), ...ofVersions(there, agents)]
    const findings = [...places.map(ofPlace), ...(await reading), ...ofAll]
    const able = there.filter(({ leader }) => 'answer' in leader && leader.answer !== '')
    const inside = await ofReached(able, examined, options)
    return {
      findings: [...findings, ...inside.findings, ofCrash(examined, options)],
      mayOpen: inside.mayOpen,
    }
  } finally {
    for (const probe of probes) probe.close()
  }
}

/** The findings for which a server with a leader has to answer. */
async function ofReached(
  there: readonly Place[],
  examined: Examined,
  options: ExamineOptions,
): Promise<Examination> {
  const [first] = there
  if (!first) return { findings: [], mayOpen: false }
  const comparing = ofClock(first.probe, options)
  const token = await ofToken(first.probe, examined.access, options)
  const mayOpen = token.level !== 'problem'
  const rights = mayOpen ? await ofRights(there, examined, options) : []
  return { findings: [token, ...rights, await comparing], mayOpen }
}

async function look(probe: Probe, options: ExamineOptions): Promise<Place> {
  const leader = await timed(options, (signal) => probe.ask(leaderRequest, signal))
  if (!('answer' in leader)) return { probe, leader, agent: undefined }
  const agent = await timed(options, (signal) => probe.ask(agentRequest, signal))
  return { probe, leader, agent: 'answer' in agent ? agent.answer : undefined }
}

function ofPlace({ probe, leader, agent }: Place): Finding {
  const finding = { check: 'endpoint', about: probe.address } as const
  const { ms } = leader
  if ('error' in leader) {
    const next =
      'start the server or correct the address; clients lose time at it whenever they change servers'
    const data = { ms, answered: false }
    return { ...finding, level: 'problem', text: wordsOf(leader.error), next, data }
  }
  const what = agent ? `Consul ${agent.version}, a ${agent.isServer ? 'server' : 'client agent'},` : 'Consul'
  const data = { ms, answered: true, version: agent?.version ?? null, leader: leader.answer }
  const text = `${what} answered in ${ms} ms`
  if (leader.answer !== '') return { ...finding, level: 'ok', text, data }
  const next =
    'start most of the servers, or repair the network between them: consul operator raft list-peers'
  return { ...finding, level: 'problem', text: `${text}, but knows no leader`, next, data }
}

/** Servers of two datacenters would give one lock twice. */
function ofDatacenters(agents: readonly AgentFacts[]): Finding[] {
  const names = new Set(agents.map(({ datacenter }) => datacenter))
  if (names.size < 2) return []
  const text = `the endpoints belong to different datacenters (${[...names].join(', ')}), so two clients could hold one lock`
  return [{ check: 'store', level: 'problem', text, next: 'name one datacenter in the URL: ?dc=NAME' }]
}

function ofVersions(there: readonly Place[], agents: readonly AgentFacts[]): Finding[] {
  const faults = faultsOf(
    'Consul',
    agents.map(({ version }) => version),
    knownFaults,
  )
  if (agents.length === there.length) return faults
  const text = 'the version is unknown, since the token may not read the agent'
  const next = 'to see it, add agent_prefix "" { policy = "read" } to a policy of the token'
  return [...faults, { check: 'version', level: 'note', text, next }]
}

/** How soon the end of a token is worth a warning. */
const soonMs = 86_400_000

async function ofToken(probe: Probe, { token }: Access, options: ExamineOptions): Promise<Finding> {
  const check = 'credentials'
  const outcome = await timed(options, (signal) => probe.ask(tokenRequest, signal))
  if ('error' in outcome) return withoutToken(outcome.error, token !== undefined)
  const { policies, expires } = outcome.answer
  const text = `the token is known, with the policies: ${policies.join(', ') || 'none'}`
  const data = { policies: policies.join(' '), expires: expires ?? null }
  if (expires === undefined || timeIn(expires) - options.clock.wallMs() > soonMs) {
    return { check, level: 'ok', text, data }
  }
  const next = 'give the clients a new token before: with CONSUL_HTTP_TOKEN_FILE they read it again'
  return { check, level: 'warning', text: `${text}; it ends at ${expires}`, next, data }
}

function withoutToken(error: unknown, isGiven: boolean): Finding {
  const check = 'credentials'
  const isOff = error instanceof Fault && error.status === 401
  if (isOff) {
    const text = 'access control is off: every program that reaches Consul can take and break locks'
    return {
      check,
      level: 'note',
      text,
      next: 'turn it on if other users reach this Consul',
      data: { acl: false },
    }
  }
  if (!isGiven) return { check, level: 'ok', text: 'no token is shown', data: { acl: true } }
  const next = 'correct CONSUL_HTTP_TOKEN or the file of CONSUL_HTTP_TOKEN_FILE: consul acl token read -self'
  return { check, level: 'problem', text: wordsOf(error), next }
}

async function ofRights(
  there: readonly Place[],
  { open, layout }: Examined,
  options: ExamineOptions,
): Promise<Finding[]> {
  const transport = await open(there.map(({ probe }) => probe.address))
  try {
    return await tryRights(transport, layout, options)
  } finally {
    transport.close()
  }
}

/** Consul ends a session after once to twice its time to live. */
function ofCrash({ lockDelayMs }: Examined, { ttlMs }: ExamineOptions): Finding {
  const times = { leastMs: ttlMs + lockDelayMs, mostMs: 2 * ttlMs + lockDelayMs, lockDelayMs }
  return crashFinding(times, 'Consul waits up to twice the time to live before it ends a session')
}

function ofClock(probe: Probe, options: ExamineOptions): Promise<Finding> {
  const ask = async (signal: AbortSignal): Promise<string | undefined> => {
    await probe.ask(leaderRequest, signal)
    return probe.lastDate
  }
  return compareClocks(`Consul at ${probe.address}`, ask, options)
}
