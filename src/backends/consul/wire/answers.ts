// Writes requests and reads answers of Consul's HTTP API, and interprets its refusals. Owns no connection; client.ts
// sends.

import { STATUS_CODES } from 'node:http'
import { RefusedError, SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import { oneLine, quoted } from '../../../base/printable.ts'
import { commonFolder } from '../../shared/common-folder.ts'
import { restMsOf } from './rest.ts'
import type { Operation, Snapshot, StoredKey, Target, TxnOutcome } from './transport.ts'

/** A complete answer. */
export interface Answer {
  readonly status: number
  /** The header X-Consul-Index. */
  readonly index: string | undefined
  /** The header Retry-After. */
  readonly retryAfter?: string | undefined
  /** The header Date. */
  readonly date?: string | undefined
  readonly text: string
}

type Meaning = typeof UnavailableError | typeof RefusedError | typeof SessionGoneError

/** The failure of a request and its meaning for the caller, without the server's address. */
export class Fault extends Error {
  readonly #meaning: Meaning
  /** The HTTP status, if the server answered. */
  readonly status: number | undefined
  /** How long the server asks to wait before the next request, in ms. */
  readonly restMs: number

  constructor(
    meaning: Meaning,
    text: string,
    options: { status?: number; cause?: unknown; restMs?: number } = {},
  ) {
    super(text, 'cause' in options ? { cause: options.cause } : {})
    this.#meaning = meaning
    this.status = options.status
    this.restMs = options.restMs ?? 0
  }

  get meaning(): Meaning {
    return this.#meaning
  }
}

/** All properties that operations have. */
interface Fields {
  readonly verb: string
  readonly key: string
  readonly value?: string
  readonly flags?: bigint
  readonly index?: number
  readonly session?: string
}

/** The body of a transaction. */
export function operationsBody(operations: readonly Operation[]): string {
  return `[${operations.map(operationText).join()}]`
}

/** Written by hand, since JSON.stringify has no integers of 64 bits. */
function operationText(operation: Operation): string {
  const { verb, key, value, flags, index, session } = operation as Fields
  const Value = value === undefined ? '' : `,"Value":"${Buffer.from(value).toString('base64')}"`
  const Flags = flags === undefined ? '' : `,"Flags":${BigInt.asUintN(64, flags)}`
  const Index = index === undefined ? '' : `,"Index":${index}`
  const Key = JSON.stringify(key)
  const Session = session === undefined ? '' : `,"Session":"${session}"` // an id that Consul made
  return `{"KV":{"Verb":"${verb}","Key":${Key}${Value}${Flags}${Index}${Session}}}`
}

interface KeyOnWire {
  readonly Key: string
  readonly Value: string | null
  readonly Flags: string
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly LockIndex: number
}

/** JSON.parse rounds integers of 64 bits. Quotes inside strings are escaped, so only the property can match. */
function parseExactly(text: string): unknown {
  return JSON.parse(text.replace(/"Flags":\s*(\d+)/g, '"Flags":"$1"'))
}

function entryOf(stored: KeyOnWire): StoredKey {
  const { Key, Value, Flags, Session, CreateIndex, ModifyIndex, LockIndex } = stored
  return {
    key: Key,
    value: Value ? Buffer.from(Value, 'base64').toString() : '',
    flags: BigInt(Flags),
    session: Session || undefined,
    createIndex: CreateIndex,
    modifyIndex: ModifyIndex,
    lockIndex: LockIndex,
  }
}

/** Without that header nobody can wait for a change. */
function noIndex(status: number): Fault {
  const advice = 'does a proxy in front of Consul remove it?'
  return new Fault(RefusedError, `the answer has no header X-Consul-Index (${status}): ${advice}`, { status })
}

/** The result of a read. Consul answers 404 if there is no key. */
export function snapshotOf({ status, index, text }: Answer): Snapshot {
  const at = Number(index)
  if (index === undefined) throw noIndex(status)
  if (!Number.isInteger(at)) throw new TypeError('no index in the answer')
  const entries = status === 404 ? [] : (parseExactly(text) as KeyOnWire[]).map(entryOf)
  return { index: Math.max(1, at), entries } // a read with the index 0 would not wait
}

interface TxnAnswer {
  readonly Results: readonly { readonly KV: KeyOnWire }[] | null
  readonly Errors: readonly { readonly OpIndex: number; readonly What: string }[] | null
}

/** The result of a transaction. Throws if it failed for lack of a session or of a permission. */
export function outcomeOf({ status, text }: Answer, operations: readonly Operation[]): TxnOutcome {
  const { Results, Errors } = parseExactly(text) as TxnAnswer
  const rule = (): string => operationsRule(operations)
  if (status === 200) {
    if (Results === undefined) throw new TypeError('no results in the answer')
    const entries = (Results ?? []).map(({ KV }) => entryOf(KV))
    // Consul silently leaves out keys that the token may not read.
    const read = ({ verb, key }: Operation): boolean =>
      verb !== 'get' || entries.some((each) => each.key === key)
    if (!operations.every(read)) throw denied('Permission denied', status, rule)
    return { applied: true, entries }
  }
  const failures = (Errors ?? []).map(({ OpIndex, What }) => ({ operation: OpIndex, reason: What }))
  if (failures.length === 0) throw new TypeError('no errors in the answer')
  for (const { reason } of failures) {
    if (isSessionGone(reason)) throw new Fault(SessionGoneError, oneLine(reason), { status })
    if (isDenied(reason)) throw denied(oneLine(reason), status, rule)
  }
  return { applied: false, failures }
}

/** The text without its quoted parts, which are names of keys. */
const unquoted = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"/g, '')
const isSessionGone = (text: string): boolean => /invalid session(?! TTL)/i.test(unquoted(text))
const isDenied = (text: string): boolean => /permission denied|\bACL\b/i.test(unquoted(text))

function denied(said: string, status: number, rule: () => string): Fault {
  const advice = /ACL not found/i.test(said) ? 'there is no such token' : `the token needs ${rule()}`
  return new Fault(RefusedError, `${said} (${status}): ${advice}`, { status })
}

const transient = new Set([429, 500, 502, 503, 504])

/** The meaning of any status that the request itself does not expect. */
export function faultOf({ status, text, retryAfter }: Answer, rule: () => string): Fault {
  const said = oneLine(text) || STATUS_CODES[status] || 'no reason given'
  if (status === 403) return denied(said, status, rule)
  if (status === 500 && isSessionGone(text)) return new Fault(SessionGoneError, said, { status })
  const lasting = !transient.has(status) || /Invalid Session TTL/.test(said) // the TTL is below the server's own minimum
  const meaning = lasting ? RefusedError : UnavailableError
  return new Fault(meaning, `${said} (${status})${adviceFor(status, said)}`, {
    status,
    restMs: restMsOf(retryAfter),
  })
}

const schemeAdvice = '; is the scheme right (consul: without TLS, consuls: with TLS)?'

function adviceFor(status: number, said: string): string {
  if (status === 400 && /HTTP request to an HTTPS server/.test(said)) return schemeAdvice
  return status === 401 ? ': are user, password and token right?' : ''
}

/** The ACL rule that lets a token open, renew and end sessions. */
export function sessionRule(node?: string): string {
  return `${node === undefined ? 'session_prefix ""' : `session ${quoted(node)}`} { policy = "write" }`
}

/** The ACL rule for one read. */
export function readRule(target: Target): string {
  return keyRule(['key' in target ? target.key : target.prefix], 'read')
}

/** The ACL rule for a transaction. */
export function operationsRule(operations: readonly Operation[]): string {
  return keyRule(
    operations.map(({ key }) => key),
    onlyReads(operations) ? 'read' : 'write',
  )
}

/** Whether a transaction changes nothing. */
export function onlyReads(operations: readonly Operation[]): boolean {
  return operations.every(({ verb }) => verb.startsWith('get') || verb.startsWith('check'))
}

/** The rule for the longest folder that contains all keys. */
function keyRule(keys: readonly string[], policy: 'read' | 'write'): string {
  return `key_prefix ${quoted(commonFolder(keys))} { policy = "${policy}" }`
}

/** The meaning of an error without an answer: of sockets, of TLS, of a time limit. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const cause = error as NodeJS.ErrnoException & { errors?: readonly Error[] }
  const said = cause.message || cause.errors?.map(({ message }) => message).join(', ') || String(cause.code)
  // OpenSSL's message among its line numbers: 803C…:error:0A000412:SSL routines:read:message:file:line
  const tls = /:SSL routines:[^:]*:([^:]+)/.exec(said)?.[1]
  const refused = /alert.*(certificate|unknown ca)/.test(tls ?? '')
  // Node itself refuses a token that no header can carry, and OpenSSL a text that is no certificate.
  const wrong = refused || error instanceof TypeError || cause.code?.startsWith('ERR_OSSL')
  const noTls = tls === 'wrong version number' ? schemeAdvice : ''
  const advice = refused ? ': the server wants a certificate of the client that it trusts' : noTls
  return new Fault(wrong ? RefusedError : UnavailableError, tls ? `TLS: ${tls}${advice}` : said, { cause })
}
