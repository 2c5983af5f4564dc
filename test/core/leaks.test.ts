// Many short holds must leave nothing behind, measured on the heap.
import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { connect, type Leasehold } from '../../src/index.ts'
import { instrument } from '../../src/opentelemetry/index.ts'

setFlagsFromString('--expose_gc')
const collect: () => void = runInNewContext('gc')

async function growthOf(run: () => Promise<void>): Promise<number> {
  await run() // a first run, so that objects that are made once and kept do not count
  collect()
  const before = process.memoryUsage().heapUsed
  await run()
  collect()
  return process.memoryUsage().heapUsed - before
}

async function cycles(client: Leasehold, signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < 5_000; turn += 1) {
    await client.mutex(`name ${turn}`).run(() => {}, { signal })
  }
}

test('five thousand holds of as many names leave no memory, no listener and no timer behind', async () => {
  const client = await connect('memory:')
  const { signal } = new AbortController()
  expect(await growthOf(() => cycles(client, signal))).toBeLessThan(400_000)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await client.close()
}, 60_000)

test('five thousand aborted waits leave no memory, no listener and no timer behind', async () => {
  const client = await connect('memory:')
  await using _ = await client.mutex('taken').acquire()
  const giveUp = async (): Promise<void> => {
    for (let turn = 0; turn < 5_000; turn += 1) {
      const controller = new AbortController()
      const waiting = client.mutex('taken').acquire({ signal: controller.signal })
      controller.abort('enough')
      await waiting.catch(() => {})
    }
  }
  expect(await growthOf(giveUp)).toBeLessThan(400_000)
  await client.close()
}, 60_000)

test('five thousand questions about one hold leave no memory, no listener and no timer behind', async () => {
  const client = await connect('memory:')
  await using hold = await client.mutex('held').acquire()
  const ask = async (): Promise<void> => {
    for (let turn = 0; turn < 5_000; turn += 1) await hold.verify()
    for (let turn = 0; turn < 5_000; turn += 1) await hold.checkpoint(`${turn}`)
  }
  expect(await growthOf(ask)).toBeLessThan(400_000)
  await client.close()
}, 60_000)

test('two hundred clients that were closed leave no memory behind in an instrumentation that nobody reads', async () => {
  using _ = instrument() // without an SDK
  const openAndClose = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) {
      await using client = await connect('memory:')
      await client.mutex('a').acquire() // closed without a release
    }
  }
  expect(await growthOf(openAndClose)).toBeLessThan(400_000)
}, 60_000)
