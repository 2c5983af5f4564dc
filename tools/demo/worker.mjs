// One of three workers: takes the lock, holds it for a while, releases it, again and again. Reports on stdout, one
// JSON object per line, with times of the clock that all processes of a machine share.
// @ts-check
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../dist/index.js'

const [, , url, holdMs] = process.argv
const leasehold = await connect(url)
const lock = leasehold.mutex('demo')
let ended = false
process.on('SIGTERM', () => {
  ended = true
})

/** @param {'holds' | 'releases'} what @param {bigint} token */
function say(what, token) {
  process.stdout.write(
    `${JSON.stringify({ what, token: String(token), at: String(process.hrtime.bigint()) })}\n`,
  )
}

while (!ended) {
  await lock.run(async (hold) => {
    say('holds', hold.token)
    await sleep(Number(holdMs))
    say('releases', hold.token)
  })
}
await leasehold.close()
