// The state of a client as a health check reads it: plain data, which JSON can show. Types only; connect.ts collects it.

/** The state of a client at one moment. `JSON.stringify` takes it as it is. */
export interface ClientHealth {
  /** The store's URL, without secrets. */
  readonly store: string
  /** The store's id of the present session. Undefined while there is none: holds of this client do not stand then. */
  readonly session: string | undefined
  /** Time to the deadline of the session, in ms. At the deadline all holds of the client are lost. 0 without a session. */
  readonly remainingMs: number
  /**
   * How long ago the last request was sent, in ms, by which the store confirmed a session of this client. While the store
   * answers, it is less than half of the TTL. Undefined if the store never did.
   */
  readonly lastAnswerAgeMs: number | undefined
  /** Why the last request to open or renew a session failed; undefined if it did not. One line that can be printed. */
  readonly lastError: string | undefined
  /** Every candidacy of this client that goes on now, in the order in which they began. */
  readonly elections: readonly CandidateHealth[]
}

/** One candidacy of a client: a call of `lead`, of `run`, or of `campaign` with its term. */
export interface CandidateHealth {
  /** The name of the election. */
  readonly name: string
  readonly part: CandidatePart
}

/**
 * The part that a candidate has: it leads (`leader`), or it stands in line with a session that is confirmed (`standby`). It
 * does neither (`away`): the store is out of reach, the candidate is not eligible, makes room for others or rests. Or its work
 * goes on although its term is over (`overdue`): then end the process. A term of `campaign` is never `overdue`, since
 * Leasehold does not see its work: it is off the list once it is lost.
 */
export type CandidatePart = 'leader' | 'standby' | 'away' | 'overdue'
