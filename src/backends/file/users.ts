// The users of a store's folder, for `leasehold doctor`: this user, a group, or everybody. folder.ts refuses a folder; this file
// only says so beforehand.
import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding, Level } from '../../base/finding.ts'
import { isShared, octal } from './modes.ts'

/** A folder, or the nearest one above it if it does not exist yet. */
export interface Place {
  readonly directory: string
  readonly real: string
  readonly stats: Stats
  readonly isThere: boolean
}

/** The finding about the users of a folder. */
export function usersOf(place: Place): Finding {
  const { real, stats, isThere } = place
  const refused = [real, ...(isThere ? [join(real, 'leasehold.db'), join(real, 'sessions')] : [])].find(
    isRefused,
  )
  if (refused !== undefined) {
    const next = 'give this user read and write permission, or choose another folder: --url file:/path'
    return finding('problem', `${refused} may not be written by this user (${ownerOf(stats)})`, next)
  }
  if (!isThere) return finding('ok', 'the folder will be for this user alone (mode 0700)')
  return isShared(stats.mode) ? sharers(stats) : ownersOnly(place)
}

function finding(level: Level, text: string, next?: string): Finding {
  return { check: 'place', level, about: 'users', text, ...(next === undefined ? {} : { next }) }
}

function ownerOf({ uid, gid, mode }: Stats): string {
  return `owner ${uid}, group ${gid}, mode ${octal(mode)}`
}

function sharers(stats: Stats): Finding {
  const isForAll = (stats.mode & 0o1002) === 0o1002
  const users = isForAll ? 'every user of this machine' : `the group ${stats.gid}`
  const next = 'each of these users can take and break every lock of the store: make sure that this is meant'
  return finding(isForAll ? 'warning' : 'note', `shared with ${users} (${ownerOf(stats)})`, next)
}

function ownersOnly({ directory, real, stats }: Place): Finding {
  const { uid, mode } = stats
  const user = process.geteuid?.()
  if (user !== undefined && ![user, 0].includes(uid)) {
    const next = `run as the user with the id ${uid}, or share it: chgrp GROUP ${directory}, chmod 2770 ${directory}`
    return finding('problem', `the folder belongs to another user (${ownerOf(stats)})`, next)
  }
  if ((mode & 0o022) !== 0 && user !== undefined) {
    const text = `other users may write into the folder, although it is not set up to be shared (${ownerOf(stats)})`
    return finding('warning', text, `chmod 700 ${real}, or chmod 2770 to share it`)
  }
  return finding('ok', `this user alone (${ownerOf(stats)})`)
}

function isRefused(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats) return false
  try {
    accessSync(path, constants.R_OK | constants.W_OK | (stats.isDirectory() ? constants.X_OK : 0))
    return false
  } catch {
    return true
  }
}
