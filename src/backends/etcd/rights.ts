// Tries the permissions that each verb needs, with requests that change nothing: a transaction whose condition is never true.
// etcd checks the permissions for all its parts before it looks at the condition. Owns which verb sends which keys.

import { untilAborted } from '../../base/abort.ts'
import type { ExamineOptions, Finding } from '../../base/finding.ts'
import { quoted } from '../../base/printable.ts'
import type { Claim } from '../../contract.ts'
import { timed, wordsOf } from '../shared/timed.ts'
import type { Layout } from './layout.ts'
import { getAll, look, put, putClaim, removeClaim, txn, versionIs } from './operations.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** The verbs that need a permission, and the parts of their requests that need it. */
interface Right {
  readonly verb: string
  /** A key that the verb reads. */
  readonly key: string
  readonly operations: Parameters<typeof txn>[1]
}

/** No key has this version, so a transaction with this condition changes nothing. */
const never = (key: string): ReturnType<typeof versionIs> => versionIs(key, -1n)

/** One finding for each verb, and one for the watch that each wait needs. */
export async function tryRights(
  transport: Transport,
  layout: Layout,
  options: ExamineOptions & { readonly isDelayed: boolean },
): Promise<Finding[]> {
  const { name, isDelayed } = options
  const claim = claimOn(name, options.clock.id().toString(16))
  const keys = layout.claimKeys(claim, isDelayed)
  const tried = rightsOf(layout, claim, isDelayed).map((right) => tryRight(transport, right, options))
  return Promise.all([...tried, tryWatch(transport, keys.line, options)])
}

/** A claim that is never made. Its session does not exist either: etcd looks for a lease only when it applies a put. */
function claimOn(name: string, session: string): Claim {
  return { id: '1', name, session, permits: 1, weight: 1, value: '', wait: true, candidate: false }
}

function rightsOf(layout: Layout, claim: Claim, isDelayed: boolean): Right[] {
  const keys = layout.claimKeys(claim, isDelayed)
  const checkpoint = layout.checkpoint(claim.name)
  const records = [put(keys.tombstone, ''), ...(isDelayed ? [put(layout.session(claim.session), '')] : [])]
  return [
    { verb: 'leader', key: keys.line.key, operations: [getAll(keys.line)] },
    {
      verb: 'run and lead',
      key: keys.key,
      operations: [
        ...look(keys, 0),
        ...putClaim(claim, { key: keys.key, record: keys.record, lease: '0' }),
        ...records,
      ],
    },
    { verb: 'break', key: keys.key, operations: [getAll(keys.line), ...removeClaim(keys)] },
    {
      verb: 'cron, and checkpoints',
      key: checkpoint,
      operations: [getAll({ key: checkpoint }), put(checkpoint, '')],
    },
    { verb: 'ls', key: keys.line.key, operations: [getAll(layout.claims(''))] },
  ]
}

async function tryRight(
  transport: Transport,
  { verb, key, operations }: Right,
  options: ExamineOptions,
): Promise<Finding> {
  const outcome = await timed(options, (signal) => transport.txn(txn([never(key)], operations), signal))
  const finding = { check: 'permission', about: verb, data: { ms: outcome.ms } } as const
  if (!('error' in outcome)) return { ...finding, level: 'ok', text: `granted for ${quoted(options.name)}` }
  return {
    ...finding,
    level: 'problem',
    text: wordsOf(outcome.error),
    next: 'grant it to a role of the user: etcdctl role grant-permission ROLE readwrite KEY END; or name a lock that you use: leasehold doctor NAME',
  }
}

/** Opens a watch, which a proxy may not let through, and which needs the permission to read. */
async function tryWatch(transport: Transport, range: KeyRange, options: ExamineOptions): Promise<Finding> {
  const outcome = await timed(options, (signal) => opened(transport, range, signal))
  const finding = { check: 'watch', data: { ms: outcome.ms } } as const
  if (!('error' in outcome)) return { ...finding, level: 'ok', text: `began after ${outcome.ms} ms` }
  return {
    ...finding,
    level: 'problem',
    text: `no watch of ${quoted(options.name)} began: ${wordsOf(outcome.error)}`,
    next: 'without it a waiter asks once per time to live: grant the permission to read, and let streams of gRPC through proxies',
  }
}

function opened(transport: Transport, range: KeyRange, signal: AbortSignal): Promise<void> {
  return untilAborted(signal, ({ resolve, reject }) =>
    transport.watch(range, {
      created: () => resolve(),
      deleted: () => {},
      failed: () => reject(new Error('the server ended it')),
    }),
  )
}
