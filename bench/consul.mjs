// @ts-check
// Leasehold over a real Consul, compared with raw writes, a lock by hand over npm consul, and `consul lock`. Owns the
// comparisons and the rows; each side is in consul/ and lib/.
import { startConsul } from '../tools/servers/run.mjs'
import { bareClient, bareCycle, bareSession, handWritten, rawWrite } from './consul/bare.mjs'
import { commands, inLine } from './consul/commands.mjs'
import { startRelay } from './consul/relay.mjs'
import { openCrowd } from './lib/crowd.mjs'
import { connect } from './lib/leasehold.mjs'
import { atATime, inRounds, sleep, timed } from './lib/measure.mjs'
import { render, row } from './lib/report.mjs'
import { turns } from './lib/turns.mjs'
import { handOver, Worker } from './lib/workers.mjs'

/** @typedef {Awaited<ReturnType<typeof openClients>>} Clients */
/** @typedef {import('./lib/report.mjs').Reference} Reference */

/** How long waiters stand in line before a hand-over: a short and a long time. */
const lineMs = { short: 20, long: 150 }
/** The number of contenders in one process, and as processes. */
const crowd = { clients: 100, commands: 8 }
/** Go's client sleeps this long after some lost races. */
const stallMs = 5_000
/** A server takes 200 connections from one address, a crowd of clients has more. */
const config = { limits: { http_max_conns_per_client: 2_000 } }

/** @param {{ json: boolean, cluster: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json, cluster }) {
  const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)
  const consul = await startConsul({ servers: cluster ? 3 : 1, config, log })
  const clients = await openClients(consul.members[0].endpoint)
  try {
    const rows = [
      ...(await cycles(clients)),
      ...(await handOvers(clients)),
      ...(await processes(clients)),
      ...(await requests(clients)),
      ...(await crowds(clients)),
      ...(await crowdsOfProcesses(clients)),
      ...(await throughput(clients)),
      ...(await turns(clients.ours, {
        what: 'raw writes',
        write: rawWrite(clients.bare, 'bench-one-write'),
      })),
    ]
    const servers = cluster ? 'three servers' : 'one server'
    const store = `Consul ${consul.version}, ${servers} on this machine, persistent`
    return render({ title: 'consul', store, rows }, json)
  } finally {
    await clients.close()
    await consul.close()
  }
}

/** @param {string} endpoint */
async function openClients(endpoint) {
  const relay = await startRelay(endpoint)
  const [ours, other] = await Promise.all([connect(urlOf(endpoint)), connect(urlOf(endpoint))])
  const bare = bareClient(endpoint)
  const byHand = handWritten(bare, await bareSession(bare))
  const close = async () => {
    await Promise.all([ours.close(), other.close()])
    bare.destroy()
    await relay.close()
  }
  return { endpoint, relay, ours, other, bare, byHand, close }
}

/** @param {string} endpoint */
const urlOf = (endpoint) => `consul://${endpoint}/`

/** One client alone, one lock at a time. @param {Clients} clients */
async function cycles({ ours, other, bare, byHand }) {
  const write = rawWrite(bare, 'bench-write')
  const mutex = ours.mutex('bench-cycle')
  const pool = ours.semaphore('bench-pool', { permits: 4 })
  const taken = ours.mutex('bench-taken')
  await other.mutex('bench-taken').acquire()
  const times = 10
  const { one, two, hand, txns, cycle, permit, taking } = await inRounds(12, [
    { id: 'one', batch: timed(times, write) },
    { id: 'two', batch: timed(times, () => write().then(write)) },
    { id: 'hand', batch: timed(times, () => byHand.acquire('bench').then((release) => release())) },
    { id: 'txns', batch: timed(times, await bareCycle(bare, 'bench-bare')) },
    { id: 'cycle', batch: timed(times, () => mutex.acquire().then((hold) => hold.release())) },
    { id: 'permit', batch: timed(times, () => pool.acquire().then((hold) => hold.release())) },
    { id: 'taking', batch: timed(times, () => taken.tryAcquire()) },
  ])
  /** @type {{ reference: Reference }} */
  const ofTwo = { reference: ['two raw writes', two] }
  return [
    row('raw write (kv.set)', one),
    row('two raw writes, one after the other', two),
    row('by hand over npm consul: acquire + release, free', hand, ofTwo),
    row('the two transactions of our cycle, bare', txns, ofTwo),
    row('Leasehold mutex: acquire + release, free', cycle, { ...ofTwo, note: 'aim: 1.20' }),
    row('Leasehold semaphore: acquire + release, free', permit, ofTwo),
    row('Leasehold mutex: tryAcquire of a taken one', taking, { reference: ['a raw write', one] }),
  ]
}

/** From one process to another. @param {Clients} clients */
async function handOvers({ endpoint, bare }) {
  const [ours, candidates, hands] = await Promise.all([
    Worker.pair('leasehold', urlOf(endpoint)),
    Worker.pair('election', urlOf(endpoint)),
    Worker.pair('consul', endpoint),
  ])
  const over = (/** @type {[Worker, Worker]} */ workers, /** @type {number} */ ms) =>
    handOver(workers, `bench-hand-over-${ms}`, ms)
  const write = rawWrite(bare, 'bench-quiet')
  const quiet = async () => {
    await sleep(lineMs.short)
    return timed(1, write)()
  }
  const { quietWrite, short, shortByHand, long, longByHand, term } = await inRounds(12, [
    { id: 'quietWrite', batch: quiet },
    { id: 'short', batch: over(ours, lineMs.short) },
    { id: 'shortByHand', batch: over(hands, lineMs.short) },
    { id: 'long', batch: over(ours, lineMs.long) },
    { id: 'longByHand', batch: over(hands, lineMs.long) },
    { id: 'term', batch: handOver(candidates, 'bench-term', lineMs.long) },
  ])
  await Promise.all([...ours, ...candidates, ...hands].map((worker) => worker.close()))
  const title = (/** @type {string} */ who, /** @type {number} */ ms) => `${who}: hand-over, ${ms} ms in line`
  /** @type {{ reference: Reference }} */
  const ofWrite = { reference: ['a raw write after a pause', quietWrite] }
  return [
    row(`raw write, after a pause of ${lineMs.short} ms`, quietWrite),
    row(title('Leasehold mutex', lineMs.short), short, ofWrite),
    row(title('by hand over npm consul', lineMs.short), shortByHand, ofWrite),
    row(title('Leasehold mutex', lineMs.long), long, ofWrite),
    row(title('by hand over npm consul', lineMs.long), longByHand, ofWrite),
    row(title('Leasehold election', lineMs.long), term, ofWrite),
  ]
}

/** Whole commands, start-up included. @param {Clients} clients */
async function processes({ endpoint }) {
  const { nothing, node, consulLock, leaseholdRun } = await commands()
  const samples = await inRounds(8, [
    { id: 'nothing', batch: timed(1, nothing) },
    { id: 'node', batch: timed(1, node) },
    { id: 'theirs', batch: timed(1, consulLock(endpoint, 'bench-process')) },
    { id: 'ours', batch: timed(1, leaseholdRun(endpoint, 'bench-process')) },
  ])
  const { theirs } = samples
  return [
    row('process: true', samples.nothing),
    row('process: node -e 0', samples.node),
    row('process: consul lock NAME true', theirs),
    row('process: leasehold run NAME -- true', samples.ours, { reference: ['consul lock', theirs] }),
  ]
}

/** Counted by a relay in front of Consul. @param {Clients} clients */
async function requests({ relay }) {
  const [ours, other] = await Promise.all([connect(urlOf(relay.endpoint)), connect(urlOf(relay.endpoint))])
  const times = 50
  const count = async (/** @type {string} */ what, /** @type {() => Promise<unknown>} */ run) => {
    await run()
    const sum = await relay.requestsOf(async () => {
      for (let time = 0; time < times; time += 1) await run()
    })
    return { ...row(what, [sum / times], { unit: 'requests' }), n: times }
  }
  const mutex = ours.mutex('bench-count')
  const theirs = other.mutex('bench-count')
  const pool = ours.semaphore('bench-count-pool', { permits: 4 })
  const rows = [
    await count('Leasehold mutex: free cycle', () => mutex.acquire().then((hold) => hold.release())),
    await count('Leasehold semaphore: free cycle', () => pool.acquire().then((hold) => hold.release())),
    await count('Leasehold mutex: a cycle, and one that waits for it', async () => {
      const hold = await theirs.acquire()
      const waiting = mutex.acquire()
      await sleep(lineMs.short)
      await hold.release()
      await (await waiting).release()
    }),
  ]
  await Promise.all([ours.close(), other.close()])
  return rows
}

/** Many clients that want one lock, once each. @param {Clients} clients */
async function crowds({ endpoint, relay }) {
  const { clients } = crowd
  const name = 'bench-crowd'
  const perContender = async (/** @type {string} */ kind, /** @type {string} */ target) => {
    const counted = await openCrowd(kind, target, clients)
    const sum = await relay.requestsOf(() => counted.race(name))
    await counted.close()
    return [sum / clients]
  }
  const [ours, herd] = await Promise.all([
    openCrowd('leasehold', urlOf(endpoint), clients),
    openCrowd('consul', endpoint, clients),
  ])
  const { time, timeOfHerd } = await inRounds(10, [
    { id: 'time', batch: async () => [await ours.race(name)] },
    { id: 'timeOfHerd', batch: async () => [await herd.race(name)] },
  ])
  await Promise.all([ours.close(), herd.close()])
  const counts = await perContender('leasehold', urlOf(relay.endpoint))
  const countsOfHerd = await perContender('consul', relay.endpoint)
  const title = (/** @type {string} */ who) => `${who}: ${clients} contenders, once each`
  const [we, they] = [title('Leasehold mutex'), title('by hand over npm consul')]
  return [
    row(we, time),
    row(they, timeOfHerd, { reference: ['Leasehold', time] }),
    requestRow(we, counts),
    requestRow(they, countsOfHerd, ['Leasehold', counts]),
  ]
}

/** The same with processes. @param {Clients} clients */
async function crowdsOfProcesses({ relay, other, bare }) {
  const { consulLock, leaseholdRun } = await commands()
  const name = 'bench-commands'
  const hold = async () => {
    const hold = await other.mutex(name).acquire()
    return () => hold.release()
  }
  const sessions = async () => (await bare.session.list()).length
  /** @type {{ ours: number[], theirs: number[] }} */
  const counts = { ours: [], theirs: [] }
  const batch =
    (/** @type {'ours' | 'theirs'} */ who, /** @type {() => Promise<void>} */ command) => async () => {
      let ms = Number.NaN
      const sum = await relay.requestsOf(async () => {
        ms = await inLine(crowd.commands, command, { hold, sessions })
      })
      counts[who].push(sum / crowd.commands)
      return [ms]
    }
  const { ours, theirs } = await inRounds(15, [
    { id: 'ours', batch: batch('ours', leaseholdRun(relay.endpoint, name)) },
    { id: 'theirs', batch: batch('theirs', consulLock(relay.endpoint, name)) },
  ])
  const title = (/** @type {string} */ who) => `${who}: ${crowd.commands} processes in line, once each`
  const [we, they] = [title('leasehold run'), title('consul lock')]
  const tellStalls = (/** @type {number[]} */ samples = []) =>
    `${samples.filter((ms) => ms > stallMs).length} of ${samples.length} took more than ${stallMs / 1_000} s`
  return [
    row(we, ours, { note: tellStalls(ours) }),
    row(they, theirs, { note: tellStalls(theirs) }), // no ratio: it would only compare the number of sleeps
    requestRow(we, counts.ours),
    requestRow(they, counts.theirs, ['leasehold run', counts.ours]),
  ]
}

/** Many names at once, in one client. @param {Clients} clients */
async function throughput({ ours, bare, byHand }) {
  const ms = 400
  const our = (/** @type {string} */ name) => {
    const mutex = ours.mutex(name)
    return () => mutex.acquire().then((hold) => hold.release())
  }
  const two = (/** @type {string} */ name) => {
    const write = rawWrite(bare, name)
    return () => write().then(write)
  }
  const hand = (/** @type {string} */ name) => () => byHand.acquire(name).then((release) => release())
  const rows = []
  for (const count of [1, 32, 64, 128, 256]) {
    const { pairs, cycle, hands } = await inRounds(4, [
      { id: 'pairs', batch: atATime(ms, count, two) },
      { id: 'cycle', batch: atATime(ms, count, our) },
      { id: 'hands', batch: atATime(ms, count, hand) },
    ])
    /** @type {{ unit: string, reference: Reference }} */
    const ofTwo = { unit: '/s', reference: ['two raw writes', pairs] }
    rows.push(
      row(`two raw writes, ${count} at a time`, pairs, { unit: '/s' }),
      row(`Leasehold mutex: free cycles, ${count} at a time`, cycle, ofTwo),
      row(`by hand over npm consul: free cycles, ${count} at a time`, hands, ofTwo),
    )
  }
  return rows
}

/** Requests of each contender. @param {string} what @param {number[]} counts @param {Reference} [reference] */
function requestRow(what, counts, reference) {
  const how = { unit: 'requests', note: 'each', ...(reference ? { reference } : {}) }
  return { ...row(what, counts, how), p99: null }
}
