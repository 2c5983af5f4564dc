// Examines the folder of a store for `leasehold doctor`: which folder it is, who can use it, and what its file system means.
// Creates nothing: the first client makes the folder, and the database in it.
import { existsSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Examination, ExamineOptions, Finding } from '../../base/finding.ts'
import { crashFinding, seconds } from '../shared/crash.ts'
import { wordsOf } from '../shared/timed.ts'
import { loadDriver } from './driver.ts'
import { octal } from './modes.ts'
import { mountOf, type Trouble, troubleOf } from './mounts.ts'
import { usersOf } from './users.ts'

/** The store, and whether the user named its folder. */
export interface Examined {
  readonly directory: string
  readonly isNamed: boolean
}

const check = 'place'

/** All findings about a folder. */
export async function examineFile(examined: Examined, options: ExamineOptions): Promise<Examination> {
  const hung = `that of a process that hangs is free after ${seconds(options.ttlMs)}`
  const crash = crashFinding({ leastMs: 0, mostMs: 0, lockDelayMs: 0 }, hung)
  const findings = [await driverFinding(), ...placeFindings(examined), crash]
  const isSound = findings.every(({ level }) => level !== 'problem')
  return { findings, mayOpen: isSound && existsSync(join(examined.directory, 'leasehold.db')) }
}

async function driverFinding(): Promise<Finding> {
  try {
    const driver = await loadDriver()
    const database = driver.open(':memory:')
    const [row] = database.prepare('SELECT sqlite_version() AS version').all()
    database.close()
    const version = String(row?.version)
    const text = `SQLite ${version} by ${driver.name}`
    return { check: 'version', level: 'ok', text, data: { driver: driver.name, sqlite: version } }
  } catch (error) {
    const next = 'run the command in the folder of your program, or with -g if leasehold is installed so'
    return { check: 'version', level: 'problem', text: wordsOf(error), next }
  }
}

function placeFindings(examined: Examined): Finding[] {
  try {
    return lookAt(examined)
  } catch (error) {
    const next = 'correct the path, or give this user the permission to search the folders above it'
    return [{ check, level: 'problem', about: 'folder', text: wordsOf(error), next }]
  }
}

function lookAt({ directory, isNamed }: Examined): Finding[] {
  const isThere = isSeen(directory)
  const nearest = isThere ? directory : existingAbove(directory)
  const real = realpathSync(nearest)
  const path = isThere ? real : directory
  const stats = statSync(real)
  if (!stats.isDirectory()) throw new Error(`${real} is no directory`)
  const mount = mountOf(real)
  const data = {
    path,
    exists: isThere,
    fileSystem: mount?.type ?? null,
    owner: stats.uid,
    group: stats.gid,
    mode: octal(stats.mode),
  }
  const name = isNamed ? 'named by the URL' : 'the default of this user'
  const text = `${path}, ${name}${present(path, isThere)}`
  const place: Finding = { check, level: 'ok', about: 'folder', text, data }
  const users = usersOf({ directory, real, stats, isThere })
  return [place, ...sudoFinding(isNamed), users, fileSystem(mount?.type), ...freeSpace(real)]
}

/** The part of the store that is missing, for the end of a sentence. */
function present(path: string, isThere: boolean): string {
  if (codeOfLook(path) === 'EACCES') return '; this user cannot see whether it exists'
  if (existsSync(join(path, 'leasehold.db'))) return ''
  return `; it ${isThere ? 'has no database' : 'does not exist'} yet, and the first client makes it`
}

/** The code of the error of a look at a path: ENOENT, or EACCES if a folder above it may not be searched. */
function codeOfLook(path: string): string | undefined {
  try {
    statSync(path)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

function existingAbove(path: string): string {
  const parent = dirname(path)
  return isSeen(parent) || parent === path ? parent : existingAbove(parent)
}

function isSeen(path: string): boolean {
  return codeOfLook(path) === undefined
}

/** The default folder depends on the user, so root under sudo has a store of its own. */
function sudoFinding(isNamed: boolean): Finding[] {
  const { SUDO_USER: user } = process.env
  if (isNamed || !user || user === 'root') return []
  const text = `sudo runs this for ${user}, but the store is that of the user with the id ${process.geteuid?.()}`
  const next = 'name one folder for both: --url file:/var/lib/leasehold, with a group and the mode 2770'
  return [{ check, level: 'warning', about: 'user', text, next }]
}

const troubles: Readonly<Record<Trouble, readonly [text: string, next: string]>> = {
  network: [
    'its locks do not reach other machines, so two of them would hold one lock',
    'choose a folder on a local disk; for several machines take etcd or Consul',
  ],
  unknown: ['whether its locks work between processes is not known', 'choose a folder on a local disk'],
  memory: [
    'after a restart of the machine tokens begin anew, so a resource refuses them as old ones',
    'choose a folder on a disk, if tokens protect a resource',
  ],
  container: [
    'the store belongs to this container: other containers have their own, and it ends with this one',
    'mount a volume, and name it: --url file:/path',
  ],
}

const leastFreeBytes = 50 * 2 ** 20

function fileSystem(type: string | undefined): Finding {
  const about = 'file system'
  const data = { fileSystem: type ?? null }
  if (type === undefined) {
    const next = 'make sure that it is a local disk'
    return { check, level: 'note', about, text: 'this system does not tell its type', next, data }
  }
  const trouble = troubleOf(type)
  if (!trouble) return { check, level: 'ok', about, text: type, data }
  const [text, next] = troubles[trouble]
  const level = trouble === 'container' ? 'note' : 'warning'
  return { check, level, about, text: `${type}: ${text}`, next, data }
}

function freeSpace(real: string): Finding[] {
  const { bavail, bsize } = statfsSync(real)
  const freeBytes = bavail * bsize
  if (freeBytes >= leastFreeBytes) return []
  const text = `only ${Math.floor(freeBytes / 2 ** 20)} MB are free for this user`
  const next = 'make room: without it no lock can be taken or renewed'
  const level = freeBytes < 2 ** 20 ? 'problem' : 'warning'
  return [{ check, level, about: 'disk', text, next, data: { freeBytes } }]
}
