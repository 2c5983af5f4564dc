// @ts-check
// The faults of a run: on servers, on links, between members, and on workers. Owns what each does and how it heals;
// run.mjs draws them. Each returns when it has begun, and says for how long it lasts.
import { setTimeout as pause } from 'node:timers/promises'
import { now } from './random.mjs'

/** @typedef {import('./crew.mjs').Worker} Worker */
/** @typedef {import('./stores.mjs').Stage} Stage */
/**
 * @typedef {object} Scene
 * @property {Stage} stage
 * @property {Worker[]} workers
 * @property {import('./random.mjs').Draw} draw
 * @property {import('./record.mjs').Record} record
 */
/** @typedef {{ what: string, lasts: number | Promise<unknown>, heal: () => Promise<unknown> }} Begun */
/** @typedef {(scene: Scene) => Promise<Begun>} Fault */

/** Long enough for a session near the least time to live to end, or not. @param {Scene} scene */
const awhileMs = ({ stage, draw }) => Math.min(12_000, draw.between(0.3, 2.5) * stage.ttlsMs[0])

/** Some members, for a while. @param {'kill' | 'stop'} how @param {'leader' | 'follower' | 'two' | 'all'} which @returns {Fault} */
function onMembers(how, which) {
  return async (scene) => {
    const { stage, draw } = scene
    const leader = await stage.leader()
    const others = draw.shuffled(stage.members.filter((member) => member !== leader))
    const two = draw.shuffled([...stage.members]).slice(0, 2)
    const chosen = {
      leader: leader ? [leader] : [],
      follower: others.slice(0, 1),
      two,
      all: [...stage.members],
    }[which]
    for (const member of chosen) how === 'kill' ? await member.kill() : member.stop()
    const heal = async () => {
      for (const member of chosen) how === 'kill' ? member.start() : member.cont()
    }
    return { what: `${how} ${which}`, lasts: awhileMs(scene), heal }
  }
}

/** A server that is away for longer than any session lives. @type {Fault} */
async function away({ stage, draw }) {
  const leader = await stage.leader()
  const member = draw.of(stage.members.filter((each) => each !== leader))
  await member.kill()
  return { what: 'a server away', lasts: 1.2 * stage.ttlsMs[1], heal: async () => member.start() }
}

/** A leader that is restarted at once. @type {Fault} */
async function restartLeader({ stage }) {
  const leader = await stage.leader()
  await leader?.restart({ healthy: false })
  return { what: 'leader restarted', lasts: 500, heal: async () => {} }
}

/** An act of the store that needs no healing. @param {string} name @returns {Fault} */
function act(name) {
  return async ({ stage }) => {
    await stage.acts[name]?.()
    return { what: name, lasts: 500, heal: async () => {} }
  }
}

/** No space is left: etcd refuses all writes. @type {Fault} */
async function alarm(scene) {
  // A request without an answer may be applied. So the alarm ends with this fault in any case.
  await scene.stage.acts.alarm?.().catch(() => {})
  return { what: 'disk alarm', lasts: awhileMs(scene), heal: async () => scene.stage.acts['alarm over']?.() }
}

/** An operator removes a server that has died from Consul's list of servers. @type {Fault} */
async function forceLeave({ stage, draw }) {
  const leader = await stage.leader()
  const member = draw.of(stage.members.filter((each) => each !== leader))
  await member.kill()
  await pause(1_000)
  await stage.acts['force-leave']?.().catch(() => {}) // the server that was killed starts again in any case
  return { what: 'force-leave', lasts: 3_000, heal: async () => member.start() }
}

/** The links of one worker. @param {string} what @param {(worker: Worker) => void} begin @returns {Fault} */
function onLinks(what, begin) {
  return async (scene) => {
    const worker = holder(scene)
    begin(worker)
    const heal = async () => worker.links.forEach((link) => void link.heal())
    return { what: `${what} ${worker.pid}`, lasts: awhileMs(scene), heal }
  }
}

/** No byte passes between a worker and the store, until it must have given up. @param {'hold' | 'drop'} mode @returns {Fault} */
function cut(mode) {
  return async (scene) => {
    const { stage, record } = scene
    const worker = holder(scene)
    for (const link of worker.links) link.set(mode, 'up', 'down')
    const at = now()
    const coveredMs = stage.coveredMs(worker.ttlMs)
    const holds = record.openOf(worker.pid)
    const heal = async () => {
      for (const link of worker.links) link.heal()
      for (const hold of holds) record.judgeCut(hold, at, coveredMs)
    }
    return { what: `cut (${mode}) ${worker.pid}`, lasts: 1.15 * coveredMs, heal }
  }
}

/** One member, or each, is cut off from connections of its peers. @param {boolean} all @returns {Fault} */
function cutPeers(all) {
  return async (scene) => {
    const { stage, draw } = scene
    const links = all ? [...stage.peers] : [draw.of(stage.peers)]
    for (const link of links) link.set('hold', 'up', 'down')
    const heal = async () => links.forEach((link) => void link.heal())
    return { what: all ? 'all peers cut' : 'a peer cut', lasts: awhileMs(scene), heal }
  }
}

/** A worker that has read the unfenced register, stopped until another has written it. @type {Fault} */
async function stopWriter({ stage, workers, draw, record }) {
  const end = now() + 10_000
  let worker
  while (!worker && now() < end) {
    worker = draw.shuffled(workers).find((each) => each.hasRead && each.ttlMs === stage.ttlsMs[0])
    if (!worker) await pause(1)
  }
  worker ??= holder({ stage, workers, draw, record })
  worker.stop()
  const stopped = worker
  const written = record.registers.unfenced?.acknowledged.length ?? 0
  const lasts = async () => {
    const latest = now() + stage.recoveryMs(stopped.ttlMs) + 5_000
    while (now() < latest && (record.registers.unfenced?.acknowledged.length ?? 0) < written + 2)
      await pause(20)
  }
  return { what: `stop writer ${worker.pid}`, lasts: lasts(), heal: async () => stopped.cont() }
}

/** A worker that holds, stopped for about as long as its session lives. @type {Fault} */
async function stop(scene) {
  const worker = holder(scene)
  worker.stop()
  const lasts = scene.draw.of([0.5, 1, 1.5]) * worker.ttlMs
  return { what: `stop ${worker.pid}`, lasts, heal: async () => worker.cont() }
}

/** @type {Fault} */
async function block(scene) {
  const worker = holder(scene)
  const ms = Math.round(scene.draw.of([0.5, 1, 1.5]) * worker.ttlMs)
  worker.block(ms)
  return { what: `block ${worker.pid}`, lasts: ms + 500, heal: async () => {} }
}

/** @type {Fault} */
async function kill(scene) {
  const worker = holder(scene)
  const { pid } = worker
  await worker.kill()
  return {
    what: `kill ${pid}`,
    lasts: awhileMs(scene) / 3,
    heal: async () => worker.start(scene.draw.next() * 1e9),
  }
}

/** @type {Fault} */
async function term(scene) {
  const worker = holder(scene)
  const { pid } = worker
  const ended = await worker.end(30_000)
  if (!ended) scene.record.violations.push(`worker ${pid} did not end within 30 s of SIGTERM`)
  return { what: `SIGTERM ${pid}`, lasts: 500, heal: async () => worker.start(scene.draw.next() * 1e9) }
}

/** A worker that holds now, if there is one. @param {Scene} scene */
function holder({ workers, draw, record }) {
  const all = draw.shuffled(workers)
  return all.find(({ pid }) => record.openOf(pid).length > 0) ?? draw.of(all)
}

/** All faults by group and name; those with a list are only for these stores. @type {Record<string, Record<string, Fault | [string, Fault]>>} */
const groups = {
  servers: {
    'kill-leader': onMembers('kill', 'leader'),
    'kill-follower': onMembers('kill', 'follower'),
    'kill-two': onMembers('kill', 'two'),
    'kill-all': onMembers('kill', 'all'),
    'stop-leader': onMembers('stop', 'leader'),
    'stop-follower': onMembers('stop', 'follower'),
    'restart-leader': restartLeader,
    away,
    snapshot: act('snapshot'),
    'move-leader': ['etcd', act('move-leader')],
    compact: ['etcd', act('compact')],
    defragment: ['etcd', act('defragment')],
    alarm: ['etcd', alarm],
    deregister: ['consul', act('deregister')],
    'force-leave': ['consul', forceLeave],
  },
  links: {
    delay: onLinks('delay', ({ links }) => links.forEach((link) => void link.delay(80))),
    trickle: onLinks('trickle', ({ links }) =>
      links.forEach((link) => void link.set('trickle', 'up', 'down')),
    ),
    reset: onLinks('reset', ({ links }) => links.forEach((link) => void link.reset())),
    'half-open': onLinks('half-open', ({ links }) => links.forEach((link) => void link.halfOpen())),
    mute: onLinks('mute', ({ links }) => links.forEach((link) => void link.set('hold', 'up'))),
    deaf: onLinks('answers lost', ({ links }) => links.forEach((link) => void link.set('drop', 'down'))),
    'cut-hold': cut('hold'),
    'cut-drop': cut('drop'),
    'peer-cut': ['etcd', cutPeers(false)],
    'peers-cut': ['etcd', cutPeers(true)],
  },
  workers: { 'stop-writer': stopWriter, stop, block, kill, term },
}

export const faultNames = Object.entries(groups).flatMap(([group, faults]) => [group, ...Object.keys(faults)])

/**
 * The faults for a store, of these groups and names.
 * @param {string} store
 * @param {readonly string[]} wanted empty for all
 * @returns {Map<string, { group: string, run: Fault }>}
 */
export function faultsFor(store, wanted) {
  const found = new Map()
  for (const [group, faults] of Object.entries(groups)) {
    if (store === 'file' && group !== 'workers') continue
    for (const [name, entry] of Object.entries(faults)) {
      const [only, run] = Array.isArray(entry) ? entry : [store, entry]
      const isWanted = wanted.length === 0 || wanted.includes(group) || wanted.includes(name)
      if (only === store && isWanted) found.set(name, { group, run })
    }
  }
  return found
}
