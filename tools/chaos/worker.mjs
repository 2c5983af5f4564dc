// @ts-check
// A worker of `npm run chaos`: one client of Leasehold that takes locks again and again, and says what it sees. Owns no
// verdict: the process that started it has the record. `node worker.mjs PLAN`, where PLAN is JSON; on SIGTERM it ends
// politely. It writes to stdout, one JSON object a line, before anything else runs, so that a kill swallows nothing.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Draw, now } from './random.mjs'

/** @typedef {import('../../src/index.ts').Hold} Hold */
/** @typedef {{ index: string, backend: string, options: object, endpoints: string[], ttlMs: number, seed: number, workloads: string[] }} Plan */

/** @type {Plan} */
const plan = JSON.parse(process.argv[2] ?? '{}')
/** @type {typeof import('../../src/index.ts')} */
const { connect } = await import(pathToFileURL(plan.index).href)
const entry = new URL(`backends/${plan.backend}/index.js`, pathToFileURL(plan.index))
const { [plan.backend]: source } = await import(entry.href)

const readEveryMs = 5
const sayEveryMs = 100
const draw = new Draw(plan.seed)
const ending = new AbortController()
/** @type {Map<number, (answer: { ok: boolean, set: string[] }) => void>} */
const asked = new Map()
let ids = 0

/** @param {object} said */
const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`)

/**
 * Asks a register of the parent, which is a resource that no fault cuts off.
 * @param {'read' | 'write'} verb
 * @param {string} register
 * @param {bigint} token
 * @param {readonly string[]} [set]
 * @returns {Promise<{ ok: boolean, set: string[] }>}
 */
function ask(verb, register, token, set) {
  ids += 1
  const id = ids
  say({ ask: id, verb, register, token: String(token), set })
  return new Promise((resolve) => asked.set(id, resolve))
}

/**
 * Reads `held` all the time while `work` runs, and says until when it was true. The time is that before the reading:
 * what is held when it is read was held then, and a process that was stopped in between has not seen more.
 * @param {string} name
 * @param {Hold} hold
 * @param {() => Promise<void>} work
 */
async function watched(name, hold, work) {
  ids += 1
  const id = ids
  let heldAt = now()
  if (!hold.held) return
  let saidAt = heldAt
  say({ began: heldAt, hold: id, name, token: String(hold.token) })
  const look = () => {
    const at = now()
    const held = hold.held
    if (held) heldAt = at
    if (held && at - saidAt < sayEveryMs) return
    saidAt = at
    say({ heldAt, hold: id })
    if (!held) clearInterval(reading)
  }
  const reading = setInterval(look, readEveryMs)
  hold.signal.addEventListener('abort', () => say({ lost: now(), hold: id, code: hold.signal.reason?.code }))
  looks.add(look)
  try {
    await work()
  } finally {
    look()
    clearInterval(reading)
    looks.delete(look)
    say({ leaving: now(), hold: id })
    await hold.release()
    say({ left: now(), hold: id })
  }
}

/** Everything that reads a hold now. @type {Set<() => void>} */
const looks = new Set()

/** How long a turn takes: mostly a moment, at times longer than a short session lives. */
const turnMs = () =>
  draw.next() < 0.02 ? Math.min(4_000, 1.3 * plan.ttlMs) : draw.between(0, draw.next() < 0.8 ? 20 : 200)

/** Jepsen's set: reads it, waits, and writes it with one element more. The unfenced register and the fenced one. */
async function addToSets(/** @type {Hold} */ hold) {
  for (const register of ['unfenced', 'fenced']) {
    const read = await ask('read', register, hold.token)
    if (!read.ok) return
    await pause(draw.between(0, 60))
    ids += 1
    const element = `${process.pid}.${ids}`
    await ask('write', register, hold.token, [...read.set, element])
  }
}

/** @type {Record<string, (client: import('../../src/index.ts').Leasehold) => Promise<void>>} */
const turns = {
  lock: (client) => turn('lock', client.mutex('lock'), () => pause(turnMs(), undefined)),
  'lock-set': (client) => turn('lock-set', client.mutex('lock-set'), addToSets),
  permits: (client) =>
    turn('permits', client.semaphore('permits', { permits: 2 }), () => pause(10 + turnMs(), undefined)),
  'lock-store-set': (client) => turn('lock-store-set', client.mutex('lock-store-set'), addToStoredSet),
}

/** Jepsen's lock-etcd-set: the set is a key of the store, and the write is guarded by the key of the lock. */
async function addToStoredSet(/** @type {Hold} */ hold) {
  const { default: stored } = await import('./stored-set.mjs')
  ids += 1
  const element = `${process.pid}.${ids}`
  const done = await stored(plan, hold, element, () => pause(draw.between(0, 60)))
  if (done) say({ stored: element })
}

/**
 * One turn: waits for it, or gives up in one of several ways.
 * @param {string} name
 * @param {import('../../src/index.ts').Lock} lock
 * @param {(hold: Hold) => Promise<unknown>} work
 */
async function turn(name, lock, work) {
  const way = draw.next()
  const giveUp = new AbortController()
  const timer = way < 0.1 ? setTimeout(() => giveUp.abort(), draw.between(0, 300)) : undefined
  try {
    const signal = AbortSignal.any([ending.signal, giveUp.signal])
    const options = { signal, ...(way > 0.9 && { waitMs: Math.round(draw.between(0, 2_000)) }) }
    const hold = way > 0.85 && way < 0.9 ? await lock.tryAcquire() : await lock.acquire(options)
    if (hold) await watched(name, hold, async () => void (await work(hold)))
    else await pause(draw.between(0, 50))
  } finally {
    clearTimeout(timer)
  }
}

/** @param {string} workload @param {import('../../src/index.ts').Leasehold} client */
async function loop(workload, client) {
  const step = turns[workload]
  if (!step) throw new Error(`no workload ${workload}`)
  while (!ending.signal.aborted) {
    await step(client).catch(async (error) => {
      const { name, code, message } = /** @type {Error & { code?: string }} */ (error ?? {})
      if (ending.signal.aborted) return
      if (name !== 'AbortError' && code !== 'LEASEHOLD_WAIT_TIMEOUT')
        say({ failed: code ?? name, message: String(message).slice(0, 200), at: now() })
      await pause(draw.between(0, 200))
    })
  }
}

process.on('SIGTERM', () => ending.abort())
createInterface({ input: process.stdin }).on('line', (line) => {
  const { answer, block, ...said } = JSON.parse(line)
  asked.get(answer)?.(said)
  asked.delete(answer)
  if (block === undefined) return
  const until = now() + block
  while (now() < until);
  for (const look of looks) look()
})

const client = await connect(source(plan.options), { ttlMs: plan.ttlMs })
say({ up: now() })
await Promise.all(plan.workloads.map((workload) => loop(workload, client)))
await client.close()
say({ closed: now() })
process.stdin.destroy()
