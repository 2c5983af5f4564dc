// @ts-check
// How much of Leasehold one acquire and release of a free lock calls: files, functions and calls, counted by V8. Owns
// the counting. It measures the length of the way through the code, not its time. Stores with a client of their protocol
// in a folder `wire/` are counted twice: as a whole and without that client, since most clients come from packages.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { pathToFileURL } from 'node:url'
import { ownedFolder } from '../tools/servers/children.mjs'
import { startConsul, startEtcd } from '../tools/servers/run.mjs'
import { connect } from './lib/leasehold.mjs'

/** @typedef {import('../src/index.ts').Leasehold} Leasehold */
/** @typedef {import('node:inspector').Profiler.ScriptCoverage} Coverage */
/** @typedef {{ file: string, name: string, closure: boolean, count: number }} Entered one function */
/** @typedef {{ files: number, functions: number, closures: number, calls: number }} Total */
/** @typedef {Total & { what: string, withoutWire?: Total }} Row */

const built = new URL('../dist/', import.meta.url).href
/** The first cycles open the session and the connection. Of the counted cycles the smallest counts. */
const cycles = { warm: 20, counted: 9 }

/** @param {{ json: boolean, list: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json, list }) {
  const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
  const folder = ownedFolder('leasehold-bench')
  const [etcd, consul] = await Promise.all([startEtcd({ log }), startConsul({ log })])
  const urls = {
    memory: 'memory:',
    file: pathToFileURL(`${folder.path}/`).href,
    etcd: `etcd://${etcd.endpoints[0]}/`,
    consul: `consul://${consul.members[0].endpoint}/`,
  }
  try {
    const all = []
    for (const [store, url] of Object.entries(urls)) all.push(...(await entered(store, url)))
    if (json)
      return `${JSON.stringify(
        all.map(({ row }) => row),
        undefined,
        2,
      )}\n`
    return all.map(({ row, functions }) => describe(row) + (list ? listed(functions) : '')).join('')
  } finally {
    await Promise.all([etcd.close(), consul.close(), folder.remove()])
  }
}

/** A mutex and a semaphore of one store. @param {string} store @param {string} url */
async function entered(store, url) {
  const client = await connect(url)
  const locks = {
    mutex: () => client.mutex('bench-calls'),
    semaphore: () => client.semaphore('bench-calls-of-many', { permits: 4 }),
  }
  const found = []
  for (const [kind, open] of Object.entries(locks)) {
    const functions = await shortest(() =>
      open()
        .acquire()
        .then((hold) => hold.release()),
    )
    found.push({ row: rowOf(`${store} ${kind}`, functions), functions })
  }
  await client.close()
  return found
}

/**
 * The functions of one cycle: of several the one with the fewest calls, since a renewal may fall into the others.
 *
 * @param {() => Promise<unknown>} cycle
 */
async function shortest(cycle) {
  for (let time = 0; time < cycles.warm; time += 1) await cycle()
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  const counted = []
  for (let time = 0; time < cycles.counted; time += 1) {
    await session.post('Profiler.takePreciseCoverage') // resets the counts to zero
    await cycle()
    await new Promise(setImmediate) // code that runs after a release has resolved also counts
    const { result } = await session.post('Profiler.takePreciseCoverage')
    counted.push(result.filter(({ url }) => url.startsWith(built)).flatMap(ofScript))
  }
  session.disconnect()
  return counted.reduce((least, next) => (total(next).calls < total(least).calls ? next : least))
}

/** The functions of one module that were called, without the module itself. @param {Coverage} script @returns {Entered[]} */
function ofScript({ url, functions }) {
  const source = readFileSync(new URL(url), 'utf8')
  const called = functions
    .flatMap(({ ranges: [whole], functionName: name }) => (whole ? [{ ...whole, name }] : []))
    .filter(({ startOffset, count }) => startOffset > 0 && count > 0)
  // For V8 a constructor is as long as its class, so functions inside a class are no closures.
  const outer = called.filter(({ startOffset }) => !/^(class|export)\b/.test(source.slice(startOffset)))
  return called.map(({ name, startOffset: start, endOffset: end, count }) => {
    const closure = outer.some((other) => other.startOffset < start && other.endOffset >= end)
    return { file: url.slice(built.length), name, closure, count }
  })
}

/** @param {string} what @param {readonly Entered[]} functions @returns {Row} */
function rowOf(what, functions) {
  const isWire = (/** @type {string} */ file) => file.includes('/wire/')
  if (!functions.some(({ file }) => isWire(file))) return { what, ...total(functions) }
  // Of all that a free cycle calls, only the client races an answer against an abort.
  const others = functions.filter(({ file }) => !isWire(file) && file !== 'base/abort.js')
  return { what, ...total(functions), withoutWire: total(others) }
}

/** @param {readonly Entered[]} functions @returns {Total} */
function total(functions) {
  return {
    files: new Set(functions.map(({ file }) => file)).size,
    functions: functions.length,
    closures: functions.filter(({ closure }) => closure).length,
    calls: functions.reduce((sum, { count }) => sum + count, 0),
  }
}

/** @param {Row} row */
function describe({ what, withoutWire, ...whole }) {
  const rest = withoutWire ? `; without its client: ${inWords(withoutWire)}` : ''
  return `${what.padEnd(17)} ${inWords(whole)}${rest}\n`
}

/** @param {Total} total */
function inWords({ files, functions, closures, calls }) {
  return `${files} files, ${functions} functions (${closures} of them closures), ${calls} calls`
}

/** Each function with its calls, file by file. @param {readonly Entered[]} functions */
function listed(functions) {
  return functions
    .map(({ file, name, count }) => `${String(count).padStart(5)}  ${file} ${name || '=>'}\n`)
    .join('')
}
