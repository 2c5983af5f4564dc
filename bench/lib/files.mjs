// @ts-check
// The files that `npm run bench -- all` writes: results.json, README.md with its part, scale.svg. Owns when they are written, and
// which earlier results stay. page.mjs and plot.mjs make their text.
import { readFile, writeFile } from 'node:fs/promises'
import { withResults } from './page.mjs'
import { plotOf } from './plot.mjs'

/** @typedef {import('./page.mjs').Result} Result */

/**
 * The files of this folder. Results of benches that are not measured again stay.
 *
 * @param {URL} folder
 * @param {readonly string[]} order the names of all benches, as the page has them
 */
export async function pageOf(folder, order) {
  const file = (/** @type {string} */ name) => new URL(name, folder)
  const earlier = await results(file('results.json'))
  /** @type {Result[]} */
  const added = []
  const all = () => [...earlier.filter(({ bench }) => !added.some((one) => one.bench === bench)), ...added]
  const inOrder = () => all().sort((one, other) => order.indexOf(one.bench) - order.indexOf(other.bench))
  return {
    /** Writes the page with one more result. A bench that failed replaces no earlier result. @param {Result} result */
    async add(result) {
      if (result.error === undefined || !earlier.some(({ bench }) => bench === result.bench))
        added.push(result)
      await writeFile(file('results.json'), `${JSON.stringify(inOrder(), null, 2)}\n`)
      await writeFile(file('README.md'), withResults(await readFile(file('README.md'), 'utf8'), inOrder()))
    },
    /** Draws the plot, and says whether that succeeded. A bench counts although it cannot be drawn. */
    async plot() {
      try {
        await writeFile(file('scale.svg'), await plotOf(inOrder().flatMap(({ series }) => series ?? [])))
        return 'bench/scale.svg is drawn'
      } catch (error) {
        return `bench/scale.svg is not drawn: ${error instanceof Error ? error.message : error}`
      }
    },
  }
}

/** @param {URL} file @returns {Promise<Result[]>} */
async function results(file) {
  const kept = await readFile(file, 'utf8').catch(() => '[]')
  return JSON.parse(kept)
}
