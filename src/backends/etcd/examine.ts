// Examines a cluster of etcd for `leasehold doctor`: each member, the login, permissions, faults of versions, the clock, and
// what a crash costs. Owns what these facts mean for a user of locks. rights.ts has the permissions, faults.ts the faults.
import type { Examination, ExamineOptions, Finding } from '../../base/finding.ts'
import { quoted } from '../../base/printable.ts'
import { certificateFindings } from '../shared/certificates.ts'
import { compareClocks } from '../shared/clock-offset.ts'
import { crashFinding, seconds } from '../shared/crash.ts'
import type { Credentials } from '../shared/credentials.ts'
import { type Timed, timed, wordsOf } from '../shared/timed.ts'
import { faultsOf } from '../shared/versions.ts'
import { earlyRevoke, knownFaults, uncheckedRequests } from './faults.ts'
import { Layout } from './layout.ts'
import { tryRights } from './rights.ts'
import { EtcdClient } from './wire/client.ts'
import { member } from './wire/http2/link.ts'
import type { MemberStatus } from './wire/http2/messages.ts'
import { askDate, askStatus, logIn, type Probed } from './wire/http2/probe.ts'

/** The cluster, and how this client uses it. */
export interface Examined {
  readonly endpoints: readonly string[]
  readonly credentials: Credentials
  readonly namespace: string
  readonly lockDelayMs: number
}

interface Member {
  readonly probed: Probed
  readonly outcome: Timed<MemberStatus>
}

/** All findings about a cluster. */
export async function examineEtcd(examined: Examined, options: ExamineOptions): Promise<Examination> {
  const { endpoints, credentials } = examined
  const look = async (address: string): Promise<Member> => {
    const probed = { address, credentials, clock: options.clock }
    return { probed, outcome: await timed(options, (signal) => askStatus(probed, signal)) }
  }
  const reading = certificateFindings(endpoints, credentials.tls, options)
  const members = await Promise.all(endpoints.map(look))
  const statuses = members.flatMap(({ outcome }) => ('answer' in outcome ? [outcome.answer] : []))
  const able = members.filter(({ outcome }) => 'answer' in outcome && outcome.answer.leader !== '0')
  const inside = await ofReached(able, examined, options)
  const certificates = await reading
  const ofAll = [...ofClusters(statuses), ...ofVersions(statuses, examined)]
  const findings = [...members.map(ofMember), ...certificates, ...ofAll]
  return { findings: [...findings, ...inside.findings, ofCrash(examined, options)], mayOpen: inside.mayOpen }
}

/** The findings for which a member with a leader has to answer. */
async function ofReached(
  able: readonly Member[],
  examined: Examined,
  options: ExamineOptions,
): Promise<Examination> {
  const first = able[0]?.probed
  if (!first) return { findings: [], mayOpen: false }
  const comparing = compareClocks(`etcd at ${first.address}`, (signal) => askDate(first, signal), options)
  const login = await ofLogin(first, options)
  const mayOpen = login.level !== 'problem'
  const rights = mayOpen ? await ofRights(able, examined, options) : []
  return { findings: [login, ...rights, await comparing], mayOpen }
}

function ofMember({ probed, outcome }: Member): Finding {
  const finding = { check: 'endpoint', about: probed.address } as const
  if ('error' in outcome) {
    const next =
      'start the member or correct the address; clients lose time at it whenever they change members'
    const text = wordsOf(outcome.error).replace(/^etcd at \S+: /, '')
    return { ...finding, level: 'problem', text, next, data: { ms: outcome.ms, answered: false } }
  }
  const { ms, answer } = outcome
  const { version, leader, isLearner } = answer
  const text = `etcd ${version} answered in ${ms} ms`
  const data = { ms, answered: true, version, leader, learner: isLearner }
  const [trouble, next] = troubleOf(answer)
  if (trouble === undefined) return { ...finding, level: 'ok', text, data }
  return { ...finding, level: 'problem', text: `${text}, but ${trouble}`, next, data }
}

/** The trouble with a member that answers, and the next step. */
function troubleOf({ leader, isLearner, errors }: MemberStatus): readonly [trouble?: string, next?: string] {
  if (leader === '0') {
    return [
      'knows no leader',
      'it is cut off from most members: start them, or repair the network between them',
    ]
  }
  if (isLearner) {
    return ['is a learner', 'take it out of the URL until it is promoted: a learner refuses most requests']
  }
  if (errors.length === 0) return []
  const advice = 'see etcdctl alarm list; NOSPACE: compact, defragment, and then etcdctl alarm disarm'
  return [`reports: ${errors.join(', ')}`, advice]
}

/** Members of two clusters would give one lock twice. */
function ofClusters(statuses: readonly MemberStatus[]): Finding[] {
  const clusters = new Set(statuses.map(({ cluster }) => cluster))
  if (clusters.size < 2) return []
  const text = `the endpoints belong to ${clusters.size} different clusters, so two clients could hold one lock`
  const next = 'name members of one cluster only: etcdctl endpoint status shows the cluster of each'
  return [{ check: 'store', level: 'problem', text, next, data: { clusters: clusters.size } }]
}

function ofVersions(statuses: readonly MemberStatus[], { lockDelayMs, credentials }: Examined): Finding[] {
  const versions = statuses.map(({ version }) => version)
  const ofLeases = lockDelayMs > 0 ? [] : [earlyRevoke]
  const ofUsers = credentials.auth ? [uncheckedRequests] : []
  return faultsOf('etcd', versions, [...ofLeases, ...knownFaults, ...ofUsers])
}

async function ofLogin(probed: Probed, options: ExamineOptions): Promise<Finding> {
  const { auth, tls } = probed.credentials
  const check = 'credentials'
  const shown = typeof tls === 'object' && tls.cert ? 'a certificate' : 'no credentials'
  if (!auth) return { check, level: 'ok', text: `${shown} shown`, data: { user: null } }
  const outcome = await timed(options, (signal) => logIn(probed, auth, signal))
  const data = { user: auth.username, ms: outcome.ms }
  if (!('error' in outcome)) {
    return { check, level: 'ok', text: `logged in as ${quoted(auth.username)} in ${outcome.ms} ms`, data }
  }
  const next = 'correct ETCDCTL_USER and ETCDCTL_PASSWORD; if authentication is off on the server, unset both'
  return { check, level: 'problem', text: wordsOf(outcome.error), next, data }
}

async function ofRights(
  members: readonly Member[],
  { credentials, namespace, lockDelayMs }: Examined,
  options: ExamineOptions,
): Promise<Finding[]> {
  const { clock } = options
  const transport = new EtcdClient(members.map(({ probed }) => member(probed.address, credentials, clock)))
  try {
    return await tryRights(transport, new Layout(namespace), { ...options, isDelayed: lockDelayMs > 0 })
  } finally {
    transport.close()
  }
}

/** etcd looks for leases that are over twice a second. */
const scanMs = 500

/** A client renews three times per time to live, so a crash leaves two thirds of it or more. */
function ofCrash({ lockDelayMs }: Examined, { ttlMs }: ExamineOptions): Finding {
  const leastMs = Math.round((ttlMs * 2) / 3) + lockDelayMs
  const mostMs = ttlMs + scanMs + lockDelayMs
  const also = `if etcd changes its leader meanwhile, up to ${seconds(ttlMs)} later`
  return crashFinding({ leastMs, mostMs, lockDelayMs }, also)
}
