// The session that a claim of a semaphore has for its place in line and for its permit. Owns that it is the same for both: then
// a client that changes the list knows from the ticket which session to put there. permit-sessions.ts opens sessions.
import { SessionGoneError } from '../../base/errors.ts'
import type { ClaimState, Claims } from './claims.ts'
import type { PermitSessions } from './permit-sessions.ts'

/** The sessions of the claims of one client. */
export class Seats {
  readonly #claims: Claims
  readonly #sessions: PermitSessions

  constructor(claims: Claims, sessions: PermitSessions) {
    this.#claims = claims
    this.#sessions = sessions
  }

  /** The session of the claim. If the client has none to spare, it opens one, which is one request. */
  async take(state: ClaimState, signal: AbortSignal): Promise<string> {
    const { permitSession, claim } = state
    const session = permitSession ?? (await this.#sessions.take(claim, signal))
    if (!permitSession) this.#claims.seat(state, session)
    return session
  }

  /** Gives the session back. The claim is withdrawn. */
  giveBack({ claim, permitSession }: ClaimState): void {
    if (permitSession) this.#sessions.giveBack(claim, permitSession)
  }

  /**
   * Throws the error of a request of the claim. If the session of its permit has ended, its keys are gone, and it starts anew.
   */
  failed(state: ClaimState, error: unknown): never {
    const { claim, permitSession } = state
    if (!(error instanceof SessionGoneError) || permitSession === undefined) throw error
    state.permitSession = undefined
    state.ticket = undefined
    state.behind = undefined
    state.isFirst = undefined
    return this.#sessions.failed(claim, permitSession, error)
  }
}
