// @ts-check
// Leasehold over a store in memory, which answers at once, so that only the time of Leasehold's code is left. Owns the
// measurements; there is nothing to compare them with.
import { connect } from './lib/leasehold.mjs'
import { inRounds, meanOf, sleep } from './lib/measure.mjs'
import { render, row } from './lib/report.mjs'
import { withAndWithoutEvents } from './lib/without-events.mjs'

const built = new URL('../dist/backends/memory/index.js', import.meta.url)
const { memory } = /** @type {typeof import('../src/backends/memory/index.ts')} */ (await import(built.href))

/** @param {{ json: boolean }} options @returns {Promise<string>} what to print */
export default async function bench({ json }) {
  const before = await awaits()
  const events = await eventsOf()
  const source = memory()
  const [one, other] = await Promise.all([connect(source), connect(source)])
  const [ours, theirs] = [one.mutex('bench-hand'), other.mutex('bench-hand')]
  const mutex = one.mutex('bench-cycle')
  const pool = one.semaphore('bench-pool', { permits: 4 })
  const [rw, theirRw] = [one.rwlock('bench-rw'), other.rwlock('bench-rw')]
  const both = one.mutexes(['bench-a', 'bench-b'])
  const forms = await inRounds(10, [
    { id: 'heavy', batch: meanOf(1_000, () => pool.acquire({ permits: 3 }).then((hold) => hold.release())) },
    { id: 'read', batch: meanOf(1_000, () => rw.read.acquire().then((hold) => hold.release())) },
    { id: 'write', batch: meanOf(1_000, () => rw.write.acquire().then((hold) => hold.release())) },
    { id: 'both', batch: meanOf(500, () => both.acquire().then((hold) => hold.release())) },
    { id: 'writers', batch: meanOf(500, () => crossOver(rw.write, theirRw.write)) },
  ])
  const { cycle, permit, hand } = await inRounds(10, [
    { id: 'cycle', batch: meanOf(1_000, () => mutex.acquire().then((hold) => hold.release())) },
    { id: 'permit', batch: meanOf(1_000, () => pool.acquire().then((hold) => hold.release())) },
    { id: 'hand', batch: meanOf(500, () => crossOver(ours, theirs)) },
  ])
  // Runs come last: while they go on, and a second longer, Node before 24 makes every promise of the process slower.
  const { run, signal, under } = await inRounds(5, [
    { id: 'run', batch: meanOf(1_000, () => mutex.run(() => {})) },
    { id: 'signal', batch: meanOf(1_000, () => mutex.run((hold) => hold.signal.aborted)) },
    { id: 'under', batch: () => mutex.run(() => awaits(1)) },
  ])
  await sleep(1_500)
  const after = await awaits()
  await Promise.all([one.close(), other.close()])
  const µs = { unit: 'µs', times: 1_000 }
  const ns = { unit: 'ns', times: 1_000_000 }
  const reference = /** @type {[string, number[] | undefined]} */ (['a free cycle', cycle])
  const rows = [
    row('Leasehold mutex: acquire + release, free', cycle, µs),
    row('Leasehold semaphore: acquire + release, free', permit, { ...µs, reference }),
    row('Leasehold mutex: run, free', run, { ...µs, reference }),
    row('Leasehold mutex: run, with hold.signal', signal, { ...µs, reference }),
    row('Leasehold mutex: two cycles and a hand-over', hand, { ...µs, reference }),
    row('Leasehold semaphore: three of four permits, free', forms.heavy, { ...µs, reference }),
    row('Leasehold reader: acquire + release, free', forms.read, { ...µs, reference }),
    row('Leasehold writer: acquire + release, free', forms.write, { ...µs, reference }),
    row('Leasehold, two mutexes at once: acquire + release, free', forms.both, { ...µs, reference }),
    row('Leasehold writers: two cycles and a hand-over', forms.writers, { ...µs, reference }),
    row('a free cycle, with the events taken out of the code', events.without, µs),
    row('a free cycle, with events to which nobody listens', events.with, {
      ...µs,
      reference: ['one without events', events.without],
    }),
    row('an await of an async function, before the first run', before, ns),
    row('the same inside a run', under, { ...ns, reference: ['one before', before] }),
    row('the same a second and a half after the last run', after, {
      ...ns,
      reference: ['one before', before],
    }),
  ]
  return render({ title: 'memory', store: 'a store in this process', rows }, json)
}

/** The time of one await of an async function. @param {number} [batches] */
async function awaits(batches = 40) {
  const nothing = async () => {}
  const batch = meanOf(20_000, nothing)
  await batch()
  const samples = []
  for (let round = 0; round < batches; round += 1) samples.push(...(await batch()))
  return samples
}

/** The free cycle of a mutex with the events of the client, to which nobody listens, and without them. */
async function eventsOf() {
  const { withEvents, without, end } = await withAndWithoutEvents()
  const cycle = (/** @type {import('../src/index.ts').Lock} */ lock) =>
    meanOf(1_000, () => lock.acquire().then((hold) => hold.release()))
  try {
    return await inRounds(10, [
      { id: 'with', batch: cycle(withEvents) },
      { id: 'without', batch: cycle(without) },
    ])
  } finally {
    await end()
  }
}

/**
 * One client holds; the other waits and gets the lock.
 *
 * @param {import('../src/index.ts').Lock} first
 * @param {import('../src/index.ts').Lock} second
 */
async function crossOver(first, second) {
  const hold = await first.acquire()
  const waiting = second.acquire()
  await hold.release()
  await (await waiting).release()
}
