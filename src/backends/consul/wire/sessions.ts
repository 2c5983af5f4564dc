// The requests about sessions and their answers. Owns no connection; client.ts sends. requests.ts has the requests about keys.
// https://developer.hashicorp.com/consul/api-docs/session
import { SessionGoneError } from '../../../base/errors.ts'
import { oneLine } from '../../../base/printable.ts'
import { type Answer, Fault, sessionRule } from './answers.ts'
import { misplaced } from './misplaced.ts'
import { consistent, limitMs, type Request } from './requests.ts'
import type { SessionPlan } from './transport.ts'

interface SessionOnWire {
  readonly ID: string
  readonly Node: string
}

/** Opens a session. `dc` is the datacenter that the caller asked for. */
export function creation(plan: SessionPlan, dc?: string): Request<string> {
  return {
    method: 'PUT',
    path: '/session/create',
    body: sessionBody(plan),
    lane: 'renewal',
    limitMs,
    means: (answer) => misplaced(answer, plan, dc),
    rule: () => sessionRule(plan.node),
    read: createdSession,
  }
}

/** Starts the time to live of a session anew. Rejects with SessionGoneError if Consul no longer knows it. */
export function renewal(session: string): Request<void> {
  return {
    ...aboutSession('renew', session),
    accepts: 404,
    read(answer) {
      if (answer.status === 404) throw new Fault(SessionGoneError, oneLine(answer.text), { status: 404 })
      renewedSession(answer, session)
    },
  }
}

/**
 * Reads the node of a session, by a read that no stale server can answer. Rejects with SessionGoneError if Consul does not
 * know the session.
 */
export function confirmation(session: string): Request<string> {
  return {
    ...aboutSession('info', session),
    method: 'GET',
    query: consistent,
    read(answer) {
      const found = sessionsIn(answer).find(({ ID }) => ID === session)
      if (found) return found.Node
      throw new Fault(SessionGoneError, `there is no session ${session}`, { status: answer.status })
    },
  }
}

/** Reads the sessions of a node that the token may read, by such a read. */
export function sessionList(node: string): Request<readonly string[]> {
  return {
    ...aboutSession('node', node),
    method: 'GET',
    query: consistent,
    read(answer) {
      const found = sessionsIn(answer)
      const isOther = ({ Node }: SessionOnWire): boolean => Node.toLowerCase() !== node.toLowerCase()
      if (found.some(isOther)) throw new TypeError('sessions of another node in the answer')
      return found.map(({ ID }) => ID)
    },
  }
}

/** Ends a session. Consul gives the same answer if there is no such session. */
export function destruction(session: string): Request<unknown> {
  return { ...aboutSession('destroy', session), read: ({ text }) => JSON.parse(text) }
}

function aboutSession(verb: 'renew' | 'destroy' | 'info' | 'node', id: string) {
  return {
    method: 'PUT',
    path: `/session/${verb}/${encodeURIComponent(id)}`,
    lane: 'renewal',
    limitMs,
    rule: () => sessionRule(),
  } as const
}

/** The body of a new session, whose keys are deleted when it ends. */
function sessionBody({ name, ttlMs, lockDelayMs, checks, node }: SessionPlan): string {
  return JSON.stringify({
    Name: name,
    Node: node,
    TTL: `${Math.ceil(ttlMs)}ms`,
    LockDelay: lockDelayMs > 0 ? `${Math.ceil(lockDelayMs)}ms` : '0s', // without it Consul uses 15 s
    Behavior: 'delete',
    NodeChecks: checks, // without it Consul uses serfHealth
    // The name of the field before Consul 1.7. It still has an effect: an empty list empties the other one, too.
    ...(checks.length === 0 ? { Checks: [] } : {}),
  })
}

/** The id of a session that was created. */
function createdSession({ text }: Answer): string {
  const { ID } = JSON.parse(text)
  if (typeof ID !== 'string' || ID === '') throw new TypeError('no session in the answer')
  return ID
}

/** Throws unless the answer comes from Consul and names this session. */
function renewedSession({ text }: Answer, session: string): void {
  if (JSON.parse(text)[0].ID !== session) throw new TypeError('another session in the answer')
}

/** The sessions in an answer. Consul leaves out those that the token may not read. */
function sessionsIn({ text }: Answer): readonly SessionOnWire[] {
  return JSON.parse(text) ?? []
}
