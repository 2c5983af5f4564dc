// @ts-check
// The part of bench/README.md that `npm run bench -- all` writes. Pure functions from results to text; bench/all.mjs
// measures and writes.
import { growthTable } from './growth.mjs'
import { heading, table } from './report.mjs'

/** @typedef {import('./report.mjs').Row} Row */
/** @typedef {import('./growth.mjs').Series} Series */
/** @typedef {{ bench: string, store?: string, node: string, cpu: string, cores: number, os: string, commit: string, date: string }} Facts */
/** @typedef {Facts & { rows?: Row[], series?: Series[], error?: string, tookMs?: number }} Result one bench */

const begin = '<!-- results: written by npm run bench -- all -->\n'
const end = '<!-- end of results -->\n'

/** The page with its part for these results in place of the old part. @param {string} page @param {readonly Result[]} results */
export function withResults(page, results) {
  const [before, rest = ''] = page.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`the page has no lines ${begin.trim()} and ${end.trim()}`)
  return before + begin + partOf(results) + end + after
}

/** @param {readonly Result[]} results */
function partOf(results) {
  return `${results.map((result) => `\n${bodyOf(result)}`).join('')}\n`
}

/** @param {Result} result */
function bodyOf(result) {
  const { rows, series, error } = result
  if (error !== undefined) return `${result.bench}: not measured: ${error}\n`
  if (rows) return `\`\`\`text\n${heading(result)}${table(rows)}\`\`\`\n`
  return `${heading(result)}![How costs grow](scale.svg)\n\n${growthTable(series ?? [])}`
}
