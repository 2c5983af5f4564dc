// Loops of questions to a store that answers at once leave timers, and so renewals, their turn.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Hold } from '../../src/api/hold.ts'
import type { Leasehold } from '../../src/api/leasehold.ts'
import { file } from '../../src/backends/file/index.ts'
import { memory } from '../../src/backends/memory/index.ts'
import { connect } from '../../src/connect.ts'

const directory = mkdtempSync(join(tmpdir(), 'leasehold-'))
const clients: Leasehold[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})
afterAll(() => rmSync(directory, { recursive: true }))

/** A call that may be repeated in a loop, with its needs. */
const loops: Record<string, (client: Leasehold) => Promise<() => Promise<unknown>>> = {
  'acquire and release': async (client) => {
    const lock = client.mutex('a')
    return async () => (await lock.acquire()).release()
  },
  'tryAcquire of a lock that another client holds': async (client) => {
    const lock = client.mutex('held')
    return () => lock.tryAcquire()
  },
  'tryAcquire of a lock that this client holds': async (client) => {
    await client.mutex('b').acquire()
    return () => client.mutex('b').tryAcquire()
  },
  'run with synchronous work': async (client) => {
    const lock = client.mutex('c')
    return () => lock.run(() => 1)
  },
  checkpoint: async (client) => {
    const hold = await client.mutex('d').acquire()
    return () => hold.checkpoint('page 7')
  },
  verify: async (client) => {
    const hold = await client.mutex('e').acquire()
    return () => hold.verify()
  },
  readCheckpoint: async (client) => () => client.mutex('f').readCheckpoint(),
  survey: async (client) => () => client.survey(),
  'a question that is refused': async (client) => {
    await client.semaphore('g', { permits: 2 }).acquire()
    return () => client.mutex('g').tryAcquire().catch(String)
  },
}

describe.each([
  ['memory:', memory()],
  ['file:', file({ directory })],
])('on %s', (_, source) => {
  async function open(ttlMs?: number): Promise<Leasehold> {
    const client = await connect(source, { ttlMs })
    clients.push(client)
    return client
  }

  async function loopFor(ms: number, ask: () => Promise<unknown>): Promise<void> {
    for (const endMs = performance.now() + ms; performance.now() < endMs; ) await ask()
  }

  test.each(Object.keys(loops))('a loop of %s lets a timer fire', async (name) => {
    const other = await open()
    const held: Hold = await other.mutex('held').acquire()
    const ask = await loops[name]?.(await open())
    if (!ask) throw new Error(name)
    let fired = 0
    const timer = setInterval(() => (fired += 1), 10)
    // An idle machine needs 20 ms. A loop that keeps timers from firing does so for ever.
    for (const endMs = performance.now() + 10_000; fired < 2 && performance.now() < endMs; ) await ask()
    clearInterval(timer)
    expect(fired).toBeGreaterThan(1)
    expect(held.held).toBe(true)
  })

  test('a hold outlives its time to live during a loop of its client', async () => {
    const client = await open(1_000)
    const hold = await client.mutex('kept').acquire()
    const lock = client.mutex('looped')
    await loopFor(1_500, async () => (await lock.acquire()).release())
    expect(hold.held).toBe(true)
    await hold.verify()
  })
})
