// The holder of a name in etcd, as every client sees it (also `etcdctl elect -l`): the key of the line that was
// created first. Owns the watch for the next change, and the gap between reading and watching.
import type { IKeyValue } from 'etcd3'
import type { Leader, Observation } from '../../contract.ts'
import type { Namespace } from './layout.ts'
import { checkCount, notLeased } from './line.ts'
import { get, glance, inOrder, keysInOrder, read, txn } from './operations.ts'
import { watchUntil } from './waits.ts'
import type { Change, KeyRange, Write } from './wire/transport.ts'

/** An observation with the revision that was read and the leader's key, which is the key to watch. */
export interface Seen extends Observation {
  readonly revision: bigint
  readonly key: string | undefined
}

/**
 * Reads the holder of the name, by a consistent read. Only the first claim is read with its value, since the values of
 * all claims may be more than one message can take.
 */
export async function observe(
  at: Namespace,
  name: string,
  signal: AbortSignal,
  most: number = glance,
): Promise<Seen> {
  const line = at.layout.line(name)
  const reads = [inOrder(line, 1), keysInOrder(line, most)]
  const response = await at.transport.txn(txn([], reads), signal)
  const [oldest] = read(response.responses, 0).kvs
  const keys = read(response.responses, 1)
  checkCount(line, keys)
  const { kvs, more } = keys
  const first = kvs.find((kv) => at.layout.parse(name, kv.key.toString()))
  // The first few keys of the range may all belong to longer names.
  if (!first && more) return observe(at, name, signal, 0)
  const revision = BigInt(response.header.revision)
  if (first && first.create_revision !== oldest?.create_revision)
    return observeBehind(at, name, first, signal)
  return seenOf(at, name, first && oldest, revision)
}

/** The first claim of a name, if keys of longer names come before it. It stays the first as long as it stands. */
async function observeBehind(
  at: Namespace,
  name: string,
  first: IKeyValue,
  signal: AbortSignal,
): Promise<Seen> {
  const response = await at.transport.txn(txn([], [get(first.key.toString())]), signal)
  const [now] = read(response.responses, 0).kvs
  if (now?.create_revision !== first.create_revision) return observe(at, name, signal)
  return seenOf(at, name, now, BigInt(response.header.revision))
}

function seenOf(at: Namespace, name: string, first: IKeyValue | undefined, revision: bigint): Seen {
  return { leader: first && leaderOf(at, name, first), key: first?.key.toString(), revision }
}

function leaderOf(at: Namespace, name: string, { key, value, create_revision, lease }: IKeyValue): Leader {
  if (lease === '0') throw notLeased(key.toString()) // it does not lead, and no claim behind it can lead
  const session = at.layout.parse(name, key.toString())?.session ?? ''
  return { value: value.toString(), token: BigInt(create_revision), session }
}

/**
 * Resolves when the leader may have changed, with the new leader if the event shows it. While a claim holds, only its key
 * can bring a change. While none holds, any key of the line can.
 */
export function leaderChanged(
  at: Namespace,
  name: string,
  seen: Seen,
  signal: AbortSignal,
): Promise<Seen | undefined> {
  const { revision, key } = seen
  const range: KeyRange = key === undefined ? at.layout.line(name) : { key }
  return watchUntil<Seen | undefined>(at.transport, range, signal, (settle) => {
    const told = (changes: readonly Change[]): void => {
      const ours = changes.filter(({ key }) => at.layout.parse(name, key) !== undefined)
      if (ours.some((change) => change.revision > revision)) settle(undefined)
    }
    // Each checkpoint of the leader writes its key with the value that it has.
    const written = (writes: readonly Write[]): void =>
      told(writes.filter((write) => write.key !== key || write.value !== seen.leader?.value))
    const created = (since: bigint): void => {
      // The watch has missed the changes between the answer and its own beginning.
      if (since > revision) observeAgain(at, name, seen, settle, signal)
    }
    return { created, deleted: told, written, failed: () => settle(undefined) }
  })
}

/** Reads again while a watch is live, and settles if the leader differs. */
function observeAgain(
  at: Namespace,
  name: string,
  seen: Seen,
  settle: (value: Seen | undefined) => void,
  signal: AbortSignal,
): void {
  const same = ({ leader }: Seen): boolean =>
    leader?.token === seen.leader?.token && leader?.value === seen.leader?.value
  observe(at, name, signal).then(
    (now) => same(now) || settle(now),
    () => settle(undefined),
  )
}
