// One AbortSignal for many calls of a client, such as the signal of a shutdown: it gets one listener, and ends each call.
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import type { Hold } from '../../src/index.ts'
import { oneClient, twoClients } from './clients.ts'
import { FaultyStore } from './faulty.ts'
import { settle } from './manual-clock.ts'

const names = ['a', 'b', 'c', 'd']

test('calls that share a signal put one listener on it, and each ends when it aborts', async () => {
  const { one, other } = await twoClients(10_000)
  const holds = await Promise.all(names.map((name) => other.mutex(name).acquire()))
  const shutdown = new AbortController()
  const { signal } = shutdown
  const ended: unknown[] = []
  const note = (error: unknown) => void ended.push(error)
  for (const name of [...names, ...names]) one.mutex(name).acquire({ signal }).catch(note)
  one.mutexes(['a', 'b']).acquire({ signal }).catch(note)
  one.election('a').campaign({ value: 'one', signal }).catch(note)
  await settle()
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  expect(ended).toEqual([])

  shutdown.abort('over')
  await settle()
  expect(ended).toEqual(Array(names.length * 2 + 2).fill('over'))
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(holds.every(({ held }) => held)).toBe(true)
})

test('a call that ends leaves the signal to the others, and the last one leaves no listener', async () => {
  const { one, other } = await twoClients(10_000)
  const holds = await Promise.all(names.map((name) => other.mutex(name).acquire()))
  const { signal } = new AbortController()
  const acquired: Promise<Hold>[] = names.map((name) => one.mutex(name).acquire({ signal }))
  await settle()
  for (const [index, hold] of holds.entries()) {
    expect(getEventListeners(signal, 'abort'), `${index} ended`).toHaveLength(1)
    await hold.release()
    await acquired[index]
  }
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a signal that has aborted before ends each call at once', async () => {
  const { one } = await twoClients(10_000)
  const signal = AbortSignal.abort('over')
  for (const name of names) await expect(one.mutex(name).acquire({ signal })).rejects.toBe('over')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('a signal that the calls of a dozen clients share causes no warning of the process', async () => {
  const warnings: string[] = []
  const note = ({ message }: Error) => void warnings.push(message)
  process.on('warning', note)
  const store = new FaultyStore()
  const clients = await Promise.all(Array.from({ length: 12 }, () => oneClient(10_000, store)))
  const { signal } = new AbortController()
  for (const { client } of clients) client.mutex('a').acquire({ signal })
  await settle()
  process.off('warning', note)
  expect(getEventListeners(signal, 'abort')).toHaveLength(11)
  expect(warnings).toEqual([])
})
