// The only file that touches SQLite's bindings: `node:sqlite` where Node has it, else the package `libsql`. Owns the
// differences between them; knows no table and no lock. It throws the errors of the bindings; failure.ts translates
// them.
import { pathToFileURL } from 'node:url'
import { UnavailableError } from '../../base/errors.ts'

/** A parameter of a statement. */
export type Value = string | number | bigint | null

/** A result row; every integer comes as bigint, so that no token is ever rounded. */
export type Row = Readonly<Record<string, string | bigint | null>>

/**
 * A prepared statement. It has only `all`: the one call that both bindings run to its end. `get` stops at
 * the first row; after `INSERT … RETURNING` libsql then leaves the transaction open, and node:sqlite
 * swallows a failed commit.
 */
export interface Statement {
  all(...values: readonly Value[]): readonly Row[]
}

/** An open connection. A call that meets a lock of another process fails at once, and does not wait. */
export interface Database {
  /**
   * Whether a statement that met a lock leaves nothing behind, so that one which writes needs no transaction around it. One of
   * libsql stays active, and keeps an old view of the data.
   */
  readonly resetsItself: boolean
  exec(sql: string): void
  prepare(sql: string): Statement
  /** Idempotent. libsql keeps the descriptor, though no lock, until its statements are garbage-collected. */
  close(): void
}

/** One of the two bindings. */
export interface Driver {
  /** `node:sqlite` or `libsql`. */
  readonly name: string
  /** Opens a database, and creates it if it is missing. Throws the binding's error. */
  open(path: string): Database
  /** Opens read-only and creates nothing. Throws the binding's error. */
  openToRead(path: string): Database
}

interface RawStatement {
  all(...values: readonly (Value | readonly Value[])[]): Row[]
  setReadBigInts?(on: boolean): void
  safeIntegers?(on: boolean): unknown
}

interface RawDatabase {
  exec(sql: string): unknown
  prepare(sql: string): RawStatement
  close(): void
}

/** The global under which all copies of Leasehold in one process find the driver that the first of them loaded. */
const place: symbol = Symbol.for('leasehold.file.driver')
/** The version of the types in this file. A copy with other types cannot share the driver. */
const shape = 1

interface Shared {
  readonly shape: number
  readonly driver: Promise<Driver>
}

/**
 * Loads the binding of this Node. If there is none, rejects with an UnavailableError that says what to install.
 *
 * The locks of POSIX belong to the process, and each copy of libsql is an SQLite library of its own: two copies in one
 * process would not see, and would drop, each other's locks. So all copies of Leasehold share the binding that was
 * loaded first, and a copy that cannot share it gets an UnavailableError. Of `node:sqlite` there is only one.
 */
export async function loadDriver(): Promise<Driver> {
  return (await builtin()) ?? (await sharedDriver())
}

function sharedDriver(): Promise<Driver> {
  const registry = globalThis as { [place]?: Shared | undefined }
  registry[place] ??= { shape, driver: packaged() }
  const shared = registry[place]
  if (shared.shape === shape) return shared.driver.catch((error) => forget(registry, shared, error))
  const message =
    'file: another version of Leasehold in this process has loaded SQLite in a way that this one'
  throw new UnavailableError(
    `${message} cannot share: install one version of leasehold for the whole program`,
  )
}

/** Forgets a failure: a missing binding may be installed later. */
function forget(registry: { [place]?: Shared | undefined }, shared: Shared, error: unknown): never {
  if (registry[place] === shared) registry[place] = undefined
  throw error
}

async function builtin(): Promise<Driver | undefined> {
  const specifier: string = 'node:sqlite' // a string, since the types of Node 20 do not know it
  try {
    const { DatabaseSync } = await import(specifier)
    return {
      name: specifier,
      open: (path) => wrap(new DatabaseSync(path), true),
      openToRead: (path) => wrap(new DatabaseSync(path, { readOnly: true }), true),
    }
  } catch {
    return undefined
  }
}

async function packaged(): Promise<Driver> {
  const specifier: string = 'libsql' // a string, since the package is optional
  try {
    const { default: Libsql } = await import(specifier)
    return {
      name: specifier,
      open: (path) => wrap(new Libsql(path), false),
      openToRead: (path) => wrap(new Libsql(`${pathToFileURL(path).href}?mode=ro`), false),
    }
  } catch (cause) {
    const have = `file: Node ${process.versions.node} has no SQLite, and the package libsql is not installed`
    const advice = 'npm install libsql@0.5 (with -g if leasehold is installed so), or use Node 22.13 or later'
    throw new UnavailableError(`${have}: ${advice}`, { cause })
  }
}

function wrap(raw: RawDatabase, resetsItself: boolean): Database {
  let isOpen = true
  return {
    resetsItself,
    exec: (sql) => void raw.exec(sql),
    prepare(sql) {
      const statement = raw.prepare(sql)
      if (statement.setReadBigInts) statement.setReadBigInts(true)
      else statement.safeIntegers?.(true)
      // libsql copies single values into an array, which costs a twentieth of a cycle.
      return resetsItself ? statement : { all: (...values) => statement.all(values) }
    },
    close() {
      if (isOpen) raw.close()
      isOpen = false
    },
  }
}

/** SQLite's primary result code in an error of either binding; undefined for another kind of error. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  // libsql has no code in the error of an opening.
  const { errcode, rawCode } = error as { errcode?: number; rawCode?: number }
  const opening = /^ConnectionFailed\(.*: (\d+)"\)/s.exec(error.message)?.[1]
  const code = errcode ?? rawCode ?? opening
  return code === undefined ? undefined : Number(code) & 0xff
}

/** Whether an error of either binding says that another connection has a lock that this one needs. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === 5 || code === 6 || code === 15
}
