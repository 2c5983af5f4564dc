// The sessions of a client that has many permits, over a transport that answers as the test says.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { PermitSessions } from '../../../src/backends/consul/permit-sessions.ts'
import type { Transport } from '../../../src/backends/consul/wire/transport.ts'
import { roomyController } from '../../../src/base/abort.ts'
import { SessionGoneError, UnavailableError } from '../../../src/base/errors.ts'
import { fairWeather, Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { SimHost } from '../../../src/testing/server.ts'
import { World } from '../../../src/testing/world.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const plan = { name: 'client', ttlMs: 10_000, lockDelayMs: 0, checks: [] }

test('sessions whose answers are lost leave no listeners that pile up on one signal', async () => {
  const signals: AbortSignal[] = []
  const lost: Pick<Transport, 'createSession'> = {
    createSession: (_, signal) => {
      signals.push(signal)
      signal.addEventListener('abort', () => {})
      return signals.length === 1 ? Promise.resolve('own') : new Promise(() => {})
    },
  }
  const sessions = new PermitSessions(lost as Transport, new ManualClock(), { endsEarly: true })
  const session = await sessions.create(plan, roomyController().signal)
  const claim = { id: 'c', session, name: 'a', permits: 20, wait: true, kind: 'semaphore' } as never
  const { signal } = roomyController()

  await sessions.take(claim, signal)
  for (let extra = 0; extra < 12; extra += 1) sessions.take(claim, signal).catch(() => {})

  expect(signals).toHaveLength(13)
  for (const each of signals) expect(getEventListeners(each, 'abort')).toHaveLength(1)
})

/** Sessions whose requests are listed as they are sent, and of which those in `ended` are gone. */
async function pool(): Promise<{
  sessions: PermitSessions
  own: string
  sent: string[]
  ended: Set<string>
}> {
  const sent: string[] = []
  const ended = new Set<string>()
  const ask = async (what: string, id: string): Promise<void> => {
    sent.push(`${what} ${id}`)
    if (ended.has(id)) throw new SessionGoneError('gone')
  }
  let opened = 0
  const transport: Partial<Transport> = {
    createSession: async () => {
      const id = `s${opened++}`
      sent.push(`open ${id}`)
      return id
    },
    renewSession: (id) => ask('renew', id),
    confirmSession: async () => 'node',
    destroySession: async (id) => void sent.push(`end ${id}`),
  }
  const sessions = new PermitSessions(transport as Transport, new ManualClock(), { endsEarly: true })
  const own = await sessions.create(plan, never)
  return { sessions, own, sent, ended }
}

const never = roomyController().signal
const of = (session: string) => ({ id: 'c', session, name: 'a', permits: 20 }) as never

test('the session of a permit that was given back is used again, and ends after two renewals without use', async () => {
  const { sessions, own, sent } = await pool()
  const claim = of(own)
  expect(await sessions.take(claim, never)).toBe('s0')
  expect(await sessions.take(claim, never)).toBe('s1')
  sessions.giveBack(claim, 's1')
  expect(await sessions.take(claim, never)).toBe('s1')
  sessions.giveBack(claim, 's1')
  expect(sent).toEqual(['open s0', 'open s1'])

  await sessions.renew(own, never)
  await sessions.renew(own, never)
  await sessions.renew(own, never)

  expect(sent.slice(2)).toEqual(['renew s0', 'renew s1', 'end s1', 'renew s0', 'renew s0'])
})

test('a session that is idle when its client ends is ended, too', async () => {
  const { sessions, own, sent } = await pool()
  await sessions.take(of(own), never)
  sessions.giveBack(of(own), await sessions.take(of(own), never))
  await sessions.destroy(own, never)
  expect(sent.slice(2)).toEqual(['end s0', 'end s1'])
})

test('a session that ended is not given to the next claim, and only the claim that has it now is lost', async () => {
  const { sessions, own, ended } = await pool()
  const next = of(own)
  await sessions.take(of(own), never)
  sessions.giveBack(of(own), await sessions.take(of(own), never))
  expect(await sessions.take(next, never)).toBe('s1')
  ended.add('s1')
  expect(await sessions.renew(own, never)).toEqual({ lost: [next] })
  sessions.giveBack(next, 's1')
  expect(await sessions.take(of(own), never)).toBe('s2')
  expect(() => sessions.failed(of(own), 's2', new SessionGoneError('gone'))).toThrow(UnavailableError)
  expect(await sessions.take(of(own), never)).toBe('s3')
})

test('a simulated network takes many requests with one signal of a client, keeps none of them, and Node does not warn', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warn)
  const world = new World(7)
  const network = new Network(world)
  network.weather = fairWeather
  const client = new SimProcess(world, 'client')
  const { signal } = roomyController()
  const host = new SimHost(world, 'server')

  const asked = Promise.all(Array.from({ length: 12 }, () => network.request(client, host, () => 1, signal)))
  await world.run(1_000)

  expect(await asked).toHaveLength(12)
  await new Promise(setImmediate) // in which Node emits its warnings
  process.off('warning', warn)
  expect(warnings).toEqual([])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
