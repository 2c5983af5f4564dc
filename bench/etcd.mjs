// @ts-check
// Leasehold over a real etcd, compared with bare writes, the lock of the npm package etcd3 and `etcdctl lock`. Owns
// the comparisons and the rows; each side is in etcd/ and lib/.
import { Etcd3 } from 'etcd3'
import { startEtcd } from '../tools/servers/run.mjs'
import { bareClient, barePut, etcd3Cycle } from './etcd/clients.mjs'
import { goHandOver } from './etcd/go.mjs'
import { requestsOf } from './etcd/requests.mjs'
import { openWire, untilEvent, wireCycle, wirePut } from './etcd/wire.mjs'
import { connect } from './lib/leasehold.mjs'
import { atATime, inRounds, perSecond, sleep, timed } from './lib/measure.mjs'
import { absent, render, row } from './lib/report.mjs'
import { turns } from './lib/turns.mjs'
import { handOver, Worker } from './lib/workers.mjs'
import { GoWorker } from './peers/go.mjs'

/** @typedef {import('../tools/servers/run.mjs').EtcdCluster} EtcdCluster */
/** @typedef {Awaited<ReturnType<typeof openClients>>} Clients */

/** How long waiters stand in line before a hand-over: a short and a long time. */
const lineMs = { short: 20, long: 150 }

/** @param {{ json: boolean, cluster: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json, cluster }) {
  const etcd = await startEtcd({ members: cluster ? 3 : 1, log: (line) => process.stderr.write(`${line}\n`) })
  const clients = await openClients(etcd)
  try {
    const rows = [
      ...(await cycles(etcd, clients)),
      ...(await handOvers(etcd, clients)),
      ...(await requests(etcd, clients)),
      ...(await throughput(clients)),
      ...(await turns(clients.ours, {
        what: 'bare writes',
        write: wirePut(clients.wire, 'bench-one-write'),
      })),
    ]
    const members = cluster ? 'three members' : 'one member'
    const store = `etcd ${etcd.version}, ${members} on this machine, fsync on`
    return render({ title: 'etcd', store, rows }, json)
  } finally {
    await clients.close()
    await etcd.close()
  }
}

/** @param {EtcdCluster} etcd */
async function openClients(etcd) {
  const [endpoint = ''] = etcd.endpoints
  const url = `etcd://${endpoint}/`
  const [ours, other] = await Promise.all([connect(url), connect(url)])
  const bare = bareClient(endpoint)
  const wire = await openWire(endpoint)
  const etcd3 = new Etcd3({ hosts: `http://${endpoint}` })
  const close = async () => {
    await Promise.all([ours.close(), other.close()])
    bare.close()
    wire.close()
    etcd3.close()
  }
  return { url, ours, other, bare, wire, etcd3, close }
}

/** Go's own client in a process of its own. Undefined where it cannot be built. @param {EtcdCluster} etcd */
async function goClient({ endpoints }) {
  const worker = await GoWorker.open('etcd', endpoints[0] ?? '').catch(() => undefined)
  const times = 10
  const batch = async () => (await worker?.cycles('bench-go', times)) ?? []
  return { isThere: worker !== undefined, batch, close: async () => worker?.close() }
}

/** One client alone, one lock at a time. @param {EtcdCluster} etcd @param {Clients} clients */
async function cycles(etcd, { ours, other, bare, wire, etcd3 }) {
  const put = wirePut(wire, 'bench-put')
  const slowPut = barePut(bare, 'bench-put-etcd3')
  const mutex = ours.mutex('bench-cycle')
  const pool = ours.semaphore('bench-pool', { permits: 4 })
  const taken = ours.mutex('bench-taken')
  await other.mutex('bench-taken').acquire()
  const go = await goClient(etcd)
  const times = 10
  const { one, two, slow, txns, cycle, permit, taking, peer, inGo } = await inRounds(11, [
    { id: 'one', batch: timed(times, put) },
    { id: 'two', batch: timed(times, () => put().then(put)) },
    { id: 'slow', batch: timed(times, () => slowPut().then(slowPut)) },
    { id: 'txns', batch: timed(times, await wireCycle(wire, 'bench-bare')) },
    { id: 'cycle', batch: timed(times, () => mutex.acquire().then((hold) => hold.release())) },
    { id: 'permit', batch: timed(times, () => pool.acquire().then((hold) => hold.release())) },
    { id: 'taking', batch: timed(times, () => taken.tryAcquire()) },
    { id: 'peer', batch: timed(times, etcd3Cycle(etcd3, 'bench-etcd3')) },
    { id: 'inGo', batch: go.batch },
  ])
  await go.close()
  const ourCycle = /** @type {const} */ (['our mutex', cycle])
  const twoWrites = /** @type {const} */ (['two bare writes', two])
  return [
    row('bare write (put)', one),
    row('two bare writes, one after the other', two),
    row('the same over etcd3', slow, { reference: [...twoWrites] }),
    row('the two transactions of our cycle, bare', txns, { reference: [...twoWrites] }),
    row('Leasehold mutex: acquire + release, free', cycle, { reference: [...twoWrites], note: 'aim: 1.10' }),
    row('Leasehold semaphore: acquire + release, free', permit, { reference: [...twoWrites] }),
    row('etcd3 Lock: acquire + release, free', peer, { reference: [...ourCycle], note: 'aim: 2.5' }),
    go.isThere
      ? row("Go's concurrency.Mutex: acquire + release, free", inGo, {
          reference: [...ourCycle],
          note: 'aim: 0.87',
        })
      : absent("Go's concurrency.Mutex: acquire + release, free", 'Go 1.26 is not there'),
    row('Leasehold mutex: tryAcquire of a taken one', taking, { reference: ['a bare write', one] }),
  ]
}

/** From one process to another. @param {EtcdCluster} etcd @param {Clients} clients */
async function handOvers(etcd, { url, bare, wire }) {
  const workers = await Worker.pair('leasehold', url)
  const candidates = await Worker.pair('election', url)
  const standing = async (/** @type {string} */ name) => {
    const range = { key: Buffer.from(`${name}/`), range_end: Buffer.from(`${name}0`), count_only: true }
    return Number((await bare.kv.range(range)).count)
  }
  const go = (/** @type {number} */ ms) => goHandOver(etcd, `bench-go-${ms}`, { lineMs: ms, standing })
  const our = (/** @type {number} */ ms) => handOver(workers, `bench-hand-${ms}`, ms)
  const put = barePut(bare, 'bench-quiet')
  const quiet = async () => {
    await sleep(lineMs.short)
    return timed(1, put)()
  }
  const listener = await openWire(etcd.endpoints[0] ?? '')
  const told = untilEvent(wire, listener, 'bench-event')
  const heard = async () => {
    await sleep(lineMs.short)
    return timed(1, told)()
  }
  const { quietPut, event, short, goShort, long, goLong, term } = await inRounds(12, [
    { id: 'quietPut', batch: quiet },
    { id: 'event', batch: heard },
    { id: 'short', batch: our(lineMs.short) },
    { id: 'goShort', batch: go(lineMs.short) },
    { id: 'long', batch: our(lineMs.long) },
    { id: 'goLong', batch: go(lineMs.long) },
    { id: 'term', batch: handOver(candidates, 'bench-term', lineMs.long) },
  ])
  listener.close()
  await Promise.all([...workers, ...candidates].map((worker) => worker.close()))
  const title = (/** @type {string} */ who, /** @type {number} */ ms) => `${who}: hand-over, ${ms} ms in line`
  const reference = /** @type {const} */ (['a write until its event', event])
  return [
    row(`bare write (put), after a pause of ${lineMs.short} ms`, quietPut),
    row(`bare write until its event, after a pause of ${lineMs.short} ms`, event),
    row(title('Leasehold mutex', lineMs.short), short, { reference: [...reference] }),
    row(title('etcdctl lock (Go)', lineMs.short), goShort, { reference: [...reference] }),
    row(title('Leasehold mutex', lineMs.long), long, { reference: [...reference] }),
    row(title('etcdctl lock (Go)', lineMs.long), goLong, { reference: [...reference] }),
    row(title('Leasehold election', lineMs.long), term, { reference: [...reference] }),
    absent('etcd3 Lock: hand-over', 'it cannot wait: a taken lock is an error'),
  ]
}

/** Counted by the servers. @param {EtcdCluster} etcd @param {Clients} clients */
async function requests(etcd, { ours, other, etcd3 }) {
  const times = 50
  const count = async (/** @type {string} */ what, /** @type {() => Promise<unknown>} */ run) => {
    await run()
    const sum = await requestsOf(etcd, async () => {
      for (let time = 0; time < times; time += 1) await run()
    })
    return { ...row(what, [sum / times], { unit: 'requests' }), n: times }
  }
  const mutex = ours.mutex('bench-count')
  const theirs = other.mutex('bench-count')
  return [
    await count('Leasehold mutex: free cycle', () => mutex.acquire().then((hold) => hold.release())),
    await count('etcd3 Lock: free cycle', etcd3Cycle(etcd3, 'bench-count-etcd3')),
    await count('Leasehold mutex: a cycle, and one that waits for it', async () => {
      const hold = await theirs.acquire()
      const waiting = mutex.acquire()
      await sleep(lineMs.short)
      await hold.release()
      await (await waiting).release()
    }),
  ]
}

/** Many names at once, in one client. @param {Clients} clients */
async function throughput({ ours, wire, etcd3 }) {
  const ms = 400
  const our = (/** @type {string} */ name) => {
    const mutex = ours.mutex(name)
    return () => mutex.acquire().then((hold) => hold.release())
  }
  const two = (/** @type {string} */ name) => {
    const put = wirePut(wire, name)
    return () => put().then(put)
  }
  const their = (/** @type {string} */ name) => etcd3Cycle(etcd3, `etcd3-${name}`)
  const rows = []
  for (const count of [1, 32, 128, 256]) {
    /** @type {number[][]} */
    const [spent, ourSpent, theirSpent] = [[], [], []]
    const bareCycles = await Promise.all(
      Array.from({ length: count }, (_, index) => wireCycle(wire, `bench-bare-${index}`)),
    )
    const { pairs, txns, cycle, peer } = await inRounds(4, [
      { id: 'pairs', batch: atATime(ms, count, two, spent) },
      { id: 'txns', batch: perSecond(ms, bareCycles) },
      { id: 'cycle', batch: atATime(ms, count, our, ourSpent) },
      { id: 'peer', batch: atATime(ms, count, their, theirSpent) },
    ])
    /** @type {{ reference: [string, number[] | undefined] }} */
    const of = { reference: ['two bare writes', pairs] }
    /** @type {{ unit: string, reference: [string, number[] | undefined] }} */
    const ofSpent = { unit: 'µs', reference: ['two bare writes', spent] }
    rows.push(
      row(`two bare writes, ${count} at a time`, pairs, { unit: '/s' }),
      row(`the two transactions of our cycle, bare, ${count} at a time`, txns, { unit: '/s', ...of }),
      row(`Leasehold mutex: free cycles, ${count} names at a time`, cycle, { unit: '/s', ...of }),
      row(`etcd3 Lock: free cycles, ${count} names at a time`, peer, { unit: '/s', ...of }),
      row(`processor time of two bare writes, ${count} at a time`, spent, { unit: 'µs' }),
      row(`processor time of a Leasehold cycle, ${count} at a time`, ourSpent, ofSpent),
      row(`processor time of a cycle of etcd3's Lock, ${count} at a time`, theirSpent, ofSpent),
    )
  }
  return rows
}
