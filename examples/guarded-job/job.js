// A job that one process does at a time, on any number of hosts. If its host dies, the next one goes on where it was.
import { setTimeout } from 'node:timers/promises'
import { connect, HoldLostError, WaitTimeoutError } from 'leasehold'

const pages = 5
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort(new Error(signal)))

const leasehold = await connect() // the store of LEASEHOLD_URL, or else a folder of this user
const lock = leasehold.mutex('guarded-job')
try {
  await lock.run(writeReport, { waitMs: 30_000, signal: stop.signal })
} catch (error) {
  // Each of these ends the process with a status that a supervisor can tell apart.
  if (error instanceof WaitTimeoutError) end(75, 'another process is still at work, so nothing was done')
  else if (error instanceof HoldLostError) end(70, `stopped: ${error.message}`)
  else if (error === stop.signal.reason) end(143, 'told to stop, so the lock was released')
  else throw error
} finally {
  await leasehold.close()
}

/** @param {import('leasehold').Hold} hold */
async function writeReport(hold) {
  const done = Number((await lock.readCheckpoint()) ?? 0) % pages
  const signal = hold.signalWith(stop.signal) // aborts on a loss, and when this process should stop
  for (let page = done + 1; page <= pages; page += 1) {
    hold.assertHeld(500) // throws unless at least 500 ms remain
    await setTimeout(100, undefined, { signal }).catch(() => signal.throwIfAborted()) // the work
    await hold.checkpoint(String(page)) // refused by the store unless this hold stands
    console.log(`${process.pid} wrote page ${page} of ${pages}, fenced by token ${hold.token}`)
  }
}

/** @param {number} status @param {string} why */
function end(status, why) {
  console.error(why)
  process.exitCode = status
}
