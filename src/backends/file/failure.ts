// Translates errors of SQLite and of the file system for callers. Owns the words; opens and repairs nothing.
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  ConflictError,
  LeaseholdError,
  RefusedError,
  SessionGoneError,
  UnavailableError,
} from '../../base/errors.ts'
import { isBusy, resultCode } from './driver.ts'
import { ForeignContent } from './layout.ts'
import { octal } from './modes.ts'

const readOnly = 8
const cannotOpen = 14
const otherwise = { noMemory: 7, ioError: 10, full: 13 }
const again = new Set<number | undefined>(Object.values(otherwise))
const broken = new Map<number | undefined, string>([
  [1, 'is a database that Leasehold did not make, or not this version'],
  [11, 'is damaged'],
  [19, 'has rows that Leasehold did not make'],
  [26, 'is not a database'],
])
const refusals = new Set<string | undefined>(['EACCES', 'EPERM', 'EROFS'])
const elsewhere = 'move it away, or choose another directory'

/**
 * The Leasehold error for an error that was thrown while `file` in `directory` was in use: RefusedError for missing
 * permissions, ConflictError for a file of another kind, UnavailableError for the rest.
 */
export function failure(error: unknown, directory: string, file: string): Error {
  if (error instanceof LeaseholdError || error instanceof TypeError) return error
  if (error instanceof ForeignContent) {
    return new ConflictError(`${file}: ${error.message}: ${elsewhere}`, { cause: error })
  }
  if (isBusy(error)) return new UnavailableError(locked(file), { cause: error })
  const code = resultCode(error)
  const what = broken.get(code)
  if (what) return new ConflictError(`${file} ${what}: ${elsewhere}`, { cause: error })
  if (again.has(code)) return unavailable(error, file)
  return fileFailure(error, directory, file, code === readOnly || code === cannotOpen)
}

/** Whether an error that `failure` made says that another process has the database locked. */
export function isLocked(error: unknown): boolean {
  return error instanceof UnavailableError && isBusy(error.cause)
}

/** The message when another process keeps the database locked. */
export function locked(file: string): string {
  const who = 'another process is in a transaction on it, and may be stopped'
  return `the database ${file} is locked: ${who}; let it go on, or end it`
}

/** The message when the file is no longer the one that was opened. */
export function moved(path: string): string {
  return `the store was deleted, moved or replaced while in use: ${path} is not what it was`
}

/** The message if processes have sessions that the database does not know. */
export function restored(path: string): string {
  const why = 'was replaced, perhaps by an older copy, while processes that use it go on'
  return `the database ${path} ${why}: end them, or wait until they have noticed it`
}

/** The error for a session that the database no longer has. */
export function gone(session: string): SessionGoneError {
  const why = 'it was not renewed in time, or its file was deleted'
  return new SessionGoneError(`the store no longer knows the session ${session}: ${why}`)
}

function fileFailure(error: unknown, directory: string, file: string, mayBePermission: boolean): Error {
  const { code, path = directory } = error as NodeJS.ErrnoException
  if (mayBePermission) {
    const refused = [directory, file, `${file}-wal`, `${file}-shm`].map(refusal).find(Boolean)
    if (refused) return new RefusedError(refused, { cause: error })
  }
  if (refusals.has(code))
    return new RefusedError(refusal(path) ?? refusalAbove(path, code, directory), { cause: error })
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new ConflictError(`${directory} is not a directory: choose another`, { cause: error })
  }
  return unavailable(error, directory)
}

function unavailable(error: unknown, where: string): Error {
  const message = error instanceof Error ? error.message : String(error)
  return new UnavailableError(`${where} cannot be used now: ${message}`, { cause: error })
}

/** Why this user may not use a path. Undefined if the user may, or if nothing is at the path. */
function refusal(path: string): string | undefined {
  const stats = statOf(path)
  if (!stats) return undefined
  const search = stats.isDirectory() ? constants.X_OK : 0
  try {
    accessSync(path, constants.R_OK | constants.W_OK | search)
    return undefined
  } catch (error) {
    return refusalOf(path, (error as NodeJS.ErrnoException).code, 'give read and write permission')
  }
}

/** The message for a path that is missing or cannot be seen: it names the nearest folder above it that this user can see. */
function refusalAbove(path: string, code: string | undefined, directory: string): string {
  if (!statOf(path) && dirname(path) !== path) return refusalAbove(dirname(path), code, directory)
  const reason = refusalOf(path, code, 'give permission there')
  return path.length < directory.length ? `${directory} cannot be reached or made: ${reason}` : reason
}

function refusalOf(path: string, code: string | undefined, permit: string): string {
  if (code === 'EROFS') return `${path} is on a read-only file system: choose another directory`
  const user = process.geteuid?.()
  const who = user === undefined ? 'this user' : `the user with the id ${user}`
  const stats = statOf(path)
  const found = stats ? ` (mode ${octal(stats.mode)}, owner ${stats.uid}, group ${stats.gid})` : ''
  return `${path} may not be used by ${who}${found}: choose another directory, or ${permit}`
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // a folder on the way to it may not be searched
  }
}
