// The client's knowledge of a claim, and the repair of the claim's own key: a stranger's `etcdctl put` on the key takes its
// lease away, and then the key would stay for ever after its client has died.
import type { IKeyValue } from 'etcd3'
import { UnavailableError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'
import type { ClaimKeys } from './layout.ts'
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
  /** Whether an attempt got no answer: it may arrive later, or twice. */
  unanswered: boolean
}

/** Whether the claim stands, by its own key as it was found. A key without its lease gets it back: see `attach`. */
export async function stands(
  transport: Transport,
  state: ClaimState,
  found: IKeyValue | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const { created, keys } = state
  if (created === undefined || found?.create_revision !== String(created)) return false
  if (found.lease !== keys.lease) await attach(transport, state, found, signal)
  return true
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
  if (found.lease === lease) return
  const asFound = [createdAt(key, BigInt(found.create_revision)), versionIs(key, version)]
  const { succeeded } = await transport.txn(txn(asFound, [put(key, value, lease)]), signal)
  if (!succeeded) throw new UnavailableError('another client writes the key of this claim; ask again')
  state.version = version + 1n
}
