// Transactions of mutexes on different names that one client sends as one. Owns their form, and the answer to each.
// shared/joint.ts decides which go together, and ARCHITECTURE.md says why no claim can tell the difference.
import type { Clock } from '../../base/clock.ts'
import { Joint as SharedJoint } from '../shared/joint.ts'
import type { Operation, Transport, TxnOutcome } from './wire/transport.ts'

type Part = readonly Operation[]
type Send = (operations: Part, signal: AbortSignal) => Promise<TxnOutcome>

/** The most operations of one transaction of Consul, and of one of ours that goes together with others. */
const [operationsMost, partMost] = [64, 8]
/** The most characters of the values of one that goes together with others: Consul takes 512 KiB in all, in base64. */
const valuesMost = 4_096
/** Sixteen claims fill a transaction, so several are under way if a server takes longer than this, in ms. */
const patienceMs = 5

/** Sends the transactions of one client that take locks, or those that give them back. */
export class Joint extends SharedJoint<Part, TxnOutcome> {
  /** `most` is the number of transactions under way from which on others go together, if it is not the usual one. */
  constructor(transport: Transport, clock: Clock, most?: number, purpose?: 'gives back') {
    const send: Send = (operations, signal) => transport.txn(operations, signal, purpose)
    const sendTogether = (parts: readonly Part[], signal: AbortSignal) => sendAll(send, parts, signal)
    const sizeOf = ({ length }: Part): number => length
    const togetherMost = (): number => operationsMost
    super({ isSmall, sizeOf, togetherMost, patienceMs, send, sendTogether }, clock, most)
  }
}

/** If conditions of some fail, these have their answer, and the others go together once more. */
async function sendAll(
  send: Send,
  parts: readonly Part[],
  signal: AbortSignal,
  tries = 2,
): Promise<readonly (TxnOutcome | undefined)[]> {
  const outcome = await send(parts.flat(), signal)
  const answers = parts.map((part, place) => answerOf(part, parts.slice(0, place).flat().length, outcome))
  const left = parts.filter((_, place) => !answers[place])
  if (left.length === 0 || left.length === parts.length || tries === 1) return answers
  const later = await sendAll(send, left, signal, tries - 1)
  return parts.map((part, place) => answers[place] ?? later[left.indexOf(part)])
}

/** The answer to a part, whose operations begin at this place. Undefined if only conditions of other parts failed. */
function answerOf(part: Part, first: number, outcome: TxnOutcome): TxnOutcome | undefined {
  if (outcome.applied) {
    const entries = outcome.entries.filter(({ key }) => part.some((each) => each.key === key))
    return { applied: true, entries }
  }
  const failures = outcome.failures
    .map(({ operation, reason }) => ({ operation: operation - first, reason }))
    .filter(({ operation }) => operation >= 0 && operation < part.length)
  return failures.length > 0 ? { applied: false, failures } : undefined
}

/** Whether it has few operations, with short values, and each of them concerns one key. */
function isSmall(part: Part): boolean {
  const lengthOf = (operation: Operation): number => ('value' in operation ? operation.value.length : 0)
  const length = part.reduce((sum, operation) => sum + lengthOf(operation), 0)
  const hasTree = part.some(({ verb }) => verb === 'get-tree')
  return part.length <= partMost && length <= valuesMost && !hasTree
}
