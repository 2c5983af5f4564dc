// The questions by which a claim finds out that it cannot stand in its line. line.ts reads the answers, and claims.ts asks.
import { cohortPermits } from '../../base/shapes.ts'
import { inUse } from '../shared/conflict.ts'
import { checkCount, checkKind, checkLeases, type Line, maybeUnleased, type StandingKey } from './line.ts'
import { count, leases, read, txn } from './operations.ts'
import type { ClaimState } from './own-key.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/**
 * Throws ConflictError if the claim cannot stand in this line. Resolves with the claims ahead whose leases were read. etcd since 3.7 does not name the leases of the claims
 * ahead, so they are read separately: once for each claim, since no key is ever put ahead of an older one.
 */
export async function checkLine(
  transport: Transport,
  state: ClaimState,
  line: Line,
  signal: AbortSignal,
): Promise<readonly StandingKey[]> {
  const { claim, keys, created, checked } = state
  if (line.ahead.some(({ key }) => key === keys.mark))
    throw inUse(claim, { permits: cohortPermits, key: keys.mark, leftOver: true })
  const unsure = maybeUnleased(line)
  const [newest, oldest] = [unsure[0], unsure.at(-1)]
  if (newest && oldest && (created === undefined || checked !== created)) {
    const ask = leases(keys.line, oldest.created, newest.created)
    const { responses } = await transport.txn(txn([], [ask]), signal)
    checkLeases(unsure, read(responses, 0), claim)
    state.checked = created
  }
  checkKind(line, claim)
  return unsure
}

/** Throws ConflictError if too many keys are below a name: then the next question would take as long as a late one. */
export async function checkCrowd(
  transport: Transport,
  lines: readonly KeyRange[],
  signal: AbortSignal,
): Promise<void> {
  const { responses } = await transport.txn(txn([], lines.map(count)), signal)
  for (const [place, line] of lines.entries()) checkCount(line, read(responses, place))
}
