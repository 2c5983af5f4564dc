// @ts-check
// Locks of every form next to a mutex, on every store: a free cycle, and a hand-over from one client to another. Owns the
// forms and the rows.
import { pathToFileURL } from 'node:url'
import { ownedFolder } from '../tools/servers/children.mjs'
import { startConsul, startEtcd } from '../tools/servers/run.mjs'
import { connect } from './lib/leasehold.mjs'
import { inRounds, now, sleep, timed } from './lib/measure.mjs'
import { render, row } from './lib/report.mjs'

/** @typedef {import('../src/index.ts').Leasehold} Leasehold */
/** @typedef {{ acquire(): Promise<{ release(): Promise<void> }> }} Lock */

const built = new URL('../dist/backends/memory/index.js', import.meta.url)
const { memory } = /** @type {typeof import('../src/backends/memory/index.ts')} */ (await import(built.href))

/** How long each store is measured: free cycles, and then hand-overs. */
const seconds = 8
/** How long a waiter stands in line before a hand-over. */
const lineMs = 20

/** Each form with the lock of a client: what holds, and what waits for it. @type {Record<string, (client: Leasehold) => Lock>} */
const forms = {
  mutex: (client) => client.mutex('bench-mutex'),
  'one permit of four': (client) => client.semaphore('bench-permit', { permits: 4 }),
  'three permits of four': (client) => {
    const pool = client.semaphore('bench-heavy', { permits: 4 })
    return { acquire: () => pool.acquire({ permits: 3 }) }
  },
  reader: (client) => client.rwlock('bench-reader').read,
  writer: (client) => client.rwlock('bench-writer').write,
  'two mutexes': (client) => client.mutexes(['bench-a', 'bench-b']),
}
/** Hand-overs: the form that holds and the form that waits, for the same name. @type {Record<string, (client: Leasehold) => [Lock, Lock]>} */
const pairs = {
  mutex: (client) => twice(client.mutex('bench-mutex')),
  'three permits of four': (client) => twice(forms['three permits of four']?.(client)),
  'reader to writer': (client) => pair(client.rwlock('bench-rw'), 'read', 'write'),
  'writer to reader': (client) => pair(client.rwlock('bench-rw'), 'write', 'read'),
  'writer to writer': (client) => pair(client.rwlock('bench-rw'), 'write', 'write'),
  'two mutexes': (client) => twice(client.mutexes(['bench-a', 'bench-b'])),
}

/** @param {{ json: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json }) {
  const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
  const folder = ownedFolder('leasehold-bench')
  const etcd = await startEtcd({ members: 1, log })
  const consul = await startConsul({ servers: 1, log })
  const url = pathToFileURL(`${folder.path}/ours/`).href
  try {
    const source = memory()
    const rows = [
      ...(await measure('memory', () => connect(source), { unit: 'µs', times: 1_000 })),
      ...(await measure('file', () => connect(url), { unit: 'µs', times: 1_000 })),
      ...(await measure('etcd', () => connect(`etcd://${etcd.endpoints[0]}/`), {})),
      ...(await measure('consul', () => connect(`consul://${consul.members[0].endpoint}/`), {})),
    ]
    const store = `memory, file, etcd ${etcd.version} and Consul ${consul.version}, each alone on this machine`
    return render({ title: 'shapes', store, rows }, json)
  } finally {
    await Promise.all([etcd.close(), consul.close()])
    await folder.remove()
  }
}

/**
 * The rows of one store.
 * @param {string} title
 * @param {() => Promise<Leasehold>} open
 * @param {{ unit?: string, times?: number }} how
 */
async function measure(title, open, how) {
  const [one, other] = await Promise.all([open(), open()])
  try {
    const cycles = await inRounds(
      seconds,
      Object.entries(forms).map(([id, form]) => {
        const lock = form(one)
        return { id, batch: timed(20, () => lock.acquire().then((hold) => hold.release())) }
      }),
    )
    const hands = await inRounds(
      seconds,
      Object.entries(pairs).map(([id, form]) => {
        const [[first], [, second]] = [form(one), form(other)]
        return { id, batch: () => handOver(first, second) }
      }),
    )
    const rowsOf = (/** @type {string} */ what, /** @type {Record<string, number[]>} */ samples) =>
      Object.entries(samples).map(([id, its]) => {
        const reference = /** @type {[string, number[] | undefined]} */ (['a mutex', samples.mutex])
        return row(`${title}, ${what}: ${id}`, its, { ...how, ...(id !== 'mutex' && { reference }) })
      })
    return [...rowsOf('free cycle', cycles), ...rowsOf('hand-over', hands)]
  } finally {
    await Promise.all([one.close(), other.close()])
  }
}

/**
 * One sample: from the call of `release` to the end of `acquire` of the lock that waits for it.
 * @param {Lock} first
 * @param {Lock} second
 */
async function handOver(first, second) {
  const hold = await first.acquire()
  const waiting = second.acquire()
  await sleep(lineMs)
  const begun = now()
  const released = hold.release()
  const next = await waiting
  const ms = now() - begun
  await released
  await next.release()
  return [ms]
}

/** @param {Lock | undefined} lock @returns {[Lock, Lock]} */
function twice(lock) {
  if (!lock) throw new Error('no such form')
  return [lock, lock]
}

/**
 * @param {import('../src/index.ts').RwLock} lock
 * @param {'read' | 'write'} first
 * @param {'read' | 'write'} second
 * @returns {[Lock, Lock]}
 */
function pair(lock, first, second) {
  return [lock[first], lock[second]]
}
