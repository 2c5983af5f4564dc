// The connection that the Consul backend needs: types only, so that a simulated server can stand in for a real one.
// The vocabulary is that of Consul's HTTP API: https://developer.hashicorp.com/consul/api-docs/kv and /txn, /session
import type { Announcement } from '../../../contract.ts'
import type { ConsulEnterprise, ConsulOptions } from '../options.ts'

/** One key as Consul stores it. */
export interface StoredKey {
  readonly key: string
  readonly value: string
  /** Unsigned, 64 bits. */
  readonly flags: bigint
  /** The session that holds the key; undefined if none does. */
  readonly session: string | undefined
  readonly createIndex: number
  readonly modifyIndex: number
  /** How often a session has taken the key since its creation, or since another kind of write. */
  readonly lockIndex: number
}

/** The result of a read, and the index from which to wait for later changes. */
export interface Snapshot {
  readonly index: number
  /** In the order of their keys. */
  readonly entries: readonly StoredKey[]
}

/** The keys to read: one key, or all keys that begin with a prefix. */
export type Target = { readonly key: string } | { readonly prefix: string }

/** One operation of a transaction. `get-tree` reads a prefix, which may be empty; `get` fails without the key. */
export type Operation =
  | { readonly verb: 'set'; readonly key: string; readonly value: string; readonly flags?: bigint }
  | {
      readonly verb: 'cas'
      readonly key: string
      readonly value: string
      readonly flags?: bigint
      readonly index: number
    }
  | {
      readonly verb: 'lock'
      readonly key: string
      readonly value: string
      readonly flags?: bigint
      readonly session: string
    }
  | {
      readonly verb: 'unlock'
      readonly key: string
      readonly value: string
      readonly flags?: bigint
      readonly session: string
    }
  | { readonly verb: 'get' | 'get-tree' | 'delete' | 'check-not-exists'; readonly key: string }
  | { readonly verb: 'delete-cas' | 'check-index'; readonly key: string; readonly index: number }
  | { readonly verb: 'check-session'; readonly key: string; readonly session: string }

/** Why one operation of a transaction failed. Each failed operation has an entry. */
export interface Failure {
  /** Its place among the operations. */
  readonly operation: number
  /** Consul's words. */
  readonly reason: string
}

/** All of a transaction was applied, or nothing. `entries` are the results of its reads, locks and writes, in order. */
export type TxnOutcome =
  | { readonly applied: true; readonly entries: readonly StoredKey[] }
  | { readonly applied: false; readonly failures: readonly Failure[] }

/** The properties of a new session. */
export interface SessionPlan {
  /** A text for people that list sessions. */
  readonly name: string
  readonly ttlMs: number
  readonly lockDelayMs: number
  /** Health checks of the node: the session ends when one of them fails. If the list is empty, only time ends it. */
  readonly checks: readonly string[]
  /** The node to which the session belongs; by default that of the agent. */
  readonly node?: string | undefined
}

/** The end of a blocking read's wait. */
export interface Wait {
  /** The read returns when the index is larger than this. */
  readonly index: number
  /** The read returns after this time even without a change. Consul adds up to a sixteenth. */
  readonly waitMs: number
}

/**
 * A connection to Consul. Every method rejects with UnavailableError, RefusedError or SessionGoneError, and with
 * `signal.reason` when the signal aborts.
 */
export interface Transport {
  /** Opens a session whose keys are deleted when it ends; resolves with its id. */
  createSession(plan: SessionPlan, signal: AbortSignal): Promise<string>
  renewSession(session: string, signal: AbortSignal): Promise<void>
  /**
   * Resolves with the node of the session, by a read that no stale server can answer. Rejects with SessionGoneError unless
   * the session is there.
   */
  confirmSession(session: string, signal: AbortSignal): Promise<string>
  /** The ids of the sessions of a node by such a read, without those that the token may not read. Its cost grows with them. */
  listSessions(node: string, signal: AbortSignal): Promise<readonly string[]>
  /** Resolves also when there is no such session. */
  destroySession(session: string, signal: AbortSignal): Promise<void>
  /** Applies all operations, at most 64, or none. With `gives back`, uses the connections for renewals and releases. */
  txn(operations: readonly Operation[], signal: AbortSignal, purpose?: 'gives back'): Promise<TxnOutcome>
  /** A consistent read. */
  read(target: Target, signal: AbortSignal): Promise<Snapshot>
  /** Waits for a change in the asked server's own copy, and reads that copy. It may be stale, so the result is a hint. */
  block(target: Target, wait: Wait, signal: AbortSignal): Promise<Snapshot>
  /** Registers a service with the agent, and a check that passes for `forMs` from now. */
  registerService(service: Announcement, signal: AbortSignal): Promise<void>
  /** Lets the check of a service pass anew. Resolves with whether the agent has the service. */
  passCheck(service: string, signal: AbortSignal): Promise<boolean>
  /** Resolves also if the agent has no such service. */
  deregisterService(service: string, signal: AbortSignal): Promise<void>
  close(): void
}

/** The credentials for the servers, and which part of Consul to ask. */
export interface Access extends Pick<ConsulOptions, 'token' | 'auth' | 'tls' | 'dc'>, ConsulEnterprise {
  /** Reads the token again; undefined if that is not possible. */
  readonly tokenAgain?: (() => string | undefined) | undefined
  /** How long a socket may be idle and still be used again, in ms. */
  readonly idleMs?: number | undefined
}
