// @ts-check
// Ends everything that was started or created here before this process ends: children by their pid, temporary folders
// by their path. Knows nothing of the children's work.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()
/** @type {Set<string>} */
const folders = new Set()
const LEASH_ARGS = ['--pdeathsig', 'KILL']
/** @type {string[] | undefined} */
let leash

process.on('exit', () => {
  // SIGKILL also ends a child that is stopped with SIGSTOP.
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) removeNow(folder)
})

/**
 * Starts a child that is killed when this process ends. On Linux that holds even when this
 * process is itself killed with SIGKILL. The child's pid is that of `file`.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 * @returns {import('node:child_process').ChildProcess}
 */
export function spawnOwned(file, args, options) {
  const [command, ...rest] = [...deathLeash(), file, ...args]
  const child = spawn(/** @type {string} */ (command), rest, options)
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', () => children.delete(child))
  return child
}

/**
 * Makes a temporary folder that is removed, at the latest, when this process exits.
 *
 * @param {string} name
 * @returns {{ path: string, remove: () => Promise<void> }}
 */
export function ownedFolder(name) {
  const path = mkdtempSync(join(tmpdir(), `${name}-`))
  folders.add(path)
  const remove = async () => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
    folders.delete(path)
  }
  return { path, remove }
}

/** setpriv replaces itself by the started program, so no process is added. */
function deathLeash() {
  leash ??= spawnSync('setpriv', [...LEASH_ARGS, 'true']).status === 0 ? ['setpriv', ...LEASH_ARGS] : []
  return leash
}

/** @param {string} folder */
function removeNow(folder) {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    // A child may still write its last file; a rest in the temporary folder does no harm.
  }
}
