// The marks that the decorators leave on a provider, for host.ts to find. Owns the keys under which they leave it.
import { type Kind, text } from '../base/options.ts'
import type { LeaderOnlyOptions, OncePerTickOptions } from './options.ts'

/** A method of any kind. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` takes every method
export type Method = (...args: any[]) => unknown

/** A method that is to run once per tick. */
export interface TickMark {
  readonly key: string | symbol
  readonly options: OncePerTickOptions
  /** The method as it was written. */
  readonly method: Method
}

/** A method that is the work of a leader. */
export interface LeaderMark {
  readonly key: string | symbol
  readonly options: LeaderOnlyOptions
}

/** The part of an application that runs decorated methods. */
export interface MethodHost {
  once(instance: object, mark: TickMark): Promise<unknown>
}

/** The injection token of the MethodHost. */
export const hostToken: symbol = Symbol('LeaseholdModule')

/**
 * The property of a provider with the MethodHost. Nest shows its name if the module is missing: "Please make sure that
 * the … property is available".
 */
export const hostSlot: unique symbol = Symbol(
  'import LeaseholdModule.forRoot() of leasehold/nest into the module of the application',
)

/** The key of a method's TickMark in its metadata. */
export const tickKey = 'leasehold:once-per-tick'

/** The key of a method's LeaderMark in its metadata. */
export const leaderKey = 'leasehold:leader-only'

/** The kind of the option `name`. */
export const nameKind: Kind = { ...text(), alsoCalled: ['lock', 'key', 'id'] }
