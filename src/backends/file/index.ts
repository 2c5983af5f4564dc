// The public side of the embedded backend: its options and its URL. It loads SQLite and opens files only in `open`.
import { pathToFileURL } from 'node:url'
import { checkOptions, type TableOf, text } from '../../base/options.ts'
import type { BackendSource } from '../../contract.ts'
import { FileBackend } from './backend.ts'
import { loadDriver } from './driver.ts'
import { checkedDirectory, defaultDirectory, directoryOf } from './location.ts'
import { openStore } from './open-store.ts'

/** The place of the store. */
export interface FileOptions {
  /**
   * The directory, created with mode 0700 if it is missing. By default it is `leasehold` in the state folder of this
   * user, which no other user shares. For several users take a directory of a group with the setgid bit (mode 2770):
   * the files in it then get the same permissions. Every process that may write in it takes part. It must be on a local
   * disk: on network file systems SQLite's shared memory and the kernel's file locks do not reach other machines, and
   * locks would be given twice. At most 474 bytes long.
   */
  readonly directory?: string | undefined
}

const table: TableOf<FileOptions> = {
  directory: { ...text(), alsoCalled: ['dir', 'path', 'folder', 'filename'] },
}

/**
 * Locks for the processes of one machine that use the same directory, kept in an SQLite database. The locks of a
 * process that dies are free at once, those of one that hangs after its time to live. Throws TypeError or RangeError at
 * once for an unknown option, a bad value, or an environment variable that names no absolute path; touches no file.
 * `open` rejects with RefusedError if the directory may not be used or is another user's, with ConflictError if
 * something else is in its place, and with UnavailableError if there is neither `node:sqlite` nor `libsql`.
 */
export function file(options: FileOptions = {}): BackendSource {
  checkOptions(options, table)
  const directory = checkedDirectory(options.directory ?? defaultDirectory())
  return {
    url: pathToFileURL(`${directory}/`).href,
    async open(clock) {
      const driver = await loadDriver()
      const openNow = () => openStore(clock, driver, directory)
      return new FileBackend(clock, directory, await openNow(), openNow)
    },
    async examine(how) {
      const { examineFile } = await import('./examine.ts')
      return examineFile({ directory, isNamed: options.directory !== undefined }, how)
    },
  }
}

/**
 * The same from `file:` (the default directory), `file:./relative` or `file:/absolute`, percent-decoded.
 * Throws a TypeError for anything else, and for a host, a query or a hash.
 */
export function fileFromUrl(url: string): BackendSource {
  return file({ directory: directoryOf(url) })
}
