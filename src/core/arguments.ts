// What callers may pass: each check names the argument, its value and the range, and throws before anything is
// sent. What a store alone can judge is refused by its backend.
import type { Facts } from '../contract.ts'

const nameBytesMax = 512

/** Throws unless `name` is a non-empty string of at most 512 bytes of UTF-8 without control characters. */
export function checkName(name: string): void {
  if (name === '') throw new RangeError('name: "" is empty; it takes 1 to 512 bytes of UTF-8')
  checkNamed('name', name)
}

function checkNamed(argument: string, name: string): void {
  if (typeof name !== 'string') throw new TypeError(`${argument}: ${show(name)} is not a string`)
  const bytes = Buffer.byteLength(name)
  if (bytes > nameBytesMax) throw new RangeError(`${argument}: ${bytes} bytes of UTF-8; it takes 1 to 512`)
  if (/\p{Cc}/u.test(name)) throw new RangeError(`${argument}: ${show(name)} has a control character`)
  if (!name.isWellFormed()) throw new RangeError(`${argument}: ${show(name)} is not well-formed Unicode`)
}

/** Throws unless `permits` is a whole number from 1 to 10 000. */
export function checkPermits(permits: number): void {
  checkNumber('permits', permits, { min: 1, max: 10_000, whole: true })
}

/** Throws unless `ttlMs` is in the range of the store. */
export function checkTtl(ttlMs: number, { scheme, ttlMs: range }: Facts): void {
  checkNumber('ttlMs', ttlMs, { ...range, where: ` on ${scheme}` })
}

/** Throws unless `waitMs` is undefined or a number of ms, 0 or more. */
export function checkWait(waitMs: number | undefined): void {
  if (waitMs !== undefined) checkNumber('waitMs', waitMs, { min: 0, max: Number.MAX_SAFE_INTEGER })
}

/** Throws unless `token` is a bigint above 0. */
export function checkToken(token: bigint): void {
  if (typeof token !== 'bigint') throw new TypeError(`token: ${show(token)} is not a bigint`)
  if (token < 1n) throw new RangeError(`token: ${token} is out of range; it takes a bigint from 1`)
}

/** Throws unless `prefix` is a string that a name can begin with. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkNamed('prefix', prefix)
}

/** Throws unless `signal` is undefined or an AbortSignal. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new TypeError(`signal: ${show(signal)} is not an AbortSignal`)
}

/** Throws unless `text` is a string of at most so many bytes of UTF-8. */
export function checkText(text: string, { scheme, checkpointBytesMax }: Facts): void {
  checkStored('text', text, checkpointBytesMax, scheme)
}

/** Throws unless `value` is a string of at most so many bytes of UTF-8. */
export function checkValue(value: string, { scheme, valueBytesMax }: Facts): void {
  checkStored('value', value, valueBytesMax, scheme)
}

/** Throws unless `tick` is undefined or a valid Date. */
export function checkTick(tick: Date | undefined): void {
  if (tick === undefined) return
  if (!(tick instanceof Date)) throw new TypeError(`tick: ${show(tick)} is not a Date`)
  if (Number.isNaN(tick.getTime())) throw new RangeError('tick: the Date is invalid')
}

/** Throws unless `graceMs` is undefined or a number of ms, 0 or more. */
export function checkGrace(graceMs: number | undefined): void {
  if (graceMs !== undefined) checkNumber('graceMs', graceMs, { min: 0, max: Number.MAX_SAFE_INTEGER })
}

/** Throws unless it is undefined, true or false. */
export function checkFlag(argument: string, flag: unknown): void {
  if (flag === undefined || typeof flag === 'boolean') return
  throw new TypeError(`${argument}: ${show(flag)} is not true or false`)
}

/** Throws unless it is an object with options. */
export function checkOptions(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`options: ${show(options)} is not an object`)
}

/** Throws unless it is undefined or a function. */
export function checkCallback(argument: string, callback: unknown): void {
  if (callback !== undefined) checkWork(argument, callback)
}

/** Throws unless it is a function. */
export function checkWork(argument: string, work: unknown): void {
  if (typeof work !== 'function') throw new TypeError(`${argument}: ${show(work)} is not a function`)
}

function checkStored(argument: string, text: string, most: number, scheme: string): void {
  if (typeof text !== 'string') throw new TypeError(`${argument}: ${show(text)} is not a string`)
  if (!text.isWellFormed()) throw new RangeError(`${argument}: ${show(text)} is not well-formed Unicode`)
  const bytes = Buffer.byteLength(text)
  if (bytes <= most) return
  throw new RangeError(`${argument}: ${bytes} bytes of UTF-8; it takes up to ${most} on ${scheme}`)
}

interface Range {
  readonly min: number
  readonly max: number
  readonly whole?: boolean
  readonly where?: string
}

function checkNumber(argument: string, value: number, { min, max, whole, where = '' }: Range): void {
  if (typeof value !== 'number') throw new TypeError(`${argument}: ${show(value)} is not a number`)
  const fits = value >= min && value <= max && (!whole || Number.isInteger(value))
  if (fits) return
  const kind = whole ? 'a whole number' : 'a number'
  throw new RangeError(
    `${argument}: ${value} is out of range; it takes ${kind} from ${min} to ${max}${where}`,
  )
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
