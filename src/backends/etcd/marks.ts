// The lasting mark of a name that a mutex with `handoff` has held: a key without a lease, where the claims of the name stand in line. Owns
// when it is made. Every other client takes it for a claim that came first, so none of them ever holds the name.
import type { ICompare, IRequestOp, ITxnResponse } from 'etcd3'
import { UnavailableError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { cohortPermits } from '../../base/shapes.ts'
import { inUse } from '../shared/conflict.ts'
import type { Lines } from './lines.ts'
import { absent, get, look, noneSince, present, put, read, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { Transport } from './wire/transport.ts'

/** The text of a mark, for an operator who finds the key. */
const text =
  'Leasehold: this name is a mutex with `handoff`, and no other lock. See docs/locks.md before you delete this key.'
const triesMax = 8

/** The condition of each attempt: a claim with `handoff` joins the line only of a name that is marked. */
export function marked({ claim, keys }: ClaimState): ICompare[] {
  return claim.permits === cohortPermits ? [present(keys.mark)] : []
}

/**
 * Marks the name of this claim, if no claim stands on it. Does nothing if it is marked. Throws ConflictError if the name is in use in
 * another form. Costs one request, and one more if other names continue this one. A late copy of the request marks a name on which
 * nobody has stood since.
 */
export async function mark(
  transport: Transport,
  lines: Lines,
  state: ClaimState,
  signal: AbortSignal,
): Promise<void> {
  const { claim, keys } = state
  for (let [since, tries] = [0n, triesMax]; tries > 0; tries -= 1) {
    const free = [absent(keys.mark), noneSince(keys.line, since)]
    const response = await transport.txn(txn(free, [put(keys.mark, text)], look(keys, 0)), signal)
    if (response.succeeded) return
    const line = lines.all(state, lines.found(state, response, 0))
    if (line.ahead.some(({ key }) => key === keys.mark)) return
    const [first] = line.ahead.slice(-1)
    if (first) throw inUse(claim, { permits: first.permits ?? 1 })
    since = line.revision
  }
  throw new UnavailableError(
    `the keys below ${quoted(keys.line.key)} changed too fast to mark the name; ask again`,
  )
}

/** Whether a refused attempt found no mark, by the last read of its answer. */
export function lacksMark({ claim }: ClaimState, { responses }: ITxnResponse): boolean {
  return claim.permits === cohortPermits && read(responses, responses.length - 1).kvs.length === 0
}

/** The reads of a refused attempt, with that of the mark as the last one. */
export function withMark({ claim, keys }: ClaimState, reads: readonly IRequestOp[]): IRequestOp[] {
  return claim.permits === cohortPermits ? [...reads, get(keys.mark)] : [...reads]
}
