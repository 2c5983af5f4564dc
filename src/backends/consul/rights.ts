// Tries the permissions that each verb needs, with requests that change nothing: a transaction with a check that always fails.
// Consul checks the rules for all its parts before it applies any. Owns which verb touches which keys.

import { RefusedError } from '../../base/errors.ts'
import type { ExamineOptions, Finding } from '../../base/finding.ts'
import { quoted } from '../../base/printable.ts'
import type { Claim } from '../../contract.ts'
import { timed, wordsOf } from '../shared/timed.ts'
import type { Layout } from './layout.ts'
import type { Operation, Transport } from './wire/transport.ts'

interface Right {
  readonly verb: string
  ask(signal: AbortSignal): Promise<unknown>
}

/** One finding for each verb. The permission for sessions shows when the doctor opens one. */
export async function tryRights(
  transport: Transport,
  layout: Layout,
  options: ExamineOptions,
): Promise<Finding[]> {
  const rights = rightsOf(transport, layout, options)
  return Promise.all(rights.map((right) => tryRight(right, options)))
}

function rightsOf(transport: Transport, layout: Layout, { name, clock }: ExamineOptions): Right[] {
  const session = clock.id().toString(16)
  const size = { permits: 1, weight: 1 }
  const claim: Claim = { id: '1', name, session, ...size, value: '', wait: true, candidate: false }
  const { lock, line, ticket, checkpoint, tombstone, folder } = layout.claimKeys(claim)
  /** No key has the index 1, which Consul gives to its own first record. */
  const never: Operation = { verb: 'check-index', key: lock, index: 1 }
  const set = (key: string): Operation => ({ verb: 'set', key, value: '' })
  const change = (keys: readonly string[]) => (signal: AbortSignal) =>
    transport.txn([never, ...keys.map(set)], signal)
  // Consul leaves out the keys that the token may not read, so only the own key and the folder show that it may.
  const list =
    ([key = '', prefix = '']: readonly string[]) =>
    (signal: AbortSignal) =>
      Promise.all([transport.read({ key }, signal), transport.read({ prefix }, signal)])
  return [
    { verb: 'leader', ask: (signal) => transport.read({ key: lock }, signal) },
    { verb: 'run and lead', ask: change([lock, line, ticket, tombstone]) },
    { verb: 'break', ask: change([lock]) },
    { verb: 'cron, and checkpoints', ask: change([checkpoint]) },
    { verb: 'ls', ask: list([lock, folder]) },
  ]
}

async function tryRight({ verb, ask }: Right, options: ExamineOptions): Promise<Finding> {
  const outcome = await timed(options, ask)
  const finding = { check: 'permission', about: verb, data: { ms: outcome.ms } } as const
  if (!('error' in outcome)) return { ...finding, level: 'ok', text: `granted for ${quoted(options.name)}` }
  const refused = 'add the rule to a policy of the token, or name a lock that you use: leasehold doctor NAME'
  const next = outcome.error instanceof RefusedError ? refused : 'see the endpoints above'
  return { ...finding, level: 'problem', text: wordsOf(outcome.error), next }
}
