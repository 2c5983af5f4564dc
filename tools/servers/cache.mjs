// @ts-check
// Folders of programs that are made once and then shared by all processes of a machine. Owns that a folder under its
// final name is complete. The caller decides its content, and when it is out of date.

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The file that describes a cached folder. Written last. */
const LABEL = 'server.json'

/**
 * Reads the description of a cached folder. Costs one small read; resolves with `undefined` if there is no such
 * folder.
 *
 * @param {string} home
 * @returns {Promise<Record<string, unknown> | undefined>}
 */
export async function readLabel(home) {
  const text = await readFile(join(home, LABEL), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/**
 * Makes a cached folder. `fill` works in a sibling folder, which gets its final name by one rename. So a cached folder
 * is always complete, even if several processes make it at once, or one of them is killed. `fill` gets the folder to
 * fill and one for temporary files, and resolves with the label. If `fill` rejects, so does this, and nothing is left.
 *
 * @param {string} home
 * @param {(fresh: string, work: string) => Promise<Record<string, unknown>>} fill
 * @returns {Promise<Record<string, unknown>>} the label that is in the cache now
 */
export async function intoCache(home, fill) {
  await mkdir(dirname(home), { recursive: true })
  const work = await mkdtemp(`${home}.part-`)
  try {
    const fresh = join(work, 'fresh')
    await mkdir(fresh)
    const label = await fill(fresh, work)
    await writeFile(join(fresh, LABEL), JSON.stringify(label))
    await rename(fresh, home).catch(ignoreLostRace)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  const label = await readLabel(home)
  if (!label) throw new Error(`the cache lost ${home} again`)
  return label
}

/** @param {NodeJS.ErrnoException} error */
function ignoreLostRace(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
}

/**
 * A short hash of a folder that Go builds from: it changes with a source or a pinned version in it.
 *
 * @param {string} folder
 * @returns {Promise<string>}
 */
export async function fingerprint(folder) {
  const hash = createHash('sha256')
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(go|mod|sum)$/.test(name))
  for (const name of files.sort()) hash.update(`${name}\0`).update(await readFile(join(folder, name)))
  return hash.digest('hex').slice(0, 12)
}
