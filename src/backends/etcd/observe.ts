// Who holds a name in etcd, as anybody can see it, `etcdctl elect -l` too: the key of the line that was created first. Owns
// the watch for the next change, and the gap between reading and watching.
import type { IKeyValue } from 'etcd3'
import type { Leader, Observation } from '../../contract.ts'
import type { Namespace } from './layout.ts'
import { get, glance, inOrder, keysInOrder, read, txn } from './operations.ts'
import { watchUntil } from './waits.ts'
import type { Change, KeyRange } from './wire/transport.ts'

/**
 * Reads linearizably who holds the name. Of all that stand in line only the first is read with its value: together they
 * may be more than a message takes.
 */
export async function observe(
  at: Namespace,
  name: string,
  signal: AbortSignal,
  most: number = glance,
): Promise<Observation> {
  const line = at.layout.line(name)
  const reads = [inOrder(line, 1), keysInOrder(line, most)]
  const response = await at.transport.txn(txn([], reads), signal)
  const [oldest] = read(response.responses, 0).kvs
  const { kvs, more } = read(response.responses, 1)
  const first = kvs.find((kv) => at.layout.parse(name, kv.key.toString()))
  // The first few keys of the range may all belong to other names, that continue this one.
  if (!first && more) return observe(at, name, signal, 0)
  const revision = BigInt(response.header.revision)
  if (first && first.create_revision !== oldest?.create_revision)
    return observeBehind(at, name, first, signal)
  return observationOf(at, { name, first: first && oldest, revision })
}

/** The first of a name, where keys of other names stand before it: as long as it stands, it is the first. */
async function observeBehind(
  at: Namespace,
  name: string,
  first: IKeyValue,
  signal: AbortSignal,
): Promise<Observation> {
  const response = await at.transport.txn(txn([], [get(first.key.toString())]), signal)
  const [now] = read(response.responses, 0).kvs
  if (now?.create_revision !== first.create_revision) return observe(at, name, signal)
  return observationOf(at, { name, first: now, revision: BigInt(response.header.revision) })
}

function observationOf(at: Namespace, seen: Seen): Observation {
  const { name, first } = seen
  return { leader: first && leaderOf(at, name, first), changed: (until) => untilChanged(at, seen, until) }
}

function leaderOf(at: Namespace, name: string, { key, value, create_revision }: IKeyValue): Leader {
  const session = at.layout.parse(name, key.toString())?.session ?? ''
  return { value: value.toString(), token: BigInt(create_revision), session }
}

/** Where somebody holds, only that key can bring a change; where nobody does, any key of the line. */
function untilChanged(
  at: Namespace,
  { name, first, revision }: Seen,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  const range: KeyRange = first ? { key: first.key.toString() } : at.layout.line(name)
  return watchUntil<Observation | undefined>(at.transport, range, signal, (settle) => {
    const told = (changes: readonly Change[]): void => {
      const ours = changes.filter(({ key }) => at.layout.parse(name, key) !== undefined)
      if (ours.some((change) => change.revision > revision)) settle(undefined)
    }
    const created = (since: bigint): void => {
      // What happened between the answer and the watch it does not tell.
      if (since > revision) observeAgain(at, { name, first, revision }, settle, signal)
    }
    return { created, deleted: told, written: told, failed: () => settle(undefined) }
  })
}

/** Reads once more while a watch is live, and settles if that shows something else. */
function observeAgain(
  at: Namespace,
  seen: Seen,
  settle: (value: Observation | undefined) => void,
  signal: AbortSignal,
): void {
  const same = (now: Observation): boolean =>
    (now.leader === undefined && seen.first === undefined) ||
    (now.leader?.token === BigInt(seen.first?.create_revision ?? -1) &&
      now.leader.value === seen.first?.value.toString())
  observe(at, seen.name, signal).then(
    (now) => same(now) || settle(now),
    () => settle(undefined),
  )
}

/** What an observation rests on. */
interface Seen {
  readonly name: string
  readonly first: IKeyValue | undefined
  readonly revision: bigint
}
