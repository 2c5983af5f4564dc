// The sessions of a client that has many permits, over a transport that answers as the test says.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { PermitSessions } from '../../../src/backends/consul/permit-sessions.ts'
import type { Transport } from '../../../src/backends/consul/wire/transport.ts'
import { fairWeather, Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { SimHost } from '../../../src/testing/server.ts'
import { World } from '../../../src/testing/world.ts'

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
  const sessions = new PermitSessions(lost as Transport)
  const session = await sessions.create(plan, new AbortController().signal)
  const claim = { id: 'c', session, name: 'a', permits: 20, wait: true, kind: 'semaphore' } as never
  const { signal } = new AbortController()

  await sessions.take(claim, signal)
  for (let extra = 0; extra < 12; extra += 1) sessions.take(claim, signal).catch(() => {})

  expect(signals).toHaveLength(13)
  for (const each of signals) expect(getEventListeners(each, 'abort')).toHaveLength(1)
})

test('a simulated network takes many requests with one signal, and Node does not warn of them', async () => {
  const warnings: Error[] = []
  const warn = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warn)
  const world = new World(7)
  const network = new Network(world)
  network.weather = fairWeather
  const client = new SimProcess(world, 'client')
  const { signal } = new AbortController()
  const host = new SimHost(world, 'server')

  const asked = Promise.all(Array.from({ length: 12 }, () => network.request(client, host, () => 1, signal)))
  await world.run(1_000)

  expect(await asked).toHaveLength(12)
  await new Promise(setImmediate) // in which Node emits its warnings
  process.off('warning', warn)
  expect(warnings).toEqual([])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
