// @ts-check
// A peer on Leasehold, with the protocol of the peers in Go: `node node.mjs INDEX TARGET CONNECT_OPTIONS`. INDEX is the
// built index.js, TARGET a URL or, in JSON, the options of `consul`.
//
//   lock      waits for the mutex; answers with the token and the time at which it was held
//   campaign  waits for the leadership, with `value`
//   unlock, resign  answers with the time of the release, taken before the request was sent
//   turns     takes turns for `for` ms, holding the mutex or, with a `limit` above 1, a permit for `hold` ms each; answers
//             with their number and the longest wait
//   close     closes the client
//
// An event `lost` has the time at which a hold was lost.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const [, , index = '', target = '', options = '{}'] = process.argv
/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(index)
/** @returns {Promise<string | import('../../src/contract.ts').BackendSource>} */
async function sourceOf() {
  if (!target.startsWith('{')) return target
  const { consul } = await import(new URL('backends/consul/index.js', `file://${index}`).href)
  return consul(JSON.parse(target))
}
/** @param {object} said */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)
/** The clock of the peers in Go. */
const now = () => Number(process.hrtime.bigint()) / 1e6

const client = await connect(await sourceOf(), JSON.parse(options))
/** @type {Map<string, import('../../src/index.ts').Hold>} */
const holds = new Map()

/** @typedef {{ id: number, verb: string, name: string, value: string, limit: number, hold: number, for: number }} Request */
/**
 * @param {string} name
 * @param {import('../../src/index.ts').Hold} hold
 */
function keep(name, hold) {
  const at = now()
  holds.set(name, hold)
  hold.signal.addEventListener('abort', () => {
    if (holds.get(name) === hold) say({ event: 'lost', at: now() })
  })
  return { at, token: String(hold.token), held: hold.held }
}

/** @param {string} name */
async function giveBack(name) {
  const hold = holds.get(name)
  holds.delete(name)
  const at = now()
  await hold?.release()
  return { at }
}

/** @type {Record<string, (request: Request) => Promise<object>>} */
const verbs = {
  lock: async ({ name }) => keep(name, await client.mutex(name).acquire()),
  campaign: async ({ name, value }) => keep(name, await client.election(name).campaign({ value })),
  unlock: ({ name }) => giveBack(name),
  resign: ({ name }) => giveBack(name),
  turns: async (request) => {
    const { name, limit, hold: holdMs } = request
    const lock = limit > 1 ? client.semaphore(name, { permits: limit }) : client.mutex(name)
    let [turns, longestMs] = [0, 0]
    for (const end = now() + request.for; now() < end; turns += 1) {
      const asked = now()
      const hold = await lock.acquire()
      longestMs = Math.max(longestMs, now() - asked)
      await pause(holdMs)
      await hold.release()
    }
    return { turns, longestMs }
  },
  close: async () => {
    await client.close()
    return {}
  },
}

const lines = createInterface({ input: process.stdin })
lines.on('line', async (line) => {
  /** @type {Request} */
  const request = JSON.parse(line)
  const answer = await verbs[request.verb]?.(request).catch((error) => ({ error: String(error.message) }))
  say({ id: request.id, ...answer })
  if (request.verb === 'close') lines.close()
})
