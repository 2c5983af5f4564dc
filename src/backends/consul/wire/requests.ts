// The requests to Consul: path, body, lane and time limit of each, and the answers that it understands. Owns no
// connection; client.ts sends. sessions.ts and services.ts have the requests about these.
import type { Settle } from '../../../base/abort.ts'
import { UnavailableError } from '../../../base/errors.ts'
import { oneLine } from '../../../base/printable.ts'
import {
  type Answer,
  Fault,
  faultOf,
  onlyReads,
  operationsBody,
  operationsRule,
  outcomeOf,
  readRule,
  snapshotOf,
} from './answers.ts'
import type { Lane } from './sockets.ts'
import type { Access, Operation, Snapshot, StoredKey, Target, TxnOutcome, Wait } from './transport.ts'

/** One request, and how its answer is read. */
export interface Request<T> {
  readonly method: 'GET' | 'PUT'
  /** The path below that of the API, with its parts encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** JSON. */
  readonly body?: string
  readonly lane: Lane
  /** The time limit of the request. */
  readonly limitMs: number
  /** Whether it waits for a change. Such a request can be repeated without a loss. */
  readonly waits?: boolean
  /** The fault of an answer that only this request can have. */
  readonly means?: (answer: Answer) => Fault | undefined
  /** A status other than 200 that `read` understands. */
  readonly accepts?: number
  /** Whether `read` understands an answer with yet another status. */
  readonly understands?: (answer: Answer) => boolean
  /** The ACL rule it needs. */
  readonly rule: () => string
  /** Throws a Fault, or another error if the answer is malformed. */
  readonly read: (answer: Answer) => T
}

/** Consul itself gives up after 7 s without a leader. */
export const limitMs = 10_000
/** Without this, a server that is cut off may answer with an old state. */
export const consistent = { consistent: '1' } as const

/**
 * Applies all operations or none. The outcome says which condition failed. A transaction that only reads is consistent.
 */
export function transaction(operations: readonly Operation[], lane: Lane): Request<TxnOutcome> {
  return {
    method: 'PUT',
    path: '/txn',
    ...(onlyReads(operations) ? { query: consistent } : {}),
    body: operationsBody(operations),
    lane,
    limitMs,
    accepts: 409,
    rule: () => operationsRule(operations),
    read(answer) {
      const outcome = outcomeOf(answer, operations)
      if (outcome.applied) checkResults(outcome.entries, operations)
      return outcome
    },
  }
}

/** A consistent read of a key, or of all keys with a prefix. */
export function reading(target: Target): Request<Snapshot> {
  return { ...aboutKeys(target, consistent), limitMs }
}

/**
 * A read that Consul answers when the keys have changed since `index`, or after `waitMs`. The server that is asked answers
 * it from its own copy: the answer may be stale, but it comes also while the leader hangs, as soon as that copy changes.
 */
export function blocking(target: Target, { index, waitMs }: Wait): Request<Snapshot> {
  const query = { index: String(index), wait: `${Math.ceil(waitMs)}ms`, stale: '1' }
  return { ...aboutKeys(target, query), limitMs: (waitMs * 17) / 16 + 5_000, waits: true }
}

function aboutKeys(target: Target, query: Readonly<Record<string, string>>) {
  const recurse = 'prefix' in target
  return {
    method: 'GET',
    path: `/kv/${encodeURIComponent(recurse ? target.prefix : target.key)}`,
    query: recurse ? { ...query, recurse: '1' } : query,
    lane: 'work',
    accepts: 404,
    rule: () => readRule(target),
    read(answer: Answer) {
      const snapshot = snapshotOf(answer)
      checkMeant(snapshot.entries, (found) =>
        'key' in target ? found === target.key : found.startsWith(target.prefix),
      )
      return snapshot
    },
  } as const
}

const tells = new Set<Operation['verb']>(['lock', 'unlock', 'set', 'cas'])

/** Throws if a write has no result, or a result no operation. */
function checkResults(entries: readonly StoredKey[], operations: readonly Operation[]): void {
  checkMeant(entries, (found) =>
    operations.some(({ verb, key }) => (verb === 'get-tree' ? found.startsWith(key) : found === key)),
  )
  const has = ({ verb, key }: Operation): boolean =>
    !tells.has(verb) || entries.some((entry) => entry.key === key)
  if (!operations.every(has)) throw new TypeError('no result of a write in the answer')
}

/** Throws if an answer has keys that its request did not ask for: HTTP/1.1 has no ids that say whose answer it is. */
function checkMeant(entries: readonly StoredKey[], isMeant: (key: string) => boolean): void {
  if (!entries.every(({ key }) => isMeant(key))) throw new TypeError('keys of another request in the answer')
}

/** The parts of a connection that every request carries. */
export interface Shown {
  readonly headers: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Texts that no message may contain. */
  readonly secrets: readonly string[]
}

/** The way to one server. */
export interface Connection {
  readonly shown: Shown
  /**
   * Sends one request, and settles with its whole answer or with the error of the way there. The returned function
   * cancels it, and does nothing once there is an answer.
   */
  send<T>(request: Request<T>, settle: Settle<Answer>): () => void
  /** Ends the sockets that are idle at once, and the others after their request. */
  retire(): void
}

/** The parts that this access adds to every request. */
export function shownTo({ token, auth, dc, namespace, partition }: Access): Shown {
  const login = auth && Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
  const headers = {
    ...(token ? { 'x-consul-token': token } : {}),
    ...(login ? { authorization: `Basic ${login}` } : {}),
    ...(namespace ? { 'x-consul-namespace': namespace } : {}),
    ...(partition ? { 'x-consul-partition': partition } : {}),
  }
  const secrets = [token, auth?.password, login].filter((secret) => !!secret) as string[]
  return { headers, query: dc ? { dc } : {}, secrets }
}

/** The result of a request, with no secret in it. Throws a Fault if the answer has none. */
export function understood<T>(request: Request<T>, answer: Answer, secrets: readonly string[]): T {
  const { status, index, text } = answer
  const foreign = request.method === 'GET' && index === undefined // for example a 404 of another server
  const expected = status === request.accepts || request.understands?.(answer)
  const known = status === 200 || (expected && !foreign)
  if (!known) {
    const shown: Answer = { ...answer, text: withoutSecrets(text, secrets) }
    throw request.means?.(shown) ?? faultOf(shown, request.rule)
  }
  try {
    return request.read(answer)
  } catch (error) {
    if (error instanceof Fault) throw error
    const said = error instanceof SyntaxError ? oneLine(withoutSecrets(text, secrets)) : String(error)
    throw new Fault(UnavailableError, `the answer makes no sense: ${said}`, { status })
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, '…'), text)
}
