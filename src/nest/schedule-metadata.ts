// The traces that @nestjs/schedule leaves on a method: its expression, time zone and name. Owns what a method with
// `@OncePerTick()` takes over from them. The keys are those of @nestjs/schedule 4 to 6, which does not export them.
import type { CronOptions } from '../api/cron.ts'
import { quoted } from '../base/printable.ts'
import type { Method, TickMark } from './marks.ts'

/** The metadata of `@Cron`. */
interface CronMetadata {
  readonly cronTime?: unknown
  readonly name?: string | undefined
  readonly timeZone?: string | undefined
  readonly utcOffset?: unknown
}

/** The cron job of a method: the options of `@OncePerTick()`, completed by those of `@Cron`. Throws if they differ. */
export function jobOf(instance: object, { key, options }: TickMark): CronOptions & { readonly name: string } {
  const where = `${instance.constructor.name}.${String(key)}`
  const { retry, catchUp, onMissed, aheadMs } = options
  const cron: CronMetadata = Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', Reflect.get(instance, key)) ?? {}
  const schedule = agreed(where, 'schedule', options.schedule, expressionOf(where, cron, options))
  if (schedule === undefined)
    throw new TypeError(`@OncePerTick(): ${where} has no schedule; add @Cron(…), or give it \`schedule\``)
  const timezone = agreed(where, 'timezone', options.timezone, cron.timeZone)
  return { name: options.name ?? cron.name ?? where, schedule, timezone, retry, catchUp, onMissed, aheadMs }
}

/** Throws TypeError for a method that a timer of @nestjs/schedule calls. */
export function refuseScheduled(method: Method, where: string): void {
  if (Reflect.getMetadata('SCHEDULER_TYPE', method) === undefined) return
  throw new TypeError(
    `@LeaderOnly(): ${where} has @Cron, @Interval or @Timeout, which call it on every host; @LeaderOnly() calls the ` +
      'method itself, so remove the timer, or use @OncePerTick() with @Cron',
  )
}

function expressionOf(where: string, cron: CronMetadata, options: CronOptions): string | undefined {
  const { cronTime, utcOffset } = cron
  if (utcOffset !== undefined && options.timezone === undefined)
    throw new TypeError(`@OncePerTick(): ${where} has \`utcOffset\`; use \`timeZone\` in @Cron instead`)
  if (cronTime === undefined || typeof cronTime === 'string') return cronTime
  throw new TypeError(
    `@OncePerTick(): ${where} has @Cron with a date; it takes an expression such as '0 3 * * *'`,
  )
}

function agreed(
  where: string,
  option: string,
  own: string | undefined,
  scheduled: string | undefined,
): string | undefined {
  if (own === undefined || scheduled === undefined || own === scheduled) return own ?? scheduled
  throw new TypeError(
    `@OncePerTick(): ${where} has the ${option} ${quoted(own)}, but that of its @Cron is ${quoted(scheduled)}; ` +
      'leave it out here',
  )
}
