// Consul ends sessions for other reasons than their time to live: an operator destroys one or deregisters its node, a
// check fails, the server that made it is given up. Measures here, for each reason and setting, for how long two hold: the
// holder can only ask a server that is stopped or dead.
import { expect, test } from 'vitest'
import type { ConsulOptions } from '../../../../src/backends/consul/index.ts'
import type { Hold } from '../../../../src/index.ts'
import { ask } from '../../../../tools/servers/loopback.mjs'
import type { Member } from '../../../../tools/servers/run.mjs'
import { type TestConsul, useConsulEach } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'

const store: TestConsul = useConsulEach({ servers: 3 })
const long = { timeout: 100_000 }

/** How a holder is set up, and why its session ends. */
interface Setting {
  readonly ttlMs: number
  readonly permits: number
  readonly options: ConsulOptions
  /** Whether an operator destroys its session as soon as its server is away; otherwise Consul itself ends it. */
  readonly destroyed: boolean
}

/** A hold of that setting, and another claim on its name that waits. */
interface Scene {
  readonly setting: Setting
  readonly hold: Hold
  readonly next: Promise<Hold>
  readonly session: string
}

async function begin(setting: Setting, holdersServer: Member, other: Member): Promise<Scene> {
  const { ttlMs, permits, options } = setting
  const namespace = freshNamespace()
  const at = (member: Member) => store.client(namespace, { ttlMs, endpoints: [member.endpoint], ...options })
  const [holder, waiter] = [await at(holdersServer), await at(other)]
  const lockOf = (client: typeof holder) =>
    permits === 1 ? client.mutex('a') : client.semaphore('a', { permits })
  const hold = await lockOf(holder).acquire()
  for (let other = 1; other < permits; other += 1) await lockOf(waiter).acquire()
  const next = lockOf(waiter).acquire()
  next.catch(() => {})
  await store.line(namespace, 'a', 1)
  const keys = await store.keys(`${namespace}a/`, other)
  // The holder came first, so its key is the oldest that a session has and that is no ticket.
  const own = keys
    .filter(({ Key, Session }) => Session && (Key.endsWith('/.lock') || Key.endsWith(Session)))
    .sort((one, other) => one.CreateIndex - other.CreateIndex)[0]
  return { setting, hold, next, session: own?.Session ?? '' }
}

/** For how many ms two hold: what the first still believes when the next one holds. */
async function measured({ setting, hold, next }: Scene, began: number): Promise<string> {
  const second = await next
  const twoMs = Math.round(hold.remainingMs)
  const tookMs = Math.round((performance.now() - began) / 100) / 10
  await second.verify()
  expect(second.token).toBeGreaterThan(hold.token)
  await second.release()
  const { ttlMs, permits, options, destroyed } = setting
  const of = permits === 1 ? 'mutex' : 'semaphore'
  const why = destroyed ? 'destroyed' : 'ended by Consul'
  const settings = Object.entries(options).map(([name, value]) => `${name} ${value}`)
  console.log(
    `${[of, why, `ttl ${ttlMs}`, ...settings].join(', ')}: next after ${tookMs} s, two hold for ${twoMs} ms`,
  )
  return twoMs === 0 ? 'one' : 'two'
}

async function roles(): Promise<[Member, Member]> {
  await Promise.all(store.cluster.members.map((member) => member.healthy()))
  const leader = await store.cluster.leader()
  const [follower] = store.cluster.members.filter((member) => member !== leader)
  return [follower as Member, leader]
}

const settings: Setting[] = [
  { ttlMs: 10_000, permits: 1, options: {}, destroyed: true },
  { ttlMs: 10_000, permits: 1, options: { lockDelayMs: 4_000 }, destroyed: true },
  { ttlMs: 60_000, permits: 1, options: { lockDelayMs: 4_000 }, destroyed: true },
  { ttlMs: 10_000, permits: 2, options: {}, destroyed: true },
  { ttlMs: 10_000, permits: 2, options: { lockDelayMs: 4_000 }, destroyed: true },
  { ttlMs: 10_000, permits: 1, options: { checks: ['serfHealth'], lockDelayMs: 10_000 }, destroyed: false },
  { ttlMs: 10_000, permits: 2, options: { checks: ['serfHealth'], lockDelayMs: 10_000 }, destroyed: false },
  { ttlMs: 60_000, permits: 1, options: { lockDelayMs: 15_000 }, destroyed: false },
  { ttlMs: 60_000, permits: 2, options: { lockDelayMs: 15_000 }, destroyed: false },
]

/** Those with a lock-delay that is short next to the time to live: `next` is soon there, and the deadline has to be. */
const short: Setting[] = [
  { ttlMs: 10_000, permits: 1, options: { lockDelayMs: 1_000 }, destroyed: true },
  { ttlMs: 30_000, permits: 1, options: { lockDelayMs: 1_000 }, destroyed: true },
  { ttlMs: 30_000, permits: 2, options: { lockDelayMs: 1_000 }, destroyed: true },
  { ttlMs: 30_000, permits: 1, options: { lockDelayMs: 4_000 }, destroyed: true },
  { ttlMs: 30_000, permits: 2, options: { checks: ['serfHealth'], lockDelayMs: 4_000 }, destroyed: true },
]
settings.push(...short, { ttlMs: 30_000, permits: 1, options: { lockDelayMs: 15_000 }, destroyed: true })

test('of a holder whose server hangs, whatever ends its session, one holds at a time', long, async () => {
  const [victim, other] = await roles()
  const scenes = await Promise.all(settings.map((setting) => begin(setting, victim, other)))
  const began = performance.now()
  await freeze(victim)
  for (const { setting, session } of scenes) if (setting.destroyed) await store.destroy(session)

  const found = await Promise.all(scenes.map((scene) => measured(scene, began)))

  expect(found).toEqual(settings.map(() => 'one'))
})

test(
  'of a holder whose server is killed and whose node is deregistered, one holds at a time',
  long,
  async () => {
    const [victim, other] = await roles()
    const unsafe: Setting = {
      ttlMs: 10_000,
      permits: 1,
      options: { lockDelayMs: 0, unsafeTwoMayHold: true },
      destroyed: false,
    }
    const deregistered = [unsafe, ...settings.map((setting) => ({ ...setting, destroyed: false }))]
    const scenes = await Promise.all(deregistered.map((setting) => begin(setting, victim, other)))
    const began = performance.now()
    await victim.kill()
    const url = `http://${other.endpoint}/v1/catalog/deregister`
    const body = JSON.stringify({ Node: victim.name })
    expect((await ask(url, { method: 'PUT', body, timeoutMs: 9_000 }))?.status).toBe(200)

    const found = await Promise.all(scenes.map((scene) => measured(scene, began)))

    // The first shows that the rule is what does it, and not luck.
    expect(found).toEqual(['two', ...settings.map(() => 'one')])
  },
)

test(
  'of a holder whose server is killed and then removed by force-leave, one holds at a time',
  long,
  async () => {
    const [victim, other] = await roles()
    const options = { lockDelayMs: 0, unsafeTwoMayHold: true }
    const unsafe: Setting = { ttlMs: 30_000, permits: 1, options, destroyed: false }
    const safe = short.filter((setting) => setting.options.lockDelayMs === 1_000)
    const removed = [unsafe, ...safe.map((setting) => ({ ...setting, destroyed: false }))]
    const scenes = await Promise.all(removed.map((setting) => begin(setting, victim, other)))
    const began = performance.now()
    await victim.kill()
    await store.cluster.consul(['force-leave', victim.name])

    const found = await Promise.all(scenes.map((scene) => measured(scene, began)))

    expect(found).toEqual(['two', ...safe.map(() => 'one')])
  },
)
