// The compiled code of `leasehold`, which Node 22.8 and newer can keep for the next start. Owns the folder for it: only one
// into which no other user can write, since Node runs the code that it finds there.
import { lstatSync, mkdirSync } from 'node:fs'
import { Module } from 'node:module'
import { isAbsolute, join } from 'node:path'

/** The variables that name the folder. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * Lets Node keep the code that is loaded from now on, and take it from there at the next start. Does nothing if this Node
 * cannot, if there is no safe folder, or if the environment decides: NODE_COMPILE_CACHE names another folder, and with
 * NODE_DISABLE_COMPILE_CACHE nothing is kept.
 */
export function keepCompiled(): void {
  const { enableCompileCache } = Module as { enableCompileCache?: (folder: string) => unknown }
  const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env
  if (!enableCompileCache || NODE_COMPILE_CACHE || NODE_DISABLE_COMPILE_CACHE) return
  const folder = cacheFolder(process.env)
  if (folder) enableCompileCache(folder)
}

/**
 * The folder `leasehold` in the user's folder for caches, which must exist: `$XDG_CACHE_HOME`, else `~/.cache`; on macOS
 * `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. Makes it if it is missing. Undefined if it cannot, or if another user
 * owns one of the two or may write into it: `sudo` may leave the variables of another user, and Node's own default is in
 * the temporary folder, which everybody may write to.
 */
export function cacheFolder(
  variables: Variables,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const caches = cachesOf(variables, platform)
  if (!caches || !isAbsolute(caches) || !isOwn(caches)) return undefined
  const folder = join(caches, 'leasehold')
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch {
    // It exists, or cannot be made: the look at it decides.
  }
  return isOwn(folder) ? folder : undefined
}

function cachesOf(
  { HOME, LOCALAPPDATA, XDG_CACHE_HOME }: Variables,
  platform: NodeJS.Platform,
): string | undefined {
  if (platform === 'win32') return LOCALAPPDATA
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME
  return HOME && join(HOME, platform === 'darwin' ? 'Library/Caches' : '.cache')
}

/** Whether it is a folder of this user's, and no other user may write into it. Windows keeps a profile to its user. */
function isOwn(folder: string): boolean {
  try {
    const { mode, uid } = lstatSync(folder)
    const isFolder = (mode & 0o170000) === 0o040000
    if (!process.geteuid) return isFolder
    return isFolder && uid === process.geteuid() && uid === process.getuid?.() && (mode & 0o022) === 0
  } catch {
    return false
  }
}
