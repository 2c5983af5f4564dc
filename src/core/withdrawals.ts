// Claims on their way out of the store, and several of them that leave together. closing.ts sends the requests.
import type { Claim } from '../contract.ts'
import type { Cohort } from './cohort.ts'
import type { Turn } from './local-queue.ts'
import type { Session } from './session.ts'

/** A claim that may stand in the store, and its turn in this process. */
export interface Withdrawal {
  readonly claim: Claim
  readonly session: Session
  readonly turn: Turn
  /** Of a claim with `handoff` that was admitted. */
  readonly cohort?: Cohort | undefined
}

/** Withdrawals of one moment, for holds that end together. */
export class Batch {
  /** Settles when they are done: as one if they are `most` at most and have one session, otherwise each by itself. */
  readonly sent: Promise<void>
  readonly #withdrawals: Withdrawal[] = []

  /** Sends in the next microtask what was added by then. */
  constructor(most: number, send: (withdrawals: readonly Withdrawal[]) => Promise<void>) {
    this.sent = Promise.resolve().then(async () => {
      const all = this.#withdrawals
      const isOne = all.length <= most && all.every(({ session }) => session === all[0]?.session)
      if (isOne && all.length > 0) return send(all)
      await Promise.all(all.map((each) => send([each])))
    })
  }

  /** Adds one, and resolves when all are done. */
  add(withdrawal: Withdrawal): Promise<void> {
    this.#withdrawals.push(withdrawal)
    return this.sent
  }
}
