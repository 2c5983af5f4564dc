// @ts-check
// The locks that people use next to ours, in one run: free cycles, and hand-overs after holds of 5, 50 and 500 ms while the
// stores are idle and while they are busy. Owns the comparisons and the rows; each side is in peers/ and lib/.
import { pathToFileURL } from 'node:url'
import { ensurePeers } from '../test/peers/build.mjs'
import { ownedFolder } from '../tools/servers/children.mjs'
import { startRedis } from '../tools/servers/redis.mjs'
import { startConsul, startEtcd } from '../tools/servers/run.mjs'
import { contenders } from './lib/contenders.mjs'
import { inRounds, timed } from './lib/measure.mjs'
import { absent, render, row } from './lib/report.mjs'
import { handOver, Worker } from './lib/workers.mjs'
import { consulLock, etcdctlLock } from './peers/commands.mjs'
import { GoWorker } from './peers/go.mjs'

/** @typedef {Awaited<ReturnType<typeof openStores>>} Stores */
/** @typedef {import('./lib/workers.mjs').Side} Side */
/**
 * @typedef {object} Peer
 * @property {string} who
 * @property {keyof Stores['targets']} store
 * @property {(stores: Stores) => Promise<readonly [Side, Side]>} pair
 * @property {string} [note]
 */

/** How long the holder holds, and the other one stands in line, and how long that is measured, in s. */
const holds = [
  { ms: 5, seconds: 12 },
  { ms: 50, seconds: 14 },
  { ms: 500, seconds: 30 },
]
/** Loops that keep a store busy, each with a lock of its own. */
const busyLoops = 8
const busyMs = 3_600_000

const asking = 'asking every ms'
const node = (/** @type {string} */ kind, /** @type {keyof Stores['targets']} */ store) => ({
  store,
  pair: (/** @type {Stores} */ { targets }) => Worker.pair(kind, targets[store]),
})
const inGo = (/** @type {'etcd' | 'consul'} */ kind) => ({
  pair: (/** @type {Stores} */ stores) => GoWorker.pair(kind, stores[kind].members[0].endpoint),
})

/** The first one of each store is ours. @type {readonly Peer[]} */
const all = [
  { who: 'Leasehold on etcd', ...node('leasehold', 'etcd') },
  { who: "Go's concurrency.Mutex", store: 'etcd', ...inGo('etcd') },
  { who: 'etcdctl lock', store: 'etcd', pair: async ({ etcd }) => [etcdctlLock(etcd), etcdctlLock(etcd)] },
  { who: 'Leasehold on Consul', ...node('leasehold', 'consul') },
  { who: "Go's api.Lock", store: 'consul', ...inGo('consul') },
  {
    who: 'consul lock',
    store: 'consul',
    pair: ({ consul: { members } }) =>
      Promise.all([consulLock(members[0].endpoint), consulLock(members[0].endpoint)]),
    note: 'with the start of its shell',
  },
  { who: 'redlock', ...node('redlock', 'redis'), note: asking },
  { who: 'redis-semaphore', ...node('redis-semaphore', 'redis'), note: asking },
  { who: 'Leasehold on file', ...node('leasehold', 'file') },
  { who: 'proper-lockfile', ...node('proper-lockfile', 'folder'), note: asking },
  { who: 'flock', ...node('flock', 'folder') },
]
const groups = [['etcd'], ['consul'], ['redis'], ['file', 'folder']]

const progress = (/** @type {string} */ line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`)

/** @param {{ json: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json }) {
  const stores = await openStores()
  try {
    const rows = await cycles(stores)
    const peers = stores.hasGo ? all : all.filter(({ who }) => !who.startsWith('Go'))
    rows.push(...(await handOvers(stores, peers, 'idle')))
    for (const group of groups) {
      const busy = await keptBusy(stores, group[0] ?? '')
      const some = peers.filter(({ store }) => group.includes(store))
      rows.push(...(await handOvers(stores, some, 'busy')))
      busy.kill()
    }
    if (!stores.hasGo) rows.push(absent('clients in Go', stores.reason))
    rows.push(absent('etcd3 Lock: hand-over', 'it cannot wait: a taken lock is an error'))
    return render({ title: 'peers', store: stores.described, rows }, json)
  } finally {
    await stores.close()
  }
}

async function openStores() {
  const log = progress
  const reason = await ensurePeers().then(
    () => '',
    (error) => String(error.message ?? error),
  )
  const folder = ownedFolder('leasehold-bench')
  const [etcd, consul, redis] = await Promise.all([
    startEtcd({ log }),
    startConsul({ log }),
    startRedis({ durable: true }),
  ])
  const targets = {
    etcd: `etcd://${etcd.endpoints[0]}/`,
    consul: `consul://${consul.members[0].endpoint}/`,
    redis: redis.url,
    file: pathToFileURL(`${folder.path}/ours/`).href,
    folder: folder.path,
  }
  const described = `etcd ${etcd.version}, Consul ${consul.version}, Redis with appendfsync always, one server each, on this machine`
  const close = () => Promise.all([etcd.close(), consul.close(), redis.close()]).then(folder.remove)
  return { etcd, consul, targets, described, hasGo: reason === '', reason, close }
}

/** One client alone, one lock at a time. @param {Stores} stores */
async function cycles({ etcd, targets, consul, hasGo }) {
  const times = 10
  const kinds = /** @type {const} */ ([
    { who: 'Leasehold on etcd', kind: 'leasehold', target: targets.etcd, of: '' },
    { who: 'etcd3 Lock', kind: 'etcd3', target: etcd.endpoints[0] ?? '', of: 'Leasehold on etcd' },
    { who: 'Leasehold on Consul', kind: 'leasehold', target: targets.consul, of: '' },
    { who: 'redlock', kind: 'redlock', target: targets.redis, of: 'Leasehold on etcd' },
    { who: 'redis-semaphore', kind: 'redis-semaphore', target: targets.redis, of: 'Leasehold on etcd' },
    { who: 'Leasehold on file', kind: 'leasehold', target: targets.file, of: '' },
    { who: 'proper-lockfile', kind: 'proper-lockfile', target: targets.folder, of: 'Leasehold on file' },
    { who: 'flock', kind: 'flock', target: targets.folder, of: 'Leasehold on file' },
  ])
  const open = await Promise.all(
    kinds.map(async ({ kind, target, ...more }) => ({ ...more, client: await contenders[kind]?.(target) })),
  )
  const go = hasGo
    ? await Promise.all([
        GoWorker.open('etcd', etcd.endpoints[0] ?? ''),
        GoWorker.open('consul', consul.members[0].endpoint),
      ])
    : []
  const names = ["Go's concurrency.Mutex", "Go's api.Lock"]
  const references = ['Leasehold on etcd', 'Leasehold on Consul']
  const samples = await inRounds(15, [
    ...open.map(({ who, client }) => ({
      id: who,
      batch: timed(times, () => client?.acquire('peers-cycle').then((release) => release())),
    })),
    ...go.map((worker, index) => ({
      id: names[index] ?? '',
      batch: () => worker.cycles(`peers-cycle-go-${index}`, times),
    })),
  ])
  await Promise.all([...open.map(({ client }) => client?.close()), ...go.map((worker) => worker.close())])
  const rowOf = (/** @type {string} */ who, /** @type {string} */ of) =>
    row(`${who}: acquire + release, free`, samples[who], of ? { reference: [of, samples[of]] } : {})
  return [
    ...open.map(({ who, of }) => rowOf(who, of)),
    ...go.map((_, index) => rowOf(names[index] ?? '', references[index] ?? '')),
  ]
}

/** From one process to another. @param {Stores} stores @param {readonly Peer[]} peers @param {'idle' | 'busy'} state */
async function handOvers(stores, peers, state) {
  const rows = []
  for (const { ms, seconds } of holds) {
    const open = await Promise.all(peers.map(async (peer) => ({ ...peer, workers: await peer.pair(stores) })))
    progress(`${peers.map(({ who }) => who).join(', ')}: held for ${ms} ms, ${state}`)
    const samples = await inRounds(
      state === 'idle' ? seconds : seconds / 2,
      open.map(({ who, workers }, index) => ({
        id: who,
        // A name of its own: all clients of one store would contend for one name.
        batch: handOver(workers, `peers-${state}-${ms}-${index}`, ms),
      })),
    )
    await Promise.all(open.flatMap(({ workers }) => workers.map((worker) => worker.close())))
    for (const { who, store, note = '' } of open) {
      const first = all.find((peer) => peer.store === (store === 'folder' ? 'file' : store))?.who ?? ''
      /** @type {{ reference?: [string, number[] | undefined] }} */
      const how = first === who || store === 'redis' ? {} : { reference: [first, samples[first]] }
      rows.push(row(`${who}: hand-over, held for ${ms} ms, ${state}`, samples[who], { ...how, note }))
    }
  }
  return rows
}

/** A process that takes and releases locks of its own on this store until it is killed. @param {Stores} stores @param {string} store */
async function keptBusy({ targets }, store) {
  const kind = store === 'redis' ? 'redlock' : 'leasehold'
  const worker = await Worker.open(kind, targets[/** @type {keyof Stores['targets']} */ (store)])
  for (let index = 0; index < busyLoops; index += 1)
    worker.loop(`peers-busy-${index}`, busyMs).catch(() => {}) // it is killed
  return worker
}
