// Further permits of one client on Consul, each with a session of its own.
import { expect, test, vi } from 'vitest'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { moments } from '../../../servers/moments.ts'

const store = useConsul()

/** A third of the time to live that clients have by default. */
const renewalMs = 5_000

test('a second permit that is given up at any moment of its request leaves one session for the next, and none with its client', async () => {
  const client = await store.client(freshNamespace())
  const pool = client.semaphore('a', { permits: 3 })
  const first = await pool.acquire()
  const gone = new Error('given up')
  const units = [
    ['microtasks', 40],
    ['macrotasks', 20],
    ['milliseconds', 8],
  ] as const
  for (const [unit, most] of units) {
    for (let n = 0; n < most; n += 1) {
      const abort = new AbortController()
      const asked = pool.acquire({ signal: abort.signal })
      await moments[unit](n)
      abort.abort(gone)
      const outcome = await asked.catch((error: unknown) => error)
      if (outcome !== gone) await (outcome as AsyncDisposable)[Symbol.asyncDispose]()
    }
  }
  // A request that comes while the one before is still withdrawn opens one more session. It ends with the second renewal.
  const twoAtMost = async () => expect((await store.sessions()).length).toBeLessThanOrEqual(2)
  await vi.waitFor(twoAtMost, { timeout: 2 * renewalMs + 2_000, interval: 10 })
  await first.verify()
  await client.close()
  expect(await store.sessions()).toEqual([])
})
