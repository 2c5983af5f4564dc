// Checks what callers pass: one table for each public options object, and kinds for the other arguments. An error names
// the argument, its value and the values it takes, and is thrown before anything is sent. base/options.ts has the
// checker; each backend checks the arguments that only its store can judge.

import type { AskOptions } from '../api/ask.ts'
import type { CronGuard, CronOptions, StartOptions, TickOptions } from '../api/cron.ts'
import type {
  CampaignOptions,
  LeadOptions,
  ObserveOptions,
  TermOptions,
  TryCampaignOptions,
} from '../api/election.ts'
import type { ConnectOptions } from '../api/leasehold.ts'
import type {
  AcquireOptions,
  HandoffOptions,
  MutexOptions,
  RunOptions,
  SemaphoreOptions,
  TryOptions,
} from '../api/lock.ts'
import type { StepDownOptions } from '../api/term.ts'
import {
  callback,
  check,
  checkOptions,
  flag,
  flagOr,
  type Kind,
  number,
  object,
  show,
  type TableOf,
  text,
  withMethods,
} from '../base/options.ts'
import { permitsMax, tokensEach } from '../base/shapes.ts'
import type { Facts } from '../contract.ts'
import { stopBeforeMostMs } from './lifetime.ts'
import { serviceOf } from './service.ts'

export { checkName, checkOptions, checkPrefix } from '../base/options.ts'

const signal: Kind = {
  takes: 'an AbortSignal',
  alsoCalled: ['abortSignal', 'abort'],
  judge: (value) => (value instanceof AbortSignal ? 'fits' : 'wrong type'),
}
const ms = (alsoCalled: readonly string[]): Kind => ({
  ...number({ min: 0, takes: 'a number of ms from 0' }),
  alsoCalled,
})
const waitMs = ms(['wait', 'timeout', 'timeoutMs', 'maxWait', 'acquireTimeout'])
const graceMs = ms(['grace', 'gracePeriod'])
const giveUpMs = ms(['giveUp', 'retryMs', 'deadlineMs'])
const retryMaxMs = ms(['retryMax', 'maxRetryMs', 'backoffMaxMs'])
const tick: Kind = {
  takes: 'a Date',
  judge(value, argument) {
    if (!(value instanceof Date)) return 'wrong type'
    if (Number.isNaN(value.getTime())) throw new RangeError(`${argument}: the Date is invalid`)
    return 'fits'
  },
}
const ttlMs: Kind = {
  ...number({ min: 0, takes: 'a number of ms, in the range of the store' }),
  alsoCalled: ['ttl', 'sessionTtl', 'leaseMs', 'lease'],
}
const permits: Kind = {
  ...number({ min: 1, max: permitsMax, whole: true }),
  required: true,
  alsoCalled: ['limit', 'count', 'slots', 'max', 'concurrency'],
}
const priority: Kind = { ...number({ min: 0, whole: true }), alsoCalled: ['rank', 'weight', 'order'] }
const clock = withMethods('a Clock', ['mark', 'wallMs', 'after', 'random', 'id'])

/** The options of `connect`. The store's own range of `ttlMs` is checked by `checkTtl`. */
export const connectOptions: TableOf<ConnectOptions> = { ttlMs, waitMs, signal, clock }
const handoffOptions: TableOf<HandoffOptions> = {
  max: {
    ...number({ min: 1, max: tokensEach - 1, whole: true }),
    ...{ required: true, alsoCalled: ['times', 'count', 'limit', 'most'] },
  },
  forMs: {
    ...number({ min: 1, max: 86_400_000, takes: 'a number of ms from 1 to 86400000' }),
    ...{ required: true, alsoCalled: ['ms', 'maxMs', 'timeMs', 'forSeconds', 'ttlMs'] },
  },
}
/** The options of `mutex`. */
const mutexOptions: TableOf<MutexOptions> = { reentrant: flag, handoff: object(handoffOptions, 'handoff.') }
/** The options of `semaphore`. */
export const semaphoreOptions: TableOf<SemaphoreOptions> = { permits }
/** The options of `acquire` of a lock. */
export const acquireOptions: TableOf<AcquireOptions> = { waitMs, signal, onWait: callback }
/** The options of `stepDown`. */
export const stepDownOptions: TableOf<StepDownOptions> = { awayMs: ms(['away', 'ms', 'pauseMs']) }
/** The options of `tryAcquire`. */
export const tryOptions: TableOf<TryOptions> = { signal }
/** The options of every question that takes one request. */
export const askOptions: TableOf<AskOptions> = {
  signal,
  timeoutMs: ms(['timeout', 'waitMs', 'deadlineMs', 'requestMs']),
}
/** The options of `observe`. */
export const observeOptions: TableOf<ObserveOptions> = { signal, onError: callback, fatal: callback }
/** The options of `cron`. */
export const cronOptions: TableOf<CronOptions> = {
  schedule: { ...text({ empty: true }), alsoCalled: ['expression', 'cron', 'pattern'] },
  timezone: { ...text({ empty: true }), alsoCalled: ['tz', 'timeZone'] },
  retry: flag,
  catchUp: flagOr(callback),
  onMissed: callback,
  aheadMs: ms(['ahead', 'skewMs', 'toleranceMs']),
}
/** The options of `runNow` of a cron guard. */
export const nowOptions: TableOf<NonNullable<Parameters<CronGuard['runNow']>[1]>> = {
  ...acquireOptions,
  graceMs,
}
/** The options of `run` of a cron guard. */
export const tickOptions: TableOf<TickOptions> = { ...nowOptions, tick, giveUpMs, onError: callback }
/** The options of `start` of a cron guard. */
export const startOptions: TableOf<StartOptions> = {
  ...{ signal, graceMs, giveUpMs },
  onError: callback,
  onTick: callback,
}

/** The options of `campaign`; the store limits the value. */
export function campaignOptions(facts: Facts): TableOf<CampaignOptions> {
  return { ...acquireOptions, value: candidateValue(facts), priority }
}

/** The options of `tryCampaign`. */
export function tryCampaignOptions(facts: Facts): TableOf<TryCampaignOptions> {
  return { value: candidateValue(facts), signal }
}

/** The options of `run` of an election. */
export function termOptions(facts: Facts, ttlMs: number): TableOf<TermOptions> {
  return { ...campaignOptions(facts), graceMs, stopBeforeMs: stopBeforeMs(facts, ttlMs) }
}

/** The options of `run` of a lock, for a client whose sessions have this time to live. */
export function runOptions(facts: Facts, ttlMs: number): TableOf<RunOptions> {
  return { ...acquireOptions, stopBeforeMs: stopBeforeMs(facts, ttlMs) }
}

/** The options of `lead`. The store limits the value; the time to live limits `stopBeforeMs`. */
export function leadOptions(facts: Facts, ttlMs: number): TableOf<LeadOptions> {
  const callbacks = { onWait: callback, onError: callback, fatal: callback }
  return {
    ...{ value: candidateValue(facts), priority, eligible: callback, service: serviceOf(facts), signal },
    ...{ graceMs, stopBeforeMs: stopBeforeMs(facts, ttlMs), retryMaxMs, ...callbacks },
  }
}

function stopBeforeMs(facts: Facts, ttlMs: number): Kind {
  const max = Math.floor(stopBeforeMostMs(ttlMs, facts))
  const takes = `a number of ms from 0 to ${max}, with a ttlMs of ${ttlMs}`
  return { ...number({ min: 0, max, takes }), alsoCalled: ['stopMs', 'stopAhead', 'renewDeadline'] }
}

/** Throws TypeError or RangeError unless a mutex on this store can have these options. */
export function checkMutex(options: MutexOptions, { scheme, handoff = false }: Facts): void {
  checkOptions(options, mutexOptions)
  if (options.handoff && !handoff)
    throw new TypeError(
      `handoff: ${scheme} does not keep the form of a name, which this option needs; leave it out`,
    )
}

/** Throws unless `permits` is a whole number from 1 to 10 000. */
export function checkPermits(value: number): void {
  check('permits', value, permits)
}

/** Throws unless `ttlMs` is in the range of the store. */
export function checkTtl(ttlMs: number, { scheme, ttlMs: { min, max } }: Facts): void {
  check('ttlMs', ttlMs, number({ min, max, takes: `a number from ${min} to ${max} on ${scheme}` }))
}

/** Throws unless `token` is a bigint above 0. */
export function checkToken(token: bigint): void {
  check('token', token, {
    takes: 'a bigint from 1',
    judge(value) {
      if (typeof value !== 'bigint') return 'wrong type'
      return value >= 1n ? 'fits' : 'out of range'
    },
  })
}

/** Throws unless `minMs` is a number of ms from 0. */
export function checkLeast(minMs: number): void {
  check('minMs', minMs, leastMs)
}

const leastMs = ms([])

/** Throws unless each value is an AbortSignal. */
export function checkSignals(signals: readonly AbortSignal[]): void {
  for (const [index, each] of signals.entries()) check(`signals[${index}]`, each, signal)
}

/** Throws unless `text` is a string that fits into a checkpoint on this store. */
export function checkText(text: string, { scheme, checkpointBytesMax }: Facts): void {
  check('text', text, stored(checkpointBytesMax, scheme))
}

/** Throws unless `value` is a string that fits into a leader's value on this store. */
export function checkValue(value: string, facts: Facts): void {
  check('value', value, valueKind(facts))
}

/** Throws unless `to` is a text that can be the value of a candidate. */
export function checkCandidate(to: string): void {
  check('to', to, text())
}

/** Throws unless `work` is a function. */
export function checkWork(argument: string, work: unknown): void {
  check(argument, work, callback)
}

function candidateValue(facts: Facts): Kind {
  const text = valueKind(facts)
  return {
    takes: 'a string or a function that returns one',
    judge: (value, argument) => (typeof value === 'function' ? 'fits' : text.judge(value, argument)),
  }
}

function valueKind({ scheme, valueBytesMax }: Facts): Kind {
  return stored(valueBytesMax, scheme)
}

function stored(most: number, scheme: string): Kind {
  return {
    takes: 'a string',
    judge(text, argument) {
      if (typeof text !== 'string') return 'wrong type'
      if (!text.isWellFormed()) throw new RangeError(`${argument}: ${show(text)} is not well-formed Unicode`)
      const bytes = Buffer.byteLength(text)
      if (bytes <= most) return 'fits'
      throw new RangeError(`${argument}: ${bytes} bytes of UTF-8; it takes up to ${most} on ${scheme}`)
    },
  }
}
