// The folder of a store: makes it, checks that it may be used, and creates and deletes the files in it. Owns names,
// owners and modes; no other file of this backend creates or deletes anything. Other files decide what a file means.
//
// A path that Leasehold did not make is never deleted. It deletes only plain files that are (nearly) empty, have the name
// of a session, and are in the very folder that was checked; never through a link.
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ConflictError, RefusedError } from '../../base/errors.ts'
import { isOwnFile, isSessionId } from './layout.ts'
import { isShared, octal } from './modes.ts'

/** Windows has no such links and no such flag. */
const noFollow: number = constants.O_NOFOLLOW ?? 0
const nonBlocking: number = constants.O_NONBLOCK ?? 0

/**
 * A folder that was checked. All methods are synchronous, and throw the file system's errors unless they say otherwise.
 */
export class Folder {
  /** The database. */
  readonly database: string
  /** An empty file. The process that copies the log into the database has it locked. */
  readonly copying: string
  /** The folder of the sessions' files. */
  readonly sessions: string
  /** The mode of new files: for the owner alone, unless the folder is shared on purpose. */
  readonly fileMode: number
  readonly #checked: Stats

  /**
   * Makes the folder if it is missing. Throws ConflictError if something else is in its place, and RefusedError if it
   * belongs to another user; in both cases nothing is changed.
   */
  constructor(directory: string) {
    this.database = join(directory, 'leasehold.db')
    this.copying = `${this.database}-copying`
    this.sessions = join(directory, 'sessions')
    makeDirectory(directory)
    const stats = statSync(directory)
    if (!stats.isDirectory()) throw new ConflictError(`${directory} is not a directory: choose another`)
    checkOwner(directory, stats, [])
    const isNew = !isPlain(this.database)
    for (const end of ['-wal', '-shm', '-journal', '-copying']) isPlain(this.database + end)
    this.fileMode = isShared(stats.mode) ? (stats.mode & 0o666) | 0o600 : 0o600
    this.#checked = openSessions(this.sessions, stats, isNew)
  }

  /** Creates an empty file with the mode of this folder, whatever the umask is. Throws EEXIST if something is there. */
  create(path: string): void {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | noFollow
    const descriptor = openSync(path, flags, this.fileMode)
    try {
      if (process.platform !== 'win32') fchmodSync(descriptor, this.fileMode)
    } finally {
      closeSync(descriptor)
    }
  }

  /** Opens an existing file for writing, never through a link. It does not wait for a reader of a pipe. */
  openToWrite(path: string): number {
    return openSync(path, constants.O_WRONLY | noFollow | nonBlocking)
  }

  /** Deletes the files of a session. */
  remove(session: string): void {
    if (isSessionId(session)) this.#removeFiles([`${session}.db`, `${session}.wake`])
  }

  /** The sessions that have files which this user could delete. */
  sessionsThere(): string[] {
    if (!this.isSame()) return []
    const names = readdirSync(this.sessions).filter((name) => isOwnFile(name) && name.endsWith('.db'))
    const user = process.geteuid?.() || undefined // root may delete every file
    const mayDelete = (name: string): boolean =>
      user === undefined || lstatSync(join(this.sessions, name), { throwIfNoEntry: false })?.uid === user
    const isSticky = (this.#checked.mode & 0o1000) !== 0
    return names.filter((name) => !isSticky || mayDelete(name)).map((name) => name.slice(0, -'.db'.length))
  }

  /** Deletes the files of all sessions. */
  removeAll(): void {
    if (this.isSame()) this.#removeFiles(readdirSync(this.sessions))
  }

  /** Deletes the log files that SQLite left of a deleted database. */
  removeLeftOvers(): void {
    for (const end of ['-wal', '-shm']) if (isPlain(this.database + end)) unlinkSync(this.database + end)
  }

  /** Whether there are log files of a deleted database. */
  hasLeftOvers(): boolean {
    return !isPlain(this.database) && ['-wal', '-shm'].some((end) => isPlain(this.database + end))
  }

  /** Whether the folder of the sessions is still the one that was checked. */
  isSame(): boolean {
    const stats = lstatSync(this.sessions, { throwIfNoEntry: false })
    return stats?.isDirectory() === true && isSameFile(stats, this.#checked)
  }

  #removeFiles(names: readonly string[]): void {
    if (!this.isSame()) return // the files with our names may be another user's now
    for (const name of names) if (isOwnFile(name)) removeQuietly(join(this.sessions, name))
  }
}

/** Whether two looks saw the same file. */
export function isSameFile(one: Pick<Stats, 'dev' | 'ino'>, other: Pick<Stats, 'dev' | 'ino'>): boolean {
  return one.ino === other.ino && one.dev === other.dev
}

/** Whether a plain file is there; false if nothing is. Throws as `plainFile` does. */
export function isPlain(path: string): boolean {
  return plainFile(path) !== undefined
}

/**
 * The plain file that is there; undefined if nothing is. Throws ConflictError for a link, a pipe, a folder and the like:
 * opening it might reach another file, or wait for ever.
 */
export function plainFile(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats && !stats.isFile()) {
    throw new ConflictError(`${path} is not a plain file: move it away, or choose another directory`)
  }
  return stats
}

/**
 * Throws RefusedError for a folder of another user that is not shared on purpose. That user could replace it by a link,
 * and this process would delete files elsewhere.
 */
function checkOwner(path: string, stats: Stats, others: readonly number[]): void {
  const user = process.geteuid?.()
  if (user === undefined || isShared(stats.mode) || [user, 0, ...others].includes(stats.uid)) return
  const found = `${path} belongs to the user with the id ${stats.uid} and has the mode ${octal(stats.mode)}`
  const advice = `run as that user, choose another directory, or share it: chgrp GROUP ${path}, chmod 2770 ${path}`
  throw new RefusedError(`${found}; this is the user with the id ${user}: ${advice}`)
}

/**
 * Makes a folder and its parents. Not with `recursive`: if a parent cannot have folders, as /proc, Node tries for ever.
 */
function makeDirectory(path: string): void {
  try {
    if (!statSync(path, { throwIfNoEntry: false })) makeOne(path, 0o700)
  } catch (error) {
    const parent = dirname(path)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
    makeDirectory(parent)
    makeOne(path, 0o700)
  }
}

/** Makes a folder and syncs its parent, so that the folder outlives a power cut. Returns whether it was missing. */
function makeOne(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false // another process was faster
    throw error
  }
  withDirectory(dirname(path), fsyncSync)
  return true
}

/**
 * The folder of the sessions, made if it is missing. A full one without a database next to it belongs to another
 * program.
 */
function openSessions(path: string, parent: Stats, isNew: boolean): Stats {
  const mode = isShared(parent.mode) ? parent.mode & 0o7777 : 0o700
  const isMade = !lstatSync(path, { throwIfNoEntry: false }) && makeOne(path, mode)
  if (isMade) withDirectory(path, (descriptor) => fchmodSync(descriptor, mode)) // the umask must not change the mode
  const stats = lstatSync(path)
  const advice = 'move it away, or choose another directory'
  if (!stats.isDirectory()) throw new ConflictError(`${path} is not a directory of Leasehold: ${advice}`)
  checkOwner(path, stats, [parent.uid])
  if (isNew && !readdirSync(path).every(isOwnFile)) {
    throw new ConflictError(`${path} has files that Leasehold did not make: ${advice}`)
  }
  return stats
}

/** Windows cannot open a directory, and some file systems cannot sync one. The directory exists anyway. */
function withDirectory(path: string, use: (descriptor: number) => void): void {
  if (process.platform === 'win32') return
  try {
    const descriptor = openSync(path, constants.O_RDONLY | noFollow)
    try {
      use(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } catch {
    // A parent that this user may not read, or that is a link.
  }
}

/** Deletes a file of a session if it looks like one: a lock file is empty, and a wake file has at most one byte. */
function removeQuietly(path: string): void {
  try {
    const stats = lstatSync(path)
    if (stats.isFile() && stats.size <= 1) unlinkSync(path)
  } catch {
    // The file is gone, or belongs to another user in a folder like /tmp, or is open on Windows. A later client removes
    // it.
  }
}
