// The candidacies of one client that go on now, and the part that each has. Owns what a health check says of elections;
// election.ts tells the changes.
import type { CandidateHealth, CandidatePart } from '../api/health.ts'
import type { LedTerm } from '../api/term.ts'

/** The candidacies of one client. */
export class Candidacies {
  readonly #all = new Set<Candidacy>()
  readonly #session: () => string | undefined

  /** `session` returns the present session of the client. */
  constructor(session: () => string | undefined) {
    this.#session = session
  }

  /** Begins one, which goes on until it is left. */
  enter(name: string): Candidacy {
    const candidacy = new Candidacy(name, this.#session, () => this.#all.delete(candidacy))
    this.#all.add(candidacy)
    return candidacy
  }

  /** All of them now. */
  get health(): CandidateHealth[] {
    return [...this.#all].map(({ name, part }) => ({ name, part }))
  }
}

/** One candidacy, from its first campaign to its end. */
export class Candidacy {
  readonly name: string
  /** Ends it. */
  readonly leave: () => void
  readonly #session: () => string | undefined
  /** The session in which it stands in line. */
  #standsIn: string | undefined
  #term: Pick<LedTerm, 'held'> | undefined

  constructor(name: string, session: () => string | undefined, leave: () => void) {
    this.name = name
    this.#session = session
    this.leave = leave
  }

  get part(): CandidatePart {
    if (this.#term) return this.#term.held ? 'leader' : 'overdue'
    return this.#standsIn !== undefined && this.#standsIn === this.#session() ? 'standby' : 'away'
  }

  /** The store has put it in line, in the present session. */
  stands(): void {
    this.#standsIn = this.#session()
  }

  /** It is not in line. */
  leavesLine(): void {
    this.#standsIn = undefined
  }

  /** It leads, until it is left. */
  leads(term: Pick<LedTerm, 'held'>): void {
    this.#term = term
  }

  /** The same work, during which the candidate leads. */
  during<T>(work: (term: LedTerm) => T | Promise<T>): (term: LedTerm) => Promise<T> {
    return async (term) => {
      this.#term = term
      try {
        return await work(term)
      } finally {
        this.#term = undefined
      }
    }
  }
}
