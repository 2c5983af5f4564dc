// A claim in Consul that stays after its release: a session of its own takes its place, and Consul ends that session. Owns how
// the claim changes hands, in one transaction, and that a repeated request does it once.
import { UnavailableError } from '../../base/errors.ts'
import type { Kept } from '../../contract.ts'
import type { ClaimState, Claims, Held, Protocol } from './claims.ts'
import { handedTo } from './holders.ts'
import type { Operation, SessionPlan, Transport } from './wire/transport.ts'

/** The parts of a client that keep its claims. */
export interface Keeper extends Pick<SessionPlan, 'node'> {
  readonly transport: Transport
  readonly claims: Claims
}

/**
 * Hands a claim that holds to a new session, and starts the time of that session. Consul ends it after `ms` at the earliest, and
 * after twice that at the latest. Returns whether the claim held. Costs three requests, and for a semaphore one more.
 */
export async function keep(
  keeper: Keeper,
  state: ClaimState,
  protocol: Protocol,
  kept: Kept,
  signal: AbortSignal,
): Promise<boolean> {
  const { transport, claims } = keeper
  if (state.unanswered) await claims.bury(state, signal)
  const session =
    (await keptBy(keeper, state, signal)) ?? (await handOver(keeper, state, protocol, kept, signal))
  if (session === undefined) return false
  await transport.renewSession(session, signal) // its time begins now, and not when it was opened
  state.isKept = true
  return true
}

/** The session that has the claim already, by a request whose answer was lost. */
async function keptBy(
  { transport }: Keeper,
  { claim, keys, keepers }: ClaimState,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const session of keepers) {
    const key = claim.permits === 1 ? keys.lock : `${keys.folder}${session}`
    const { entries } = await transport.read({ key }, signal)
    if (entries[0]?.session === session) return session
  }
  return undefined
}

async function handOver(
  { transport, claims, node }: Keeper,
  state: ClaimState,
  protocol: Protocol,
  { ms, value }: Kept,
  signal: AbortSignal,
): Promise<string | undefined> {
  const isMutex = state.claim.permits === 1
  if (!isMutex && !(await protocol.verify(state, signal))) return undefined
  const { held } = state
  if (!held) return undefined
  // No health checks: it has to outlive this process and its node. No lock-delay: nobody works under it.
  const plan = { name: `leasehold keeps ${held.key}`, ttlMs: ms, lockDelayMs: 0, checks: [], node }
  const session = await transport.createSession(plan, signal)
  state.keepers.push(session)
  const give = isMutex ? anew(held, session, value) : handedTo(state, held, session, value)
  if (await claims.leave(state, give, signal)) return session
  await transport.destroySession(session, signal)
  if (!(await protocol.verify(state, signal))) return undefined
  throw new UnavailableError('the keys of this claim were written meanwhile; ask again')
}

/** Makes the key of a mutex anew, for another session. */
function anew({ key, flags, modified: index }: Held, session: string, value: string): Operation[] {
  return [
    { verb: 'check-index', key, index },
    { verb: 'delete', key },
    { verb: 'lock', key, value, flags, session },
  ]
}
