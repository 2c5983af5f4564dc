// Collects the values of `election.observe` during a test. Owns the loop, and ends it with the test.
import { onTestFinished } from 'vitest'
import type { Election } from '../../src/api/election.ts'
import type { Leader } from '../../src/contract.ts'
import { until } from '../../tools/servers/wait.mjs'

export class Observed {
  /** All values so far. */
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

  /** The values of the leaders, with `nobody` if none led. */
  get values(): string[] {
    return this.told.map((leader) => leader?.value ?? 'nobody')
  }

  /** Resolves with the last leader once it has this value; `nobody` means no leader. */
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
