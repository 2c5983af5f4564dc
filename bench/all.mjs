// @ts-check
// All benches one after the other, as results.json and as a part of README.md with a plot. Owns these three files; each
// bench measures by itself, and lib/page.mjs has the form of the page.
import { readFile, writeFile } from 'node:fs/promises'
import { withResults } from './lib/page.mjs'
import { plotOf } from './lib/plot.mjs'
import { machineFacts } from './lib/report.mjs'

/** @typedef {import('./lib/page.mjs').Result} Result */

const benches = ['memory', 'file', 'etcd', 'consul', 'peers', 'start', 'scale']
const here = (/** @type {string} */ file) => new URL(file, import.meta.url)
const progress = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

/** About eleven minutes, with `small` seven. @param {{ small?: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ small = false }) {
  const results = []
  for (const name of benches) {
    progress(`${new Date().toISOString()} ${name}`)
    results.push(await measured(name, small))
  }
  await writeFile(here('results.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(here('README.md'), withResults(await readFile(here('README.md'), 'utf8'), results))
  return `bench/results.json and bench/README.md are written; ${await plotted(results)}\n`
}

/** A bench that fails leaves its error, and the others go on. @param {string} name @param {boolean} small @returns {Promise<Result>} */
async function measured(name, small) {
  try {
    const { default: run } = await import(`./${name}.mjs`)
    return JSON.parse(await run({ json: true, cluster: false, small }))
  } catch (error) {
    progress(`${name} failed: ${error instanceof Error ? error.stack : error}`)
    return { bench: name, ...machineFacts(), error: String(error) }
  }
}

/** @param {readonly Result[]} results */
async function plotted(results) {
  const all = results.flatMap(({ series }) => series ?? [])
  try {
    await writeFile(here('scale.svg'), await plotOf(all))
    return 'bench/scale.svg is drawn'
  } catch (error) {
    return `bench/scale.svg is not drawn: ${error instanceof Error ? error.message : error}`
  }
}
