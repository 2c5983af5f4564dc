// @ts-check
// How the cost of Leasehold grows: with the holds of a client, the waiters, permits and processes of a name, and the
// callers of one client. Owns the list of series and their sizes; scale/ measures.
import { growthTable, series } from './lib/growth.mjs'
import { heading, machineFacts } from './lib/report.mjs'
import { before } from './scale/before.mjs'
import { connects, observers, timeouts } from './scale/callers.mjs'
import { holds } from './scale/holds.mjs'
import { permits, processes, takenPermits, waiters } from './scale/lines.mjs'
import { guards, namesOnce } from './scale/names.mjs'
import { sizes } from './scale/sizes.mjs'
import { stores } from './scale/stores.mjs'

/** @typedef {import('./lib/growth.mjs').Series} Series */
/** @typedef {import('./scale/stores.mjs').Store} Store */
/** @typedef {Store['kind']} Kind */
/** @typedef {import('./scale/sizes.mjs').Sizes} Sizes */

/** A measurement that takes longer is left out, so that the whole stays bounded. */
const mostMs = 60_000

/**
 * `only` has the words of a store or of sizes, such as `consul permits`; without it everything is measured.
 *
 * @param {{ json: boolean, small?: boolean, only?: string | undefined }} options
 * @returns {Promise<string>} what to print
 */
export default async function bench({ json, small = false, only }) {
  const all = await scaleSeries(small ? 'small' : 'whole', only?.split(/[ ,]+/))
  const facts = { bench: 'scale', ...machineFacts() }
  if (json) return `${JSON.stringify({ ...facts, series: all }, null, 2)}\n`
  return heading(facts) + growthTable(all)
}

/**
 * All series, or those of the stores and sizes that `words` name.
 *
 * @param {'whole' | 'small'} size
 * @param {readonly string[]} [words]
 * @returns {Promise<Series[]>}
 */
export async function scaleSeries(size, words = []) {
  const all = []
  const kinds = words.filter((word) => word in stores)
  const rows = words.filter((word) => !(word in stores))
  for (const [kind, every] of Object.entries(sizes[size])) {
    if (kinds.length > 0 && !kinds.includes(kind)) continue
    all.push(...(await ofKind(/** @type {Kind} */ (kind), pick(every, rows))))
  }
  return all
}

/** A store that cannot be started or closed does not keep the series of the others. @param {Kind} kind @param {Sizes} sizes */
async function ofKind(kind, sizes) {
  const failed = (/** @type {unknown} */ error) => progress(`${kind}: ${error}`)
  const store = await stores[kind]().catch(failed)
  if (!store) return []
  const all = await ofStore(store, sizes)
  await store.close().catch(failed)
  return all
}

/** The sizes that are named; all of them if none is. @param {Sizes} sizes @param {readonly string[]} names @returns {Sizes} */
function pick(sizes, names) {
  if (names.length === 0) return sizes
  return Object.fromEntries(Object.entries(sizes).filter(([key]) => key === 'restMs' || names.includes(key)))
}

/** @param {Store} store @param {Sizes} sizes @returns {Promise<Series[]>} */
async function ofStore(store, sizes) {
  const { kind } = store
  /**
   * One series for each column of what was measured; a column that the store does not have is left out.
   *
   * @template T
   * @param {readonly number[] | undefined} counts
   * @param {(count: number) => Promise<T>} measure
   * @param {readonly [what: string, unit: string, value: (measured: T) => number | undefined][]} columns
   */
  const along = async (counts, measure, columns) => {
    /** @type {{ size: number, measured: T | null }[]} */
    const found = []
    for (const size of counts ?? []) {
      progress(`${kind}: ${columns[0]?.[0]}, ${size}`)
      found.push({ size, measured: await inTime(measure(size)) })
    }
    return columns.flatMap(([what, unit, value]) => {
      const points = found.map(({ size, measured }) => ({
        size,
        value: measured && (value(measured) ?? Number.NaN),
      }))
      const isKnown = points.length > 0 && points.every((point) => !Number.isNaN(point.value))
      return isKnown ? [series(kind, what, unit, points, before[`${kind} ${what}`])] : []
    })
  }
  return [
    ...(await along(sizes.holds, (count) => holds(store, count, sizes.restMs ?? 0), [
      ['hand-over, other holds', 'ms', ({ handOverMs }) => handOverMs],
      ['requests at rest, holds', '/s', ({ restRequests }) => restRequests],
      ['processor time at rest, holds', 'ms/s', ({ restCpuMs }) => restCpuMs],
      ['acquires at once, each', 'ms', ({ acquireMs }) => acquireMs],
      ['memory of a hold', 'B', ({ bytes }) => bytes],
      ['survey of the names, holds', 'ms', ({ surveyMs }) => surveyMs],
      ['lost of many acquires at once', 'holds', ({ lost }) => lost],
      ['close, holds', 'ms', ({ closeMs }) => closeMs],
      ['keys left by close, holds', 'keys', ({ left }) => left],
    ])),
    ...(await along(sizes.waiters, (count) => waiters(store, count), [
      ['hand-over, waiters', 'ms', ({ passMs }) => passMs],
      ['messages of a hand-over, waiters', 'messages', ({ passing }) => passing?.messages],
      ['bytes of a hand-over, waiters', 'B', ({ passing }) => passing?.bytes],
      ['joining, waiters', 'ms', ({ joinMs }) => joinMs],
      ['messages of joining, waiters', 'messages', ({ joining }) => joining?.messages],
      ['bytes of joining, waiters', 'B', ({ joining }) => joining?.bytes],
    ])),
    ...(await along(sizes.permits, (count) => permits(store, count), [
      ['permits in use', '%', ({ usedPercent }) => usedPercent],
      [
        store.kind === 'consul' ? 'requests of a cycle, permits' : 'messages of a cycle, permits',
        'messages',
        ({ cycle }) => cycle?.messages,
      ],
      ['bytes of a cycle, permits', 'B', ({ cycle }) => cycle?.bytes],
    ])),
    ...(await along(sizes.takenPermits, (count) => takenPermits(store, count), [
      ['hand-over, permits', 'ms', ({ handOverMs }) => handOverMs],
    ])),
    ...(await along(sizes.processes, (count) => processes(store, count), [
      ['hand-over, processes', 'ms', ({ handOverMs }) => handOverMs],
    ])),
    ...(await along(sizes.timeouts, (count) => timeouts(store, count), [
      ['lateness of time-outs together', 'ms', ({ lateMs }) => lateMs],
      ['requests of time-outs together', 'messages', ({ traffic }) => traffic?.messages],
      ['bytes of time-outs together', 'B', ({ traffic }) => traffic?.bytes],
      ['time-outs that name the holder', '%', ({ namedPercent }) => namedPercent],
    ])),
    ...(await along(sizes.observers, (count) => observers(store, count), [
      ['until observers are told', 'ms', ({ toldMs }) => toldMs],
      ['requests of a change, observers', 'messages', ({ change }) => change?.messages],
      ['bytes of a change, observers', 'B', ({ change }) => change?.bytes],
    ])),
    ...(await along(sizes.names, (count) => namesOnce(store, count), [
      ['requests of a name taken once', 'messages', ({ requests }) => requests],
      ['keys left by names taken once', 'keys', ({ left }) => left],
      ['heap left by names taken once', 'kB', ({ heap }) => heap],
    ])),
    ...(await along(sizes.guards, (count) => guards(store, count), [
      ['requests of a tick and host, cron guards', 'messages', ({ requests }) => requests],
    ])),
    ...(await connecting(store, sizes.connects)),
  ]
}

/** @param {Store} store @param {readonly number[] | undefined} counts */
async function connecting(store, counts) {
  if (!counts) return []
  const what = 'a connect next to sessions'
  progress(`${store.kind}: ${what}`)
  const points = await inTime(connects(store, counts))
  return points ? [series(store.kind, what, 'ms', points, before[`${store.kind} ${what}`])] : []
}

/**
 * Null if it took too long or failed, which is told. A series that took too long goes on during the next one.
 *
 * @template T
 * @param {Promise<T>} measuring
 * @returns {Promise<T | null>}
 */
async function inTime(measuring) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, mostMs, null)
  })
  const failed = (/** @type {unknown} */ error) => {
    progress(`not measured: ${error instanceof Error ? error.message : error}`)
    return null
  }
  const measured = await Promise.race([measuring.catch(failed), /** @type {Promise<null>} */ (late)])
  clearTimeout(timer)
  return measured
}

/** @param {string} line */
function progress(line) {
  process.stderr.write(`${line}\n`)
}
