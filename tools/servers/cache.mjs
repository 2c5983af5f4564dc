// @ts-check
// Folders of programs that are made once and then shared by all processes of a machine. Owns that a folder under
// its final name is complete; what is put into it, and when it is out of date, is the caller's.

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The file of a cached folder that says what is in it. Written last. */
const LABEL = 'server.json'

/**
 * Reads what was noted of a cached folder. Costs one small read; resolves with `undefined` when there is no such folder.
 *
 * @param {string} home
 * @returns {Promise<Record<string, unknown> | undefined>}
 */
export async function readLabel(home) {
  const text = await readFile(join(home, LABEL), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/**
 * Makes a cached folder. `fill` works in a sibling folder, which appears under its name in one rename: so a cached folder
 * is always complete, however many processes make it at once and wherever one of them was killed. `fill` gets the folder
 * to fill and one for its scraps, and resolves with the label. Rejects when `fill` does, and leaves nothing then.
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
 * A short name for what Go builds from a folder: it changes when a source in there does, or a pin.
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
