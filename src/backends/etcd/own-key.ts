// The client's knowledge of a claim, and the repair of the claim's own key. If somebody writes to that key with `etcdctl put`,
// it loses its lease, and then it would stay for ever after its client has died.
import type { ICompare, IKeyValue, ITxnResponse } from 'etcd3'
import { RefusedError, SessionGoneError, UnavailableError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'
import { type ClaimKeys, partsOf } from './layout.ts'
import { createdAt, put, txn, versionIs } from './operations.ts'
import type { Transport } from './wire/transport.ts'

/** The client's knowledge of a claim. Facts that concern one answer only are fields of that answer. */
export interface ClaimState {
  readonly claim: Claim
  readonly keys: ClaimKeys
  /** The value that belongs on its key. */
  value: string
  /** The create revision of its key, once etcd has reported it. */
  created?: bigint | undefined
  /** How often its key was written since its creation, as of the last answered write. */
  version: bigint
  /** The create revision of the key for which the leases of all claims ahead were checked. */
  checked?: bigint | undefined
  /** How many permits its keys in etcd take. */
  weight: number
  /** Whether an attempt got no answer: it may arrive later, or twice. */
  unanswered: boolean
  /** The leases that the keys may have had since the claim is to be kept: see `FencedWrites.keep`. */
  kept?: Set<string>
  /** Whether etcd has confirmed that the claim is kept. */
  isKept?: boolean
}

/** The condition that the first key of a claim is the one that it was given. */
export function madeAt({ keys, created }: Pick<ClaimState, 'keys' | 'created'>): ICompare {
  return createdAt(keys.key, created as bigint)
}

/**
 * Whether the claim stands with its whole weight, by its own keys as they were found. A key without its lease gets it back:
 * see `attach`.
 */
export async function stands(
  transport: Transport,
  state: ClaimState,
  found: readonly IKeyValue[],
  signal: AbortSignal,
): Promise<boolean> {
  const { claim, created, keys } = state
  const made = new Map(found.map((kv) => [kv.key.toString(), kv]))
  const own = [keys.key, ...partsOf(claim, keys.key)].map((key) => made.get(key))
  const [first, ...parts] = own
  if (created === undefined || own.some((kv) => kv?.create_revision !== String(created))) return false
  if (!hasLease(state, first?.lease)) await attach(transport, state, first as IKeyValue, signal)
  const isBare = (part: IKeyValue | undefined): boolean => !hasLease(state, part?.lease)
  const bare = parts.filter(isBare).map((part) => String(part?.key))
  if (bare.length > 0) await bind(transport, state, bare, signal)
  return true
}

/** Whether a key of the claim has its lease, or the one with which it is kept. */
function hasLease({ keys, kept }: ClaimState, lease: string | undefined): boolean {
  return lease !== undefined && (lease === keys.lease || kept?.has(lease) === true)
}

/** Gives further keys of a claim their lease back. Throws UnavailableError if one of them was deleted since. */
async function bind(
  transport: Transport,
  { created, keys }: ClaimState,
  bare: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const stand = bare.map((key) => createdAt(key, created as bigint))
  const puts = bare.map((key) => put(key, '', keys.lease))
  if ((await transport.txn(txn(stand, puts), signal)).succeeded) return
  throw new UnavailableError('another client writes the keys of this claim; ask again')
}

/**
 * Writes the lease and the value of a claim again if its key was found with another lease, and notes the version of the key.
 * The key keeps its place in line. One transaction, which fails if the key was written or deleted since: then it throws
 * UnavailableError. Throws SessionGoneError if the lease has ended. Sends nothing if the lease is right.
 */
export async function attach(
  transport: Transport,
  state: ClaimState,
  found: IKeyValue,
  signal: AbortSignal,
): Promise<void> {
  const { keys, value } = state
  const { key, lease } = keys
  const version = BigInt(found.version)
  state.version = version
  if (hasLease(state, found.lease)) return
  const asFound = [createdAt(key, BigInt(found.create_revision)), versionIs(key, version)]
  const { succeeded } = await transport.txn(txn(asFound, [put(key, value, lease)]), signal)
  if (!succeeded) throw new UnavailableError('another client writes the key of this claim; ask again')
  state.version = version + 1n
}

/**
 * Sends a change that puts keys of these claims. Remembers if it got no answer, since it may then still be applied. Calls `over` when
 * there is an answer, or none any more.
 */
export async function change(
  states: readonly ClaimState[],
  send: () => Promise<ITxnResponse>,
  over?: () => void,
): Promise<ITxnResponse> {
  const before = states.map(({ unanswered }) => unanswered)
  const answered = (): void => {
    for (const [index, state] of states.entries()) state.unanswered = before[index] === true
  }
  for (const state of states) state.unanswered = true
  try {
    const response = await send()
    answered()
    return response
  } catch (error) {
    if (error instanceof SessionGoneError || error instanceof RefusedError) answered()
    throw error
  } finally {
    over?.()
  }
}
