// @ts-check
// Leasehold in a folder of this machine, compared with bare SQLite and proper-lockfile. Owns the comparisons and the
// rows; each side is in file/ and lib/.
import { pathToFileURL } from 'node:url'
import { ownedFolder } from '../tools/servers/children.mjs'
import { bareTransactions } from './file/bare.mjs'
import { contenders } from './lib/contenders.mjs'
import { connect } from './lib/leasehold.mjs'
import { inRounds, meanOf, sleep, timed } from './lib/measure.mjs'
import { absent, render, row } from './lib/report.mjs'
import { costOfWaiting, handOver, Worker } from './lib/workers.mjs'

/** How long a waiter stands in line before a hand-over or a crash. */
const lineMs = 20

/** @param {{ json: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json }) {
  const folder = ownedFolder('leasehold-bench')
  const url = pathToFileURL(`${folder.path}/ours/`).href
  const bare = await bareTransactions(folder.path)
  try {
    const rows = [
      ...(await cycles(url, folder.path, bare.run)),
      ...(await handOvers(url, folder.path)),
      ...(await takeOvers(url)),
      ...(await contention(url, folder.path)),
    ]
    return render({ title: 'file', store: `${bare.driver}, WAL, synchronous NORMAL`, rows }, json)
  } finally {
    bare.close()
    await folder.remove()
  }
}

/** One process alone. @param {string} url @param {string} directory @param {() => void} bare */
async function cycles(url, directory, bare) {
  const [client, other] = await Promise.all([connect(url), connect(url)])
  const peer = await contenders['proper-lockfile']?.(directory)
  const mutex = client.mutex('bench-cycle')
  const taken = client.mutex('bench-taken')
  await other.mutex('bench-taken').acquire()
  const cycle = () => mutex.acquire().then((hold) => hold.release())
  const their = () => peer?.acquire('bench-cycle').then((release) => release())
  const {
    bare: two,
    ours,
    bareMean,
    oursMean,
    peer: theirs,
    refusal,
  } = await inRounds(12, [
    { id: 'bare', batch: timed(200, bare) },
    { id: 'ours', batch: timed(200, cycle) },
    { id: 'bareMean', batch: meanOf(200, bare) },
    { id: 'oursMean', batch: meanOf(200, cycle) },
    { id: 'peer', batch: timed(20, their) },
    { id: 'refusal', batch: timed(50, () => taken.tryAcquire()) },
  ])
  await Promise.all([client.close(), other.close()])
  const µs = { unit: 'µs', times: 1_000 }
  const reference = /** @type {[string, number[] | undefined]} */ (['bare', two])
  const rate = (/** @type {number[]} */ ms = []) => ms.map((each) => 1_000 / each)
  const bareRate = rate(bareMean)
  return [
    row('bare SQLite: two transactions', two, µs),
    row('Leasehold mutex: acquire + release, free', ours, { ...µs, reference }),
    row('proper-lockfile: lock + release, free', theirs, { ...µs, reference }),
    row('Leasehold mutex: tryAcquire of a taken one', refusal, { ...µs, reference }),
    row('bare SQLite: in a loop', bareRate, { unit: '/s' }),
    row('Leasehold mutex: in a loop', rate(oursMean), {
      unit: '/s',
      reference: ['bare', bareRate],
      note: 'aim: 0.85',
    }),
  ]
}

/** From one process to another. @param {string} url @param {string} directory */
async function handOvers(url, directory) {
  const our = await Worker.pair('leasehold', url)
  const their = await Worker.pair('proper-lockfile', directory)
  const { ours, peer } = await inRounds(8, [
    { id: 'ours', batch: handOver(our, 'bench-hand', lineMs) },
    { id: 'peer', batch: handOver(their, 'bench-hand', lineMs) },
  ])
  const ourCost = await costOfWaiting(our, 'bench-wait', 2)
  const ourRest = await costOfWaiting(our, 'bench-rest', 3, 5_000)
  const theirCost = await costOfWaiting(their, 'bench-wait', 2)
  await Promise.all([...our, ...their].map((worker) => worker.close()))
  const perSecond = { unit: 'ms/s', note: 'processor time' }
  const reference = /** @type {[string, number[] | undefined]} */ (['Leasehold', ours])
  return [
    row('Leasehold mutex: hand-over', ours),
    row('proper-lockfile: hand-over', peer, { reference, note: 'asking every ms' }),
    row('Leasehold mutex: one who waits', [ourCost], perSecond),
    row('Leasehold mutex: one at rest, from 5 to 8 s', [ourRest], perSecond),
    row('proper-lockfile: one who waits', [theirCost], perSecond),
  ]
}

/** From a process that is killed to one that waits. @param {string} url */
async function takeOvers(url) {
  const waiter = await Worker.open('leasehold', url)
  const samples = []
  for (let time = 0; time < 20; time += 1) {
    const name = `bench-crash-${time}`
    const holder = await Worker.open('leasehold', url)
    await holder.acquire(name)
    const acquired = waiter.acquire(name)
    await sleep(lineMs)
    const killed = holder.kill()
    samples.push((await acquired) - killed)
    await waiter.release(name)
  }
  await waiter.close()
  return [
    row('Leasehold mutex: take-over after SIGKILL', samples),
    absent(
      'proper-lockfile: take-over after SIGKILL',
      'when the lock file is stale: 10 s by default, 2 s at least',
    ),
  ]
}

/** Four processes that do nothing except take and release the lock. @param {string} url @param {string} directory */
async function contention(url, directory) {
  const rows = []
  for (const [kind, target] of /** @type {const} */ ([
    ['leasehold', url],
    ['proper-lockfile', directory],
  ])) {
    const workers = await Promise.all([1, 2, 3, 4].map(() => Worker.open(kind, target)))
    const seconds = 5
    const counts = await Promise.all(workers.map((worker) => worker.loop('bench-loop', 1_000 * seconds)))
    await Promise.all(workers.map((worker) => worker.close()))
    const sum = counts.reduce((total, count) => total + count)
    const shares = counts.map((count) => Math.round((100 * count) / sum))
    const note = `shares of the processes from ${Math.min(...shares)} to ${Math.max(...shares)} %`
    rows.push(row(`${kind}: four processes in a loop`, [sum / seconds], { unit: '/s', note }))
  }
  return rows
}
