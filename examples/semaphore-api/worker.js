// A worker that calls an API which takes three calls at a time, counted over all workers of all hosts.
import { connect } from 'leasehold'

const [url = '', calls = '5'] = process.argv.slice(2)
const leasehold = await connect()
const slots = leasehold.semaphore('slow-api', { permits: 3 })

/** @param {number} number */
async function call(number) {
  return slots.run(
    async (hold) => {
      // Aborts when the permit is lost: then another worker may have it, and the API would get a fourth call.
      const answer = await fetch(`${url}/${number}`, { signal: hold.signal })
      if (!answer.ok) throw new Error(`the API answered ${answer.status}`)
      return answer.text()
    },
    { waitMs: 60_000 },
  )
}

const answers = await Promise.all(Array.from({ length: Number(calls) }, (_, number) => call(number)))
console.log(`worker ${process.pid} got ${answers.length} answers`)
await leasehold.close()
