// The decorators for methods of Nest's providers. They only mark a method, and see to it that the application has the
// module; host.ts does the work.
import { Inject } from '@nestjs/common'
import type { CronJob } from '../api/cron.ts'
import type { LeadWork } from '../api/election.ts'
import { checkOptions, type Table } from '../base/options.ts'
import { cronOptions, tickOptions } from '../core/arguments.ts'
import {
  hostSlot,
  hostToken,
  type LeaderMark,
  leaderKey,
  type Method,
  type MethodHost,
  nameKind,
  type TickMark,
  tickKey,
} from './marks.ts'
import type { LeaderOnlyOptions, OncePerTickOptions } from './options.ts'

/** A decorator for methods that can be called with a hold and a tick. */
export type TickDecorator = <T extends CronJob<unknown>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => TypedPropertyDescriptor<T>

/** A decorator for methods that can be called with a term. */
export type TermDecorator = <T extends LeadWork>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void

const { waitMs, graceMs, giveUpMs, onError } = tickOptions
const onceOptions: Table = { name: nameKind, ...cronOptions, waitMs, graceMs, giveUpMs, onError }

/**
 * Runs a method once per tick, on one of all hosts: for methods with `@Cron`, whose expression and `timeZone` it takes,
 * or with a `schedule` of its own. Each call takes part in the present tick, as `run` of a CronGuard. On the host that
 * runs the tick, the method gets the hold and the tick, and the call has the method's result or error. On the others the
 * call resolves with undefined. Rejects as `run`. Costs as much as `run`.
 *
 * The decorator throws TypeError for bad options and outside of a method. A bad schedule, and one name for two methods, end
 * the start of the application with a TypeError or RangeError.
 */
export function OncePerTick(options: OncePerTickOptions = {}): TickDecorator {
  checkOptions(options, onceOptions)
  return (target, key, descriptor) => {
    const method = methodOf('@OncePerTick()', target, descriptor)
    const mark: TickMark = { key, options, method }
    const guarded = function (this: { readonly [hostSlot]?: MethodHost }): Promise<unknown> {
      const host = this?.[hostSlot]
      if (host) return host.once(this, mark)
      throw new TypeError(
        `@OncePerTick(): ${String(key)} was called on an object without a client; let Nest make the object, ` +
          "in an application that imports LeaseholdModule.forRoot(), in a unit test with { target: 'memory:' }",
      )
    }
    Object.defineProperty(guarded, 'name', { value: method.name })
    for (const each of Reflect.getOwnMetadataKeys(method))
      Reflect.defineMetadata(each, Reflect.getOwnMetadata(each, method), guarded) // such as that of a `@Cron` below
    Reflect.defineMetadata(tickKey, mark, guarded)
    Inject(hostToken)(target, hostSlot)
    return { ...descriptor, value: guarded as never }
  }
}

/**
 * Makes a method the work of a leader, as `lead` of an Election: when the application has started, each host stands for
 * election, and the method is called on the one that leads, with the term. It should go on until `term.signal` aborts. When
 * it ends or throws, this host stands for election again. When the application closes, the work is asked to stop, awaited
 * for `graceMs`, and the term is resigned. Errors that `lead` goes on after are logged, or passed to `onError`.
 *
 * The decorator throws TypeError outside of a method. Bad options, a `@Cron` or `@Interval` on the same method, and a
 * provider per request end the start of the application with a TypeError or RangeError.
 */
export function LeaderOnly(options: LeaderOnlyOptions = {}): TermDecorator {
  return (target, key, descriptor) => {
    const method = methodOf('@LeaderOnly()', target, descriptor)
    const mark: LeaderMark = { key, options }
    Reflect.defineMetadata(leaderKey, mark, method)
    Inject(hostToken)(target, hostSlot)
  }
}

/** Throws TypeError unless the decorator stands in front of a method of instances. */
function methodOf(decorator: string, target: unknown, descriptor: unknown): Method {
  const { value } = (descriptor ?? {}) as TypedPropertyDescriptor<unknown>
  if (typeof target === 'object' && target !== null && typeof value === 'function') return value as Method
  throw new TypeError(
    `${decorator}: belongs in front of a method of a provider, which is not static, compiled with ` +
      '"experimentalDecorators": true',
  )
}
