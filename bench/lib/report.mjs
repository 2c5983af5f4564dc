// @ts-check
// The output of a bench: rows under a heading that names the machine, as an aligned table or as JSON. Owns the format,
// measures nothing.
import { execFileSync } from 'node:child_process'
import { cpus, type } from 'node:os'
import { fileURLToPath } from 'node:url'
import { median, percentile } from './stats.mjs'

/** @typedef {[string, readonly number[] | undefined]} Reference a name and its samples */
/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} unit 'ms', 'µs', '/s', …
 * @property {number | null} median null where it cannot be measured; `note` says why
 * @property {number | null} p99 null where a percentile says nothing, as of a rate
 * @property {number | null} ratio median to that of the reference
 * @property {string} reference what the ratio compares with
 * @property {number} n samples
 * @property {string} note
 */

/**
 * A row of samples.
 *
 * @param {string} what
 * @param {readonly number[] | undefined} samples
 * @param {{ unit?: string, times?: number, reference?: Reference, note?: string }} [how]
 *   `times` converts the samples into the unit
 * @returns {Row}
 */
export function row(what, samples = [], { unit = 'ms', times = 1, reference, note = '' } = {}) {
  const middle = median(samples)
  const ratio = reference ? middle / median(reference[1] ?? []) : null
  const isRate = unit.endsWith('/s')
  const p99 = isRate || samples.length < 2 ? null : percentile(samples, 0.99) * times
  const name = reference?.[0] ?? ''
  return { what, unit, median: middle * times, p99, ratio, reference: name, n: samples.length, note }
}

/**
 * A row for something that a client cannot do, or a bench cannot see.
 *
 * @param {string} what
 * @param {string} note
 * @returns {Row}
 */
export function absent(what, note) {
  return { what, unit: '', median: null, p99: null, ratio: null, reference: '', n: 0, note }
}

/**
 * The table, or with `json` one JSON document.
 *
 * @param {{ title: string, store: string, rows: readonly Row[] }} report
 * @param {boolean} json
 */
export function render({ title, store, rows }, json) {
  const facts = { bench: title, store, ...machineFacts() }
  if (json) return `${JSON.stringify({ ...facts, rows }, null, 2)}\n`
  return heading(facts) + table(rows)
}

/**
 * The store and the machine, in two lines.
 *
 * @param {{ bench: string, store?: string, node: string, cpu: string, cores: number, os: string, commit: string, date: string }} facts
 */
export function heading({ bench, store, node, cpu, cores, os, commit, date }) {
  const first = store === undefined ? bench : `${bench}: ${store}`
  return `${first}\nNode ${node}, ${cpu}, ${cores} cores, ${os}; ${commit}, ${date}\n\n`
}

/** The machine, the commit and the day. */
export function machineFacts() {
  const [cpu, ...others] = cpus()
  return {
    node: process.versions.node,
    cpu: cpu?.model ?? 'unknown cpu',
    cores: others.length + 1,
    os: type(),
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  }
}

/** The commit that is measured. `all` changes its own files while it runs, so changes of these do not count. */
function commit() {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd, stdio: 'pipe' }).toString().trim()
  const own = ['README.md', 'results.json', 'scale.svg'].map((file) => `:!bench/${file}`)
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ...own)
    return `commit ${git('rev-parse', '--short', 'HEAD')}${changed ? '-dirty' : ''}`
  } catch {
    return 'no commit'
  }
}

/** The rows as aligned text. @param {readonly Row[]} rows */
export function table(rows) {
  const head = ['what', 'median', 'p99', 'ratio', 'n', '']
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const isNumber = (/** @type {number} */ column) => column > 0 && column < 5
  const pad = (/** @type {string} */ text, /** @type {number} */ column) =>
    isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0)
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('')
}

/** @param {Row} row */
function cells({ what, unit, median: middle, p99, ratio, reference, n, note }) {
  const value = (/** @type {number | null} */ number) => (number === null ? '' : `${digits(number)} ${unit}`)
  const remark = [ratio === null ? '' : `of ${reference}`, note].filter(Boolean).join('; ')
  const measured = middle === null ? 'n/a' : value(middle)
  return [what, measured, value(p99), ratio === null ? '' : ratio.toFixed(2), n ? String(n) : '', remark]
}

/** Three significant digits. @param {number} number */
function digits(number) {
  if (number === 0 || Math.abs(number) >= 100) return number.toFixed(0)
  return number.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number)))))
}
