// @ts-check
// A process that works as a leader, term after term, and prints its readings: `node worker.mjs INDEX TARGET NAME TTL_MS
// [PRIORITY]`.
// INDEX is the built index.js, TARGET a URL or, in JSON, the options of `consul`. On SIGTERM it ends properly.
const [, , index = '', target = '', name = '', ttlMs = '', priority] = process.argv

/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(index)
/** @returns {Promise<string | import('../../src/contract.ts').BackendSource>} */
async function sourceOf() {
  if (!target.startsWith('{')) return target
  const { consul } = await import(new URL('backends/consul/index.js', `file://${index}`).href)
  return consul(JSON.parse(target))
}

/** @param {object} said Written before anything else runs, so that a kill cannot swallow it. */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)
/** In ms, and the same in all processes of a machine. */
const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000

/**
 * Reads again and again whether the term holds, and takes the time before each reading. So a reading of true proves that
 * the term held at that time, even if the process was stopped in between.
 *
 * @param {import('../../src/index.ts').LedTerm} term
 */
async function work(term) {
  const token = String(term.token)
  const look = (/** @type {string} */ what) => {
    const at = now()
    say({ [what]: at, token, held: term.held })
  }
  look('began')
  const reading = setInterval(look, 5, 'read')
  if (!term.signal.aborted)
    await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(reading)
  look('ended')
}

const polite = new AbortController()
process.on('SIGTERM', () => {
  say({ asked: now() })
  polite.abort()
})
const client = await connect(await sourceOf(), { ttlMs: Number(ttlMs) })
const election = client.election(name)
process.on('SIGUSR1', () => election.drain())
await election.lead(work, {
  ...(priority !== undefined && { priority: Number(priority) }),
  signal: polite.signal,
  value: String(process.pid),
  onWait: (ahead) => say({ waits: ahead }),
  onError: (error) => {
    const { code = 'none', message } = /** @type {Error & { code?: string }} */ (error)
    say({ failed: code, message })
  },
})
await client.close()
