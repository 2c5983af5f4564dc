// A lease that etcd ends early just after a waiter has asked: an answer that young is believed, so only the lock-delay
// keeps the waiter out. In the simulated world, where the moment is exact.
import { expect, test } from 'vitest'
import { connect, type Hold } from '../../src/index.ts'
import { simulatedEtcd } from '../../src/testing/etcd/index.ts'
import { SimEtcd } from '../../src/testing/etcd/server.ts'
import { Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { World } from '../../src/testing/world.ts'

const lockDelayMs = 3_000

test.each([1, 2])(
  "a waiter for one of %d permits that asked just before the holder's lease ended holds only after the lock-delay",
  async (permits) => {
    const world = new World(1)
    const [network, server] = [new Network(world), new SimEtcd(world)]
    const client = async (name: string) => {
      const clock = new SimProcess(world, name)
      const opened = connect(simulatedEtcd(network, clock, server, { lockDelayMs }), { clock, ttlMs: 4_000 })
      await world.run(world.nowMs + 100)
      return opened
    }
    const [one, two] = [await client('one'), await client('two')]
    const lockOf = (of: typeof one) => (permits === 1 ? of.mutex('a') : of.semaphore('a', { permits }))
    const mine: Hold[] = []
    for (let taken = 0; taken < permits; taken += 1)
      lockOf(one)
        .acquire()
        .then((hold) => mine.push(hold))
    await world.run(world.nowMs + 100)
    const [lease] = server.leases
    network.cut('one', 'etcd', 'there')
    network.cut('one', 'etcd', 'back')
    let next: Hold | undefined
    lockOf(two)
      .acquire()
      .then((hold) => (next = hold))
    await world.run(world.nowMs + 20)
    server.endEarly(lease as string)
    const endedMs = world.nowMs

    await world.run(endedMs + lockDelayMs - 1)
    expect(next).toBeUndefined()
    expect(mine.map(({ held }) => held)).toEqual(mine.map(() => false))
    await world.run(endedMs + lockDelayMs + 1_500)
    expect(next?.held).toBe(true)
  },
)
