// A worker of which one at a time does the work, with probes for Kubernetes, a balancer or systemd. Ends by SIGTERM: first the
// work, then the leadership.
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'leasehold'

const { PORT = '8086', HOST = '127.0.0.1' } = process.env
const name = 'leader-example'
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

const leasehold = await connect()
const election = leasehold.election(name)

const server = createServer((request, response) => {
  const health = leasehold.health() // computed from the clock, without a request
  const part = health.elections.find((candidate) => candidate.name === name)?.part
  const answers = {
    // Not well: its term is over and it still works, or it is no candidate any more. Then a restart helps.
    '/healthz': part !== undefined && part !== 'overdue',
    '/readyz': part === 'leader' || part === 'standby',
    '/leader': part === 'leader',
  }
  const isWell = answers[/** @type {keyof typeof answers} */ (request.url ?? '')] ?? false
  response.writeHead(isWell ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health))
})
server.listen(Number(PORT), HOST)

// Campaigns, works, and campaigns again after a loss or an error, until the signal aborts.
await election.lead(work, {
  value: `${HOST}:${PORT}`,
  signal: stop.signal,
  graceMs: 5_000,
  onError: console.error,
})
await leasehold.close()
server.close()
server.closeAllConnections()

/** @param {import('leasehold').LedTerm} term */
async function work(term) {
  console.log(`${PORT} leads, term ${term.token}`)
  while (!term.signal.aborted) {
    term.assertHeld(500) // throws unless at least 500 ms remain
    await setTimeout(100, undefined, { signal: term.signal }).catch(() => {}) // a piece of the work
  }
  console.log(`${PORT} leads no longer`)
}
