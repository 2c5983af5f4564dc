// What SQLite's and the file system's errors mean to a caller. Owns the translation and the words; neither
// opens nor repairs anything.
import { accessSync, constants } from 'node:fs'
import {
  ConflictError,
  LeaseholdError,
  RefusedError,
  SessionGoneError,
  UnavailableError,
} from '../../base/errors.ts'
import { resultCode } from './driver.ts'

const readOnly = 8
const cannotOpen = 14
const otherwise = { busy: 5, locked: 6, noMemory: 7, ioError: 10, full: 13, protocol: 15 }
const again = new Set<number | undefined>(Object.values(otherwise))
const broken = new Map<number | undefined, string>([
  [1, 'is a database that Leasehold did not make, or not this version'],
  [11, 'is damaged'],
  [26, 'is not a database'],
])

/**
 * The Leasehold error for what was thrown while `file` in `directory` was in use: RefusedError where
 * permissions are missing, ConflictError where the file is something else, UnavailableError for the rest.
 */
export function failure(error: unknown, directory: string, file: string): Error {
  if (error instanceof LeaseholdError) return error
  const code = resultCode(error)
  const what = broken.get(code)
  if (what) {
    const advice = 'move it away, or choose another directory'
    return new ConflictError(`${file} ${what}: ${advice}`, { cause: error })
  }
  if (again.has(code)) return unavailable(error, file)
  return fileFailure(error, directory, code === readOnly || code === cannotOpen)
}

/** What to say when the database file is no longer the one that was opened. */
export function moved(path: string): string {
  return `the database ${path} was deleted or replaced while in use: connect again`
}

/** The error for a session that the database no longer has. */
export function gone(session: string): SessionGoneError {
  return new SessionGoneError(`the store no longer knows the session ${session}: it was not renewed in time`)
}

function fileFailure(error: unknown, directory: string, mayBePermission: boolean): Error {
  const reason = mayBePermission ? (accessFailure(directory) ?? error) : error
  const { code } = reason as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    const advice = 'give this user write permission there, or choose another directory'
    return new RefusedError(`the directory ${directory} may not be written: ${advice}`, { cause: error })
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new ConflictError(`${directory} is not a directory: choose another`, { cause: error })
  }
  return unavailable(error, directory)
}

function unavailable(error: unknown, where: string): Error {
  const message = error instanceof Error ? error.message : String(error)
  return new UnavailableError(`${where} cannot be used now: ${message}`, { cause: error })
}

function accessFailure(directory: string): unknown {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return error
  }
}
