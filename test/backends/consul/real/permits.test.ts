// Further permits of one client on Consul, each with a session of its own.
import Consul from 'consul'
import { expect, onTestFinished, test, vi } from 'vitest'
import { PermitSessions } from '../../../../src/backends/consul/permit-sessions.ts'
import { givenClient } from '../../../../src/backends/consul/wire/papi.ts'
import { type Server, server } from '../../../../src/backends/consul/wire/servers.ts'
import { roomyController } from '../../../../src/base/abort.ts'
import type { Claim } from '../../../../src/contract.ts'
import { ManualClock } from '../../../core/manual-clock.ts'
import { openCounter } from '../../../servers/consul-counter.ts'
import { useConsul } from '../../../servers/consul-faults.ts'
import { never, open as openClient, plan } from '../../../servers/consul-wire.ts'
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

const ways = {
  'its own connections': (at: string): Server => server(at, {}),
  'a client of npm consul': (at: string): Server => {
    const [host = '', port] = at.split(':')
    const given = new Consul({ host, port: Number(port) })
    onTestFinished(() => given.destroy())
    return givenClient(given)
  },
}

test.for(Object.entries(ways))('40 permits are renewed by 42 requests over %s', async ([, way]) => {
  const counter = await openCounter(store.endpoints[0] ?? '')
  const sessions = new PermitSessions(openClient([way(counter.address)]), new ManualClock(), {
    endsEarly: false,
  })
  const own = await sessions.create(plan, never())
  const claims = Array.from({ length: 40 }, (_, n) => ({ id: `${n}`, session: own, name: 'a' }) as Claim)
  const taken = await Promise.all(claims.map((claim) => sessions.take(claim, never())))
  counter.take()

  expect(await sessions.renew(own, never())).toEqual({ lost: [] })
  expect(counter.take()).toEqual({ renew: 40, info: 1, node: 1 })
  await store.destroy(taken[30] ?? '')
  expect(await sessions.renew(own, never())).toEqual({ lost: [claims[30]] })
  await sessions.destroy(own, roomyController().signal)
})
