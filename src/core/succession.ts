// A claim that leaves the store by the first request of the next local caller: one request in place of two. Owns the
// knowledge of which caller withdraws the claim. closing.ts begins a succession, and acquire.ts decides it.
import type { Claim } from '../contract.ts'
import type { Session } from './session.ts'

/** The end of a claim, as its caller leaves it to the next caller of the same client. */
export class Succession {
  readonly claim: Claim
  readonly session: Session
  /**
   * Whether a request of the next caller has withdrawn the claim. With false the next caller sends no such request any
   * more, and the caller before has to withdraw the claim.
   */
  readonly decided: Promise<boolean>
  /** Resolves when the claim has left the store, by a request of either caller. */
  readonly over: Promise<void>
  /** Whether it is not decided yet. */
  isOpen = true
  /** Whether the claim has left the store. */
  isOver = false
  #decide: (isWithdrawn: boolean) => void = () => {}
  #finish: () => void = () => {}

  constructor(claim: Claim, session: Session) {
    this.claim = claim
    this.session = session
    this.decided = new Promise((resolve) => {
      this.#decide = resolve
    })
    this.over = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  /** Itself for a next caller in the same session. For any other, the store has dropped the claim, or its own caller withdraws it. */
  within(session: Session): Succession | undefined {
    if (this.session === session) return this
    this.decide(false)
    return undefined
  }

  /** Says whether the next caller has withdrawn the claim. The first call counts. */
  decide(isWithdrawn: boolean): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#decide(isWithdrawn)
    if (isWithdrawn) this.finish()
  }

  /** Says that the caller before has withdrawn the claim itself. */
  finish(): void {
    this.isOver = true
    this.#finish()
  }
}
