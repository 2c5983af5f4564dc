// A process that takes locks, for the tests of this folder: `node child.mjs BUILT DIRECTORY TTL_MS ROLE
// [ARGUMENTS]`. It writes one line for each thing that happened, and obeys the lines on its standard input.
import { appendFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [built, directory, ttlMs, role = '', name = '', forMs, log = ''] = process.argv.slice(2)
const { connect } = await import(`${built}/connect.js`)
const { file } = await import(`${built}/backends/file/index.js`)
const client = await connect(file({ directory }), { ttlMs: Number(ttlMs) })
/** @param {unknown[]} words */
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)

/** @type {Record<string, () => Promise<void>>} */
const roles = {
  /** Acquires NAME, and releases or reports when told. */
  async hold() {
    const waiting = client.mutex(name).acquire()
    say('asking')
    const hold = await waiting
    say('held', hold.token, performance.timeOrigin + performance.now())
    /** @type {Record<string, () => unknown>} */
    const obey = {
      release: async () => {
        const before = performance.timeOrigin + performance.now()
        await hold.release()
        say('released', before)
      },
      report: () => say('report', hold.held),
      close: async () => {
        await client.close()
        say('closed')
        lines.close()
      },
    }
    const lines = createInterface({ input: process.stdin })
    lines.on('line', (line) => obey[line]?.())
  },

  /** Takes and gives back NAME until FOR_MS are over, and writes each entry and exit to LOG. */
  async loop() {
    const lock = client.mutex(name)
    say('ready')
    await new Promise((resolve) => process.stdin.once('data', resolve))
    for (const end = performance.now() + Number(forMs); performance.now() < end; ) {
      const hold = await lock.acquire()
      appendFileSync(log, `in ${process.pid} ${hold.token}\n`)
      appendFileSync(log, `out ${process.pid} ${hold.token}\n`)
      await hold.release()
    }
    process.stdin.pause()
    await client.close()
  },

  /** After each "go", takes and gives back NAME until FOR_MS are over, with a checkpoint in each hold if LOG is "checkpoint". */
  async pace() {
    const lock = client.mutex(name)
    say('ready')
    for await (const line of createInterface({ input: process.stdin })) {
      if (line !== 'go') break
      let cycles = 0
      let lost = 0
      for (const end = performance.now() + Number(forMs); performance.now() < end; cycles += 1) {
        const hold = await lock.acquire()
        if (log === 'checkpoint') await hold.checkpoint(String(cycles))
        if (!hold.held) lost += 1
        await hold.release()
      }
      say('paced', cycles, lost)
    }
    process.stdin.unref()
    await client.close()
  },

  /** Takes and gives back NAME a number of times. */
  async cycles() {
    const lock = client.mutex(name)
    let lost = 0
    for (let left = Number(forMs); left > 0; left -= 1) {
      const hold = await lock.acquire()
      if (!hold.held) lost += 1
      await hold.release()
    }
    say('lost', lost)
    await client.close()
  },

  /** Opens a transaction that writes, and keeps it until it is killed. */
  async block() {
    const { loadDriver } = await import(`${built}/backends/file/driver.js`)
    const database = (await loadDriver()).open(`${directory}/leasehold.db`)
    database.exec('BEGIN IMMEDIATE')
    say('blocked')
    process.stdin.resume()
  },
}

await roles[role]?.()
