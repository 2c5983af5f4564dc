// Further permits of one client on Consul, each with a session of its own.
import { expect, test, vi } from 'vitest'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { moments } from '../../../servers/moments.ts'

const store = useConsul()

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
  await vi.waitFor(async () => expect((await store.sessions()).length).toBeLessThanOrEqual(2))
  await first.verify()
  await client.close()
  expect(await store.sessions()).toEqual([])
})
