// Where the store lies: the user's state folder, and the URLs that name another. Touches no file.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quotedTarget } from '../../base/printable.ts'

/**
 * The state folder of this user: `$XDG_STATE_HOME/leasehold`, else `~/.local/state/leasehold`; on Windows
 * `%LOCALAPPDATA%\leasehold`.
 */
export function defaultDirectory(): string {
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env
  if (process.platform === 'win32')
    return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'leasehold')
  return join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'leasehold')
}

/**
 * The directory that a `file:` URL names, percent-decoded; undefined for `file:`. Throws TypeError for
 * others.
 */
export function directoryOf(url: string): string | undefined {
  const rest = /^file:(.*)$/is.exec(url)?.[1]
  if (rest === '') return undefined
  if (rest === undefined || /[?#]|%00/.test(rest)) throw malformed(url)
  try {
    if (/^\.\.?(\/|$)/.test(rest)) return resolve(decodeURIComponent(rest))
    if (/^\/(?!\/)|^\/\/(localhost)?\/(?!\/)/i.test(rest)) return resolve(fileURLToPath(url))
  } catch (cause) {
    throw malformed(url, cause)
  }
  throw malformed(url)
}

function malformed(url: string, cause?: unknown): TypeError {
  const allowed = 'file:, file:./relative/directory or file:/absolute/directory, without host, query and hash'
  return new TypeError(`url: ${quotedTarget(url)} is not one of ${allowed}`, { cause })
}
