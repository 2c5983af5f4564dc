// An observer of a leader that writes checkpoints, on a simulated etcd: each checkpoint is an event of the leader's key.
import { expect, test } from 'vitest'
import { connect, type Leasehold } from '../../src/index.ts'
import { simulatedEtcd } from '../../src/testing/etcd/index.ts'
import { SimEtcd } from '../../src/testing/etcd/server.ts'
import { Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { World } from '../../src/testing/world.ts'

const world = new World(1)
const [network, etcd] = [new Network(world), new SimEtcd(world)]
const pass = (ms: number): Promise<void> => world.run(world.nowMs + ms)

/** A client, and the number of its requests so far. */
async function clientOf(process: SimProcess): Promise<{ client: Leasehold; requests: () => number }> {
  const source = simulatedEtcd(network, process, etcd)
  const opening = connect(source, { clock: process, ttlMs: 60_000 })
  await pass(100)
  return { client: await opening, requests: () => source.transports[0]?.requests ?? 0 }
}

test('an observer sees a new value at once, also of a leader that writes a checkpoint every 20 ms', async () => {
  const [one, other] = [new SimProcess(world, 'one'), new SimProcess(world, 'other')]
  const [leading, watching] = [await clientOf(one), await clientOf(other)]
  const campaign = leading.client.election('a').campaign({ value: 'first' })
  const seen: string[] = []
  other.enter(() => void observe(watching.client, seen))
  await pass(100)
  const term = await campaign
  const before = watching.requests()
  for (let written = 0; written < 20; written += 1) {
    one.enter(() => void term.checkpoint(String(written)))
    await pass(20)
  }
  expect(seen.at(-1)).toBe('first')
  expect(watching.requests() - before).toBeLessThanOrEqual(2) // a checkpoint is no reason to ask
  one.enter(() => void term.proclaim('second'))
  await pass(10)
  expect(seen.at(-1)).toBe('second')
})

async function observe(client: Leasehold, seen: string[]): Promise<void> {
  for await (const leader of client.election('a').observe()) seen.push(leader?.value ?? '')
}
