// The options of the decorators. Types only; core/arguments.ts has the kinds that decorators.ts and host.ts check.
import type { CronOptions, TickOptions } from '../api/cron.ts'
import type { LeadOptions } from '../api/election.ts'

/** The options of `@OncePerTick()`. */
export interface OncePerTickOptions
  extends CronOptions,
    Pick<TickOptions, 'waitMs' | 'graceMs' | 'giveUpMs' | 'onError'> {
  /** The name of the cron job, the same on all hosts. By default the `name` of `@Cron`, or else class and method, with a dot. */
  readonly name?: string | undefined
}

/** The options of `@LeaderOnly()`. */
export interface LeaderOnlyOptions extends Omit<LeadOptions, 'signal'> {
  /** The name of the election, the same on all hosts. By default class and method, with a dot between them. */
  readonly name?: string | undefined
}
