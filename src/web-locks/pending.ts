// A request that waits for its lock. Owns how it leaves the line for a request that steals, and joins again behind it.
import type { Hold } from '../api/hold.ts'
import type { Lock } from '../api/lock.ts'
import { Scope } from '../base/scope.ts'
import type { WebLockMode } from './types.ts'

/** A request that waits. */
export class Pending {
  readonly name: string
  readonly mode: WebLockMode
  #scope = new Scope()
  #attempt: Promise<unknown> = Promise.resolve()
  #pause: { readonly over: Promise<void>; readonly end: () => void } | undefined

  constructor(name: string, mode: WebLockMode) {
    this.name = name
    this.mode = mode
  }

  /** Waits in line, as `acquire` of the lock does. A request that stepped back joins the line again when it may. */
  async acquire<H extends Hold>(lock: Lock<H>, signal: AbortSignal | undefined): Promise<H> {
    for (;;) {
      this.#scope = new Scope().onSignal(signal)
      const attempt = lock.acquire({ signal: this.#scope.signal })
      this.#attempt = attempt.catch(() => {})
      try {
        return await attempt
      } catch (error) {
        if (error !== steppedBack) throw error
      } finally {
        this.#scope.detach()
      }
      await this.#pause?.over
    }
  }

  /** Leaves the line until `goOn`. Resolves when it has left, or was served meanwhile. */
  async stepBack(): Promise<void> {
    if (!this.#pause) {
      let end = (): void => {}
      const over = new Promise<void>((resolve) => {
        end = resolve
      })
      this.#pause = { over, end }
    }
    this.#scope.end(steppedBack)
    await this.#attempt
  }

  /** Joins the line again. */
  goOn(): void {
    this.#pause?.end()
    this.#pause = undefined
  }
}

/** Why a wait ended that begins again. */
const steppedBack = Symbol('stepped back')
