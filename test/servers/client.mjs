// @ts-check
// A Leasehold client that reads commands, one JSON array per line, and prints their results. Arguments: the built
// index.js, the URL, the options of connect. It never calls process.exit: its end is part of the test.
import { createInterface } from 'node:readline'

const [, , index = '', url, options = '{}'] = process.argv
/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(index)
/** @param {object} said */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)
/** Monotonic, and the same in all processes of a machine. */
const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000

/**
 * Blocks the event loop, as a long computation does, but leaves the core to others.
 * @param {number} ms
 */
const standStill = (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const client = await connect(url, JSON.parse(options))
/** @type {Map<string, import('../../src/index.ts').Hold>} */
const holds = new Map()
/** @param {string} name */
const holdOf = (name) => {
  const hold = holds.get(name)
  if (!hold) throw new Error(`no hold on ${name}`)
  return hold
}
say({ connected: now() })

/** @type {Record<string, (...words: string[]) => unknown>} */
const verbs = {
  async acquire(name = '', acquireOptions = '{}') {
    const hold = await client.mutex(name).acquire(JSON.parse(acquireOptions))
    holds.set(name, hold)
    hold.signal.addEventListener('abort', () => say({ lost: now(), code: hold.signal.reason.code }))
    say({ held: now(), token: String(hold.token) })
  },
  async release(name = '') {
    await holdOf(name).release()
    say({ released: now() })
  },
  /** Keeps the event loop from running, and looks on the very next line. */
  block(name = '', ms = '0') {
    const hold = holdOf(name)
    const { signal } = hold
    standStill(Number(ms))
    say({ aborted: signal.aborted, held: hold.held, left: hold.remainingMs })
  },
  /** Reads the clock every ms, without the event loop. After a gap, which means that it was stopped, it prints the state at once. */
  spin(name = '', gapMs = '0') {
    const hold = holdOf(name)
    const { signal } = hold
    let last = now()
    say({ spinning: last })
    for (;;) {
      standStill(1)
      const at = now()
      if (at - last > Number(gapMs)) break
      last = at
    }
    say({ aborted: signal.aborted, held: hold.held, left: hold.remainingMs })
  },
  async read(name = '') {
    await client
      .mutex(name)
      .readCheckpoint()
      .catch(() => {})
  },
  async abandon(name = '', ms = '0') {
    const error = await client
      .mutex(name)
      .acquire({ signal: AbortSignal.timeout(Number(ms)) })
      .catch((reason) => reason)
    say({ abandoned: error.name })
  },
  async close() {
    lines.close()
    process.stdin.destroy()
    await client.close()
    say({ closed: now() })
  },
}

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const [verb, ...words] = JSON.parse(line)
  Promise.resolve(verbs[verb]?.(...words)).catch((error) =>
    say({ error: error.name, message: error.message }),
  )
})
