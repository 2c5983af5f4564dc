// The one checker of arguments and options: a table names the options and the kind of each. Owns the messages; the
// tables are in core/arguments.ts and in each backend's options.ts. A message never shows a value that may be a
// secret.
import { nearest } from './nearest.ts'
import { printable, quoted } from './printable.ts'

/** How many characters of a value a message shows. */
const shownMost = 80

/** The values that one argument or option takes. */
export interface Kind {
  /** The values in words, for messages: "a number of ms from 0". */
  readonly takes: string
  /** Whether the option must be given. */
  readonly required?: true
  /** Whether messages must not show the value. */
  readonly secret?: true
  /** Other names that callers may try for this option, for "did you mean". */
  readonly alsoCalled?: readonly string[]
  /** Whether the value fits, and if not, what is wrong. May throw a more precise error itself. */
  judge(value: unknown, argument: string): 'fits' | 'wrong type' | 'out of range'
}

/** A table of options: one kind for each option. */
export type Table = Readonly<Record<string, Kind>>

/** The table for an options type. It must name every option of the type and no other. */
export type TableOf<T> = { readonly [K in keyof T]-?: Kind }

/** Throws a TypeError or RangeError that names the argument, its value and the values it takes. */
export function check(argument: string, value: unknown, kind: Kind): void {
  const verdict = kind.judge(value, argument)
  if (verdict === 'fits') return
  const shown = kind.secret ? typeName(value) : show(value)
  if (verdict === 'wrong type') throw new TypeError(`${argument}: ${shown} is not ${kind.takes}`)
  throw new RangeError(`${argument}: ${shown} is out of range; it takes ${kind.takes}`)
}

/**
 * Throws a TypeError or RangeError unless `options` is an object whose keys are all in the table and whose values all
 * fit. An undefined value counts as missing.
 */
export function checkOptions(options: unknown, table: Table, argument = 'options'): void {
  if (isObject(options)) checkEach(options, table, '')
  else check(argument, options, object(table, '')) // throws
}

const nameBytesMax = 512

/** Throws unless `name` is a non-empty string of at most 512 bytes of UTF-8 without control characters. */
export function checkName(name: string, argument = 'name'): void {
  if (name === '') throw new RangeError(`${argument}: "" is empty; it takes 1 to 512 bytes of UTF-8`)
  checkPrefix(name, argument)
}

/** Throws unless `prefix` is a string that a name can begin with. */
export function checkPrefix(prefix: string, argument = 'prefix'): void {
  if (typeof prefix !== 'string') throw new TypeError(`${argument}: ${show(prefix)} is not a string`)
  const bytes = Buffer.byteLength(prefix)
  if (bytes > nameBytesMax) throw new RangeError(`${argument}: ${bytes} bytes of UTF-8; it takes 1 to 512`)
  if (/\p{Cc}/u.test(prefix)) throw new RangeError(`${argument}: ${show(prefix)} has a control character`)
  if (!prefix.isWellFormed()) throw new RangeError(`${argument}: ${show(prefix)} is not well-formed Unicode`)
}

/** The rules for a string. */
export interface TextRules {
  /** Whether "" is allowed. */
  readonly empty?: boolean
  readonly secret?: boolean
}

/** A string of well-formed Unicode. */
export function text({ empty = false, secret = false }: TextRules = {}): Kind {
  return {
    takes: empty ? 'a string' : 'a string with at least one character',
    ...(secret ? { secret: true } : {}),
    judge(value, argument) {
      if (typeof value !== 'string') return 'wrong type'
      if (value === '' && !empty) throw new RangeError(`${argument}: "" is empty`)
      if (!value.isWellFormed()) throw new RangeError(`${argument}: is not well-formed Unicode`)
      return 'fits'
    },
  }
}

/** A number from `min` to `max`, both included. */
export function number(range: {
  readonly min: number
  readonly max?: number
  readonly whole?: boolean
  readonly takes?: string
}): Kind {
  const { min, max = Number.MAX_SAFE_INTEGER, whole = false } = range
  return {
    takes: range.takes ?? `${whole ? 'a whole number' : 'a number'} from ${min} to ${max}`,
    judge(value) {
      if (typeof value !== 'number') return 'wrong type'
      return value >= min && value <= max && (!whole || Number.isInteger(value)) ? 'fits' : 'out of range'
    },
  }
}

/** True or false. */
export const flag: Kind = {
  takes: 'true or false',
  judge: (value) => (typeof value === 'boolean' ? 'fits' : 'wrong type'),
}

/** A function. */
export const callback: Kind = {
  takes: 'a function',
  judge: (value) => (typeof value === 'function' ? 'fits' : 'wrong type'),
}

/** True, false, or a value of the other kind. */
export function flagOr(kind: Kind): Kind {
  return {
    ...kind,
    takes: `true, false or ${kind.takes}`,
    judge: (value, argument) => (typeof value === 'boolean' ? 'fits' : kind.judge(value, argument)),
  }
}

/** An object with these methods. */
export function withMethods(takes: string, methods: readonly string[]): Kind {
  const has = (value: object): boolean =>
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  return {
    takes,
    secret: true, // a caller may pass a URL here by mistake
    judge: (value) => (typeof value === 'object' && value !== null && has(value) ? 'fits' : 'wrong type'),
  }
}

/** An array whose items are of one kind. `of` names the items. */
export function list(item: Kind, of: string, mayBeEmpty = true): Kind {
  return {
    takes: `an array of ${of}`,
    secret: true, // it may be a single item that contains a password
    judge(value, argument) {
      if (!Array.isArray(value)) return 'wrong type'
      if (value.length === 0 && !mayBeEmpty)
        throw new RangeError(`${argument}: [] is empty; it takes at least one ${of}`)
      for (const [index, each] of value.entries()) check(`${argument}[${index}]`, each, item)
      return 'fits'
    },
  }
}

/** An object of options. In messages `prefix` stands before its keys, as in `tls.cert`. */
export function object(table: Table, prefix: string): Kind {
  return {
    // Computed only for an error: most calls have no wrong option.
    get takes() {
      const keys = Object.keys(table)
      return keys.length > 0 ? `an object with ${keys.join(', ')}` : 'an empty object (there are no options)'
    },
    secret: true,
    judge(value) {
      if (!isObject(value)) return 'wrong type'
      checkEach(value, table, prefix)
      return 'fits'
    },
  }
}

/** Throws unless all keys are in the table and all values fit. */
function checkEach(options: Readonly<Record<string, unknown>>, table: Table, prefix: string): void {
  for (const key in options) if (!Object.hasOwn(table, key)) throw unknownOption(prefix, key, table)
  for (const key in table) {
    const [option, kind] = [options[key], table[key] as Kind]
    if (option !== undefined || kind.required) check(`${prefix}${key}`, option, kind)
  }
}

/** Whether it is a plain object. An array, an AbortSignal, a Date, a Map or another object with its own tag is not. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && Object.prototype.toString.call(value) === '[object Object]'
}

function unknownOption(prefix: string, key: string, table: Table): TypeError {
  const shown = /^\w{1,40}$/.test(key) ? key : show(key)
  const keys = Object.keys(table)
  if (keys.length === 0) return new TypeError(`${prefix}${shown}: is not an option; there are none here`)
  const meant = meantBy(key, table)
  const advice = meant ? `did you mean ${prefix}${meant} (${table[meant]?.takes})? The` : 'the'
  const all = keys.map((name) => prefix + name).join(', ')
  return new TypeError(`${prefix}${shown}: is not an option; ${advice} options are ${all}`)
}

function meantBy(key: string, table: Table): string | undefined {
  const names = new Map<string, string>()
  for (const [name, { alsoCalled = [] }] of Object.entries(table)) {
    for (const word of [name, ...alsoCalled]) names.set(word, name)
  }
  return names.get(nearest(key, [...names.keys()]) ?? '')
}

/** Shows a value in a message. Safe for symbols, bigints and objects without `toString`; never long. */
export function show(value: unknown): string {
  if (typeof value === 'string') return quoted(value, shownMost)
  if (typeof value === 'bigint') return printable(`${value}n`, shownMost)
  if (value === null || !['object', 'function'].includes(typeof value))
    return printable(String(value), shownMost)
  return typeName(value)
}

/** The type of a value, for messages that must not show the value. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const name = typeof value === 'object' ? tagOf(value) : typeof value
  const word = name === 'Object' || name === 'Array' ? name.toLowerCase() : name
  return `${/^[aeiou]/i.test(word) ? 'an' : 'a'} ${word}`
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}
