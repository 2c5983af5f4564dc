// What `election.observe` tells, collected while a test goes on. Owns the loop, and that it ends with the test.
import { onTestFinished } from 'vitest'
import type { Election } from '../../src/api/election.ts'
import type { Leader } from '../../src/contract.ts'
import { until } from '../../tools/servers/wait.mjs'

export class Observed {
  /** Everything that it told so far. */
  readonly told: (Leader | undefined)[] = []
  #failed: unknown

  constructor(election: Election) {
    const end = new AbortController()
    const following = this.#follow(election, end.signal).catch((error) => {
      if (error !== end.signal.reason) this.#failed = error
    })
    onTestFinished(async () => {
      end.abort()
      await following
    })
  }

  /** Only the values, with `nobody` where nobody led. */
  get values(): string[] {
    return this.told.map((leader) => leader?.value ?? 'nobody')
  }

  /** Resolves with what it told last, once that has this value: `nobody` where nobody leads. */
  async sees(value: string, deadlineMs = 20_000): Promise<Leader | undefined> {
    const seen = async (): Promise<boolean> => {
      if (this.#failed) throw this.#failed
      return this.values.at(-1) === value
    }
    const describe = (): string => `${value} at the end of ${this.values.map((one) => one.slice(0, 20))}`
    await until(seen, { describe, everyMs: 5, deadlineMs })
    return this.told.at(-1)
  }

  async #follow(election: Election, signal: AbortSignal): Promise<void> {
    const onError = (): void => {} // the tests cut it off, and see that it goes on
    for await (const leader of election.observe({ signal, onError })) this.told.push(leader)
  }
}
