// Checks what callers pass to `request`, as the standard does. Owns the refusals, and the shape of a request.
import type { Leasehold } from '../api/leasehold.ts'
import {
  callback as aFunction,
  check,
  flag,
  type Kind,
  type TableOf,
  text,
  withMethods,
} from '../base/options.ts'
import { quoted } from '../base/printable.ts'
import { checkOptions, checkPrefix } from '../core/arguments.ts'
import type { WebLockCallback, WebLockMode, WebLockOptions, WebLocksOptions } from './types.ts'

/** A request whose arguments are right. */
export interface Request<T> {
  readonly mode: WebLockMode
  readonly ifAvailable: boolean
  readonly steal: boolean
  readonly signal: AbortSignal | undefined
  readonly callback: WebLockCallback<T>
}

/** The arguments of `request` after the name. */
export type Given<T> = readonly [WebLockCallback<T>] | readonly [WebLockOptions, WebLockCallback<T>]

const mode: Kind = {
  takes: '"exclusive" or "shared"',
  alsoCalled: ['type', 'kind'],
  judge: (value) => (value === 'exclusive' || value === 'shared' ? 'fits' : 'wrong type'),
}
const signal: Kind = {
  takes: 'an AbortSignal',
  alsoCalled: ['abortSignal', 'abort'],
  judge: (value) => (value instanceof AbortSignal ? 'fits' : 'wrong type'),
}
const requestOptions: TableOf<WebLockOptions> = { mode, ifAvailable: flag, signal, steal: flag }
const constructionOptions: TableOf<WebLocksOptions> = { prefix: text({ empty: true }) }
const client = withMethods('a client of `connect`', ['rwlock', 'survey', 'line', 'break'])

/** Throws TypeError or RangeError unless `webLocks` can be made of these. */
export function checkConstruction(leasehold: Leasehold, options: WebLocksOptions): void {
  check('leasehold', leasehold, client)
  checkOptions(options, constructionOptions)
  checkPrefix(options.prefix ?? '')
}

/**
 * Reads the arguments of `request`. Throws TypeError or RangeError for a wrong type, and NotSupportedError for a name or
 * for options that the standard excludes.
 */
export function requestOf<T>(name: string, given: Given<T>): Request<T> {
  const [options, callback] = given.length > 1 ? given : [undefined, given[0]]
  check('name', name, text({ empty: true }))
  check('callback', callback, aFunction)
  checkOptions(options === undefined ? {} : options, requestOptions)
  const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = (options ?? {}) as WebLockOptions
  const why = refusal(name, { mode, ifAvailable, steal, signal })
  if (why) throw new DOMException(why, 'NotSupportedError')
  return { mode, ifAvailable, steal, signal, callback: callback as WebLockCallback<T> }
}

/** Why the standard refuses a request; undefined if it does not. */
function refusal(
  name: string,
  { mode, ifAvailable, steal, signal }: Omit<Request<unknown>, 'callback'>,
): string | undefined {
  if (name.startsWith('-')) return `name: ${quoted(name)} begins with "-"; such names are reserved`
  if (steal && ifAvailable) return 'steal: cannot be with ifAvailable; leave out one of the two'
  if (steal && mode !== 'exclusive')
    return `steal: cannot be with the mode "${mode}"; only "exclusive" steals`
  if (signal && steal) return 'signal: cannot be with steal, which does not wait; leave out one of the two'
  if (signal && ifAvailable)
    return 'signal: cannot be with ifAvailable, which does not wait; leave out one of the two'
  return undefined
}
