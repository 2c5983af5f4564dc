// @ts-check
// A process that keeps the schedule of one cron job, and prints all that it runs and is told: `node cron-host.mjs INDEX URL
// NAME SCHEDULE`. INDEX is the built index.js. On SIGTERM it ends properly.
const [, , index = '', url, name = '', schedule] = process.argv
/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(index)

/** @param {object} said */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())

const client = await connect(url)
const guard = client.cron(name, {
  schedule,
  timezone: 'UTC',
  onMissed: (missed, since) => say({ missed, since }),
})
say({ up: new Date() })
await guard.start((_hold, tick) => say({ ran: tick, at: new Date() }), {
  signal: stop.signal,
  onError: (error) => {
    const { name, message, tickMs } = /** @type {Error & { tickMs?: number }} */ (error)
    say({ told: name, message, tickMs, at: new Date() })
  },
})
await client.close()
