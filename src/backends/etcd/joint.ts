// Transactions of etcd about different names that one client sends as one. Owns their form. shared/joint.ts decides which go
// together, claims.ts makes them, and ARCHITECTURE.md says why no claim can tell the difference.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import type { Clock } from '../../base/clock.ts'
import { aloneMost, Joint as SharedJoint } from '../shared/joint.ts'
import { txn } from './operations.ts'
import type { Portions } from './portions.ts'
import type { Transport } from './wire/transport.ts'

/** The most transactions that go together, and the most conditions or changes of each: etcd takes 128 of them by default. */
const [togetherMost, partsMost] = [40, 3]
const patienceMs = 20

/** Sends the transactions of one client. */
export class Joint extends SharedJoint<ITxnRequest, ITxnResponse> {
  constructor(transport: Transport, clock: Clock, portions: Portions, most: number = aloneMost) {
    const send = async (some: readonly ITxnRequest[], signal: AbortSignal) => {
      const answer = await transport.txn(joined(some), signal)
      return answer.succeeded ? split(some, answer) : some.map(() => undefined)
    }
    const sender = {
      ...{ isSmall, patienceMs },
      togetherMost: () => portions.size(togetherMost, partsMost),
      send: (request: ITxnRequest, signal: AbortSignal) => transport.txn(request, signal),
      sendTogether: (parts: readonly ITxnRequest[], signal: AbortSignal) =>
        portions.send(parts, partsMost, (some) => send(some, signal)),
    }
    super(sender, clock, most)
  }
}

function isSmall({ compare, success }: ITxnRequest): boolean {
  return Math.max(compare?.length ?? 0, success?.length ?? 0) <= partsMost
}

function joined(parts: readonly ITxnRequest[]): ITxnRequest {
  return txn(
    parts.flatMap(({ compare }) => compare ?? []),
    parts.flatMap(({ success }) => success ?? []),
  )
}

/** The answer to each part: its operations stand in a row. */
function split(parts: readonly ITxnRequest[], { header, responses }: ITxnResponse): ITxnResponse[] {
  let next = 0
  return parts.map(({ success }) => {
    const from = next
    next += success?.length ?? 0
    return { header, succeeded: true, responses: responses.slice(from, next) }
  })
}
