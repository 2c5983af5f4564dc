// Asks the kernel of Linux whether this process still has a lock that SQLite took. A POSIX lock is gone as soon as its
// process closes any descriptor of the file, as it does when it copies the folder. SQLite does not notice that. Opens no
// file of the store. Node has no other way to such a lock: locks of open descriptors need a native addon.
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { isSameFile } from './folder.ts'

const descriptors = '/proc/self/fd'
const lockOfWriter = /^lock:.*\bPOSIX\b.*\bWRITE\b/m

/** The descriptor with which SQLite keeps a file locked; undefined if the system does not tell. Looks at all descriptors once. */
export function lockedDescriptor(file: Stats): string | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // The newest first: SQLite has just opened it.
    const newest = readdirSync(descriptors).reverse()
    return newest.find((descriptor) => isOf(descriptor, file) && isLocked(descriptor))
  } catch {
    return undefined // no /proc here
  }
}

/** Whether the lock is still there; also true if the system does not tell. Costs about 30 µs. */
export function isStillLocked(descriptor: string | undefined): boolean {
  try {
    return descriptor === undefined || isLocked(descriptor)
  } catch {
    return true
  }
}

function isLocked(descriptor: string): boolean {
  return lockOfWriter.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))
}

/** `stat` opens nothing: to open and close the file would drop the lock. */
function isOf(descriptor: string, file: Stats): boolean {
  const stats = statSync(`${descriptors}/${descriptor}`, { throwIfNoEntry: false })
  return stats !== undefined && isSameFile(stats, file)
}
