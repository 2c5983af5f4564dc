// A line of a crontab whose tick is present, and the store that its hosts share. Owns the schedule.
import { beforeEach } from 'vitest'
import { connect } from '../../src/index.ts'
import { leasehold, type Run, temporaryFolder } from './leasehold.ts'

/** A schedule of every year whose present tick is one or two months ago, so that it stays that for as long as a test takes. */
const now = new Date()
export const present = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1))
export const yearly = ['--schedule', `0 0 1 ${present.getUTCMonth() + 1} *`, '--tz', 'UTC']

/** The tick of this many years ago. */
export function yearsAgo(years: number): Date {
  return new Date(Date.UTC(present.getUTCFullYear() - years, present.getUTCMonth(), 1))
}

/** The hosts of one test. */
export interface Crontab {
  /** The variables of each host: a store of this test alone. */
  readonly env: { readonly LEASEHOLD_URL: string }
  /** Runs the line of the crontab on one more host. */
  cron(options: string[], command: string[]): Run
  /** Marks this tick as run. */
  ran(tick: Date): Promise<void>
}

/** A store for each test of the file. */
export function useCrontab(): Crontab {
  let env = { LEASEHOLD_URL: '' }
  beforeEach(() => {
    env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
  })
  return {
    get env() {
      return env
    },
    cron: (options, command) => leasehold(['cron', 'x', ...yearly, ...options, '--', ...command], { env }),
    async ran(tick) {
      const client = await connect(env.LEASEHOLD_URL)
      await client.cron('x', {}).run(() => {}, { tick })
      await client.close()
    },
  }
}
