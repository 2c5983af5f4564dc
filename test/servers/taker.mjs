// @ts-check
// A process that takes locks of other forms again and again, and prints its readings: `node taker.mjs INDEX TARGET TTL_MS
// KIND SEED`. KIND is `readers`: it reads or writes one name; or `pairs`: it takes two of five names in any order. TARGET is as
// for worker.mjs. On SIGTERM it ends its turn, also one that it waits for, and then itself. It has one
// turn at least.
const [, , index = '', target = '', ttlMs = '', kind = '', seed = ''] = process.argv

let asked = false
process.on('SIGTERM', () => {
  asked = true
})

/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(index)
/** @returns {Promise<string | import('../../src/contract.ts').BackendSource>} */
async function sourceOf() {
  if (!target.startsWith('{')) return target
  const { consul } = await import(new URL('backends/consul/index.js', `file://${index}`).href)
  return consul(JSON.parse(target))
}

/** @typedef {{ held: boolean, release(): Promise<void> }} Held */
/** @typedef {{ names: Record<string, string>, alone: boolean, hold: Held }} Turn tokens by name */

/** @param {object} said Written before anything else runs, so that a kill cannot swallow it. */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)
/** In ms, and the same in all processes of a machine. */
const now = () => Number(process.hrtime.bigint() / 1_000n) / 1_000
/** @type {typeof import('../../src/testing/random.ts')} */
const { Random } = await import(new URL('testing/random.js', `file://${index}`).href)
const random = new Random(Number(seed), 'taker')
const below = (/** @type {number} */ most) => Math.floor(random.fraction() * most)
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))

const client = await connect(await sourceOf(), { ttlMs: Number(ttlMs) })
say({ session: client.session })
do {
  const turn = await (kind === 'pairs' ? takePair() : readOrWrite())
  if (turn) await work(turn)
} while (!asked)
await client.close()

/** @returns {Promise<Turn>} */
async function readOrWrite() {
  const { read, write } = client.rwlock('shared')
  const alone = below(10) < 3
  const hold = await (alone ? write : read).acquire()
  return { names: { shared: String(hold.token) }, alone, hold }
}

/** Gives up a wait now and then: then it must have neither of the names. @returns {Promise<Turn | undefined>} */
async function takePair() {
  const first = below(5)
  const second = (first + 1 + below(4)) % 5
  const names = [first, second].map((index) => `n${index}`)
  const waitMs = below(5) === 0 ? below(30) : undefined
  try {
    const hold = await client.mutexes(names).acquire({ waitMs })
    const tokens = [...hold.tokens].map(([name, token]) => [name, String(token)])
    return { names: Object.fromEntries(tokens), alone: true, hold }
  } catch (error) {
    const { code = '' } = /** @type {{ code?: string }} */ (error)
    // The second one if the store has not answered at all within these few ms.
    if (!['LEASEHOLD_WAIT_TIMEOUT', 'LEASEHOLD_UNAVAILABLE'].includes(code) || waitMs === undefined)
      throw error
    say({ gaveUp: now(), kept: await keptOf(names) })
    return undefined
  }
}

/** How many claims on these names it still has. The last one may leave the line a little after the call that gave up. @param {string[]} names */
async function keptOf(names) {
  for (let tries = 100; ; tries -= 1) {
    const lines = await Promise.all(names.map((name) => client.line(name)))
    const kept = lines.flat().filter(({ session }) => session === client.session).length
    if (kept === 0 || tries === 0) return kept
    await pause(20)
  }
}

/** Reads again and again whether it holds, each time after the time. @param {Turn} turn */
async function work({ names, alone, hold }) {
  const at = now()
  say({ began: at, names, alone, held: hold.held })
  for (let left = below(12); left > 0; left -= 4) {
    await pause(4)
    const read = now()
    say({ read, held: hold.held })
  }
  const ended = now()
  say({ ended, held: hold.held })
  await hold.release()
}
