// Compares the simulated Consul with a real one: both must give the same answers to any questions in any order.
// Indexes are compared by their order, since a real Consul writes entries of its own into the log.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConsulClient } from '../../../../src/backends/consul/wire/client.ts'
import { server } from '../../../../src/backends/consul/wire/servers.ts'
import type { Transport } from '../../../../src/backends/consul/wire/transport.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { SimConsul } from '../../../../src/testing/consul/server.ts'
import { World } from '../../../../src/testing/world.ts'
import { type ConsulCluster, startConsul } from '../../../../tools/servers/run.mjs'
import { kinds, Play } from '../../../servers/consul-play.ts'
import { plain, type Sequence, sequences, type Waiting, waits } from '../../../servers/consul-sequences.ts'
import { Seen, tryAll } from '../../../servers/differential.ts'
import { failOnComplaints } from '../../../servers/etcd.ts'

const clock = systemClock()

/** The simulated server as a connection, without a network in between. Its time stands still. */
function simulated(): Transport {
  const consul = new SimConsul(new World(1))
  return {
    createSession: async (plan) => consul.createSession(plan),
    renewSession: async (id) => consul.renewSession(id),
    confirmSession: async (id) => consul.confirmSession(id),
    listSessions: async (node) => consul.listSessions(node),
    destroySession: async (id) => consul.destroySession(id),
    txn: async (operations) => consul.txn(operations),
    read: async (what) => consul.read(what),
    block: (what, wait) => consul.block(what, wait),
    registerService: async (service) => consul.registerService(service),
    passCheck: async (service) => consul.passCheck(service),
    deregisterService: async (service) => consul.deregisterService(service),
    close() {},
  }
}

let cluster: ConsulCluster
let store: ConsulClient
let plays = 0
beforeAll(async () => {
  cluster = await startConsul()
  store = new ConsulClient(clock, [server(new URL(cluster.address).host, {})])
})
afterAll(async () => {
  store?.close()
  await cluster?.close()
})
failOnComplaints()

/** Plays the same on both, under a prefix of its own, and compares all answers, which it returns. */
async function both(alone: boolean, play: (on: Play) => Promise<void>): Promise<string> {
  plays += 1
  const real = new Play(store, `${plays}/`, alone)
  const imagined = new Play(simulated(), `${plays}/`, alone)
  try {
    await Promise.all([play(real), play(imagined)])
    expect(imagined.answers).toEqual(real.answers)
  } finally {
    await real.destroySessions()
  }
  return JSON.stringify(real.answers, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
}

const mustSee = [...Object.keys(kinds), 'SessionGoneError', '"applied":true', '"session":"session 1"']

test('Consul answers any sequence of transactions, sessions and reads as the simulated one does', async ({
  task,
}) => {
  const seen = new Seen()
  const compare = async (sequence: Sequence): Promise<string> => {
    const text = await both(false, (on) => on.run(sequence))
    for (const kind of mustSee) if (text.includes(kind)) seen.add(kind)
    return text
  }
  await tryAll(task, { sequences, runs: 1_200, lanes: 8, compare })
  expect(seen.lacking(mustSee)).toEqual([])
}, 120_000)

test('Consul gives what is not there the same index as the simulated one, while nobody else writes', async ({
  task,
}) => {
  const seen = new Seen()
  const compare = async (sequence: Sequence): Promise<string> => {
    const text = await both(true, (on) => on.run(sequence))
    if (text.includes('"found":[],"index":"index')) seen.add('empty')
    return text
  }
  await tryAll(task, { sequences, runs: 300, lanes: 1, compare })
  expect(seen.lacking(['empty'])).toEqual([])
}, 120_000)

test('a waiter for a change gets the same change from Consul and from the simulated one', async ({
  task,
}) => {
  const compare = ({ target: what, before, meanwhile, change }: Waiting): Promise<string> =>
    both(false, async (on) => {
      await on.ask({ ask: 'create', lockDelayMs: 0 })
      for (const each of before) await on.ask(each)
      await on.ask({ ask: 'txn', operations: [{ ...plain, verb: 'delete', key: 'a' }] })
      const held = { ...plain, verb: 'lock', key: 'a' } as const
      await on.ask({ ask: 'txn', operations: [held] })
      const heard = await on.wait(what)
      // None of these is a change: the same lock again, a similar name, sessions.
      await on.ask({ ask: 'txn', operations: [held] })
      for (const each of meanwhile) await on.ask(each)
      if (change === 'destroy') await on.ask({ ask: 'destroy', session: 0 })
      else await on.ask({ ask: 'txn', operations: [{ ...plain, verb: change, key: 'a', value: 'second' }] })
      await heard()
    })
  await tryAll(task, { sequences: waits, runs: 200, lanes: 4, compare })
}, 60_000)
