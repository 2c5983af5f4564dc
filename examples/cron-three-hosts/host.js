// One host of three. All have the same schedule, and each tick runs on one of them.
import { connect } from 'leasehold'

const host = process.argv[2] ?? 'host'
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

const leasehold = await connect()
const guard = leasehold.cron('three-hosts', { schedule: '* * * * * *', timezone: 'UTC' }) // six fields: each second
await guard.start(work, {
  signal: stop.signal,
  graceMs: 5_000, // how long a job may take to end after a signal
  onTick: ({ ran, tick }) => ran || console.log(`${host} ${tick.toISOString()} is left to another host`),
  onError: (error) => console.error(host, error),
})
await leasehold.close()

/**
 * @param {import('leasehold').Hold} hold
 * @param {Date} tick
 */
async function work(hold, tick) {
  console.log(`${host} ${tick.toISOString()} runs, fenced by token ${hold.token}`)
  await fetch('data:,', { signal: hold.signal }) // the work; it stops when the lock is lost
}
