// The leader's key on a simulated etcd, while a stranger writes it again and again without a lease: the term goes on, and the
// key does not outlive its leader.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Leasehold } from '../../src/api/leasehold.ts'
import { ConflictError } from '../../src/base/errors.ts'
import { connect } from '../../src/connect.ts'
import { simulatedEtcd } from '../../src/testing/etcd/index.ts'
import { SimEtcd } from '../../src/testing/etcd/server.ts'
import { Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { World } from '../../src/testing/world.ts'
import { holdsForAll } from '../property/draw.ts'

const ttlMs = 4_000
/** How long after a write a leader has looked at its key: a third of the time to live, and the time of a request. */
const seenMs = ttlMs / 3 + 1_500

interface Plan {
  readonly seed: number
  /** When the stranger writes, in ms after the election. */
  readonly writesMs: readonly number[]
}

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(2 ** 31 - 1),
  writesMs: fc.array(fc.nat(12_000), { minLength: 1, maxLength: 8 }),
})

/** Plays a plan with two candidates. Returns which of them led at which moment, as text. */
async function play({ seed, writesMs }: Plan): Promise<string[]> {
  const world = new World(seed)
  const network = new Network(world)
  const server = new SimEtcd(world, () => {})
  const processes = ['one', 'two'].map((name) => new SimProcess(world, name, { rate: 1, wallOffsetMs: 0 }))
  const story: string[] = []
  const stand = async (process: SimProcess): Promise<void> => {
    const client: Leasehold = await connect(simulatedEtcd(network, process, server), {
      clock: process,
      ttlMs,
    })
    await client.election('n').lead(
      async (term) => {
        story.push(`${process.name} leads`)
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve))
        story.push(`${process.name} lost it`)
      },
      // Until the leader has seen its key, the other one is told that data is in the way.
      { onError: (error) => error instanceof ConflictError || story.push(`${process.name}: ${error}`) },
    )
  }
  for (const process of processes) {
    process.enter(() => void stand(process))
    await world.run(world.nowMs + 1_000)
  }
  const beganMs = world.nowMs
  for (const atMs of writesMs) {
    world.after(atMs, () => {
      const first = server.state.range('n/', 'n0').sort((a, b) => Number(a.created - b.created))[0]
      const put = { request_put: { key: Buffer.from(first?.key ?? ''), value: Buffer.from('x'), lease: '0' } }
      if (first) server.txn({ compare: [], success: [put], failure: [] })
    })
  }
  await world.run(beganMs + Math.max(...writesMs) + seenMs)
  expect(server.state.range('n/', 'n0').every(({ lease }) => lease !== '0')).toBe(true)
  processes[0]?.kill()
  await world.run(world.nowMs + 3 * ttlMs)
  return story
}

test('a stranger that writes the key of the leader ends no term, and the next candidate follows a dead leader', async ({
  task,
}) => {
  const property = fc.asyncProperty(plans, async (plan) => {
    expect(await play(plan)).toEqual(['one leads', 'two leads'])
  })
  await holdsForAll(task, property, { numRuns: 200 })
})
