// The place of the store: the user's state folder, or the one that a URL names. Touches no file.

import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quoted, quotedTarget } from '../../base/printable.ts'

/** SQLite takes paths of 512 bytes; the longest of ours are 38 longer than the directory. */
const longestBytes = 474

/**
 * The state folder of this user, and of no other: `$XDG_STATE_HOME/leasehold`, else `~/.local/state/leasehold`; on
 * Windows `%LOCALAPPDATA%\leasehold`. Throws a TypeError that names the variable if it is not an absolute path: the
 * store would depend on the folder in which a process starts, and two processes could hold at once.
 */
export function defaultDirectory(): string {
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env
  if (process.platform === 'win32') {
    if (LOCALAPPDATA) return join(absolute('LOCALAPPDATA', LOCALAPPDATA), 'leasehold')
    return join(home(), 'AppData', 'Local', 'leasehold')
  }
  if (XDG_STATE_HOME) return join(absolute('XDG_STATE_HOME', XDG_STATE_HOME), 'leasehold')
  return join(home(), '.local', 'state', 'leasehold')
}

/**
 * The directory as an absolute path. Throws RangeError if it is longer than SQLite takes, and TypeError for control
 * characters, which no message could show.
 */
export function checkedDirectory(directory: string): string {
  const path = resolve(directory)
  if (/\p{Cc}/u.test(path))
    throw new TypeError(`directory: ${JSON.stringify(path)} has a control character in it`)
  const bytes = Buffer.byteLength(path)
  if (bytes <= longestBytes) return path
  throw new RangeError(`directory: ${path} has ${bytes} bytes; SQLite takes at most ${longestBytes} here`)
}

/**
 * The directory that a `file:` URL names, percent-decoded; undefined for `file:`. Throws TypeError for another scheme,
 * and for blanks at an end, control characters and backslashes: the parser of URLs would drop or change these.
 */
export function directoryOf(url: string): string | undefined {
  const rest = /^file:(.*)$/is.exec(url)?.[1]
  if (rest === '') return undefined
  if (rest === undefined || /[?#\\\p{Cc}]|^\s|\s$|%00|%2f/iu.test(rest)) throw malformed(url)
  try {
    if (/^\.\.?(\/|$)/.test(rest)) return resolve(decodeURIComponent(rest))
    if (/^\/(?!\/)|^\/\/(localhost)?\/(?!\/)/i.test(rest)) return resolve(fileURLToPath(url))
  } catch (cause) {
    throw malformed(url, cause)
  }
  throw malformed(url)
}

function home(): string {
  const variable = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'
  const set = process.env[variable]
  if (set !== undefined) return absolute(variable, set)
  try {
    return absolute('HOME', homedir())
  } catch (cause) {
    const advice = `set ${variable}, or choose a directory: file:/absolute/directory`
    throw new TypeError(`${variable}: is not set, and this user has no home directory; ${advice}`, { cause })
  }
}

function absolute(variable: string, path: string): string {
  if (isAbsolute(path)) return path
  const advice = 'correct it, or choose a directory: file:/absolute/directory'
  throw new TypeError(`${variable}: ${JSON.stringify(path)} is not an absolute path; ${advice}`)
}

function malformed(url: string, cause?: unknown): TypeError {
  const allowed =
    'file:, file:./relative/directory or file:/absolute/directory, without host, query, hash, backslash, control ' +
    'character and blanks at the end'
  // A path is no secret, but this may be a URL with a password, under the wrong scheme.
  const shown = /@|^file:\/\//i.test(url) ? quotedTarget(url) : quoted(url)
  const meant = /^file:([\w-][\w./-]*)$/i.exec(url)?.[1]
  const advice = meant === undefined ? '' : `; for a folder below the working directory write file:./${meant}`
  return new TypeError(`url: ${shown} is not one of ${allowed}${advice}`, { cause })
}
