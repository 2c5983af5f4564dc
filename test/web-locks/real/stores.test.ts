// Web locks of two clients on real stores: a few of the behaviours that memory shows in detail.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { file } from '../../../src/backends/file/index.ts'
import type { BackendSource } from '../../../src/contract.ts'
import { until } from '../../../tools/servers/wait.mjs'
import { freshNamespace } from '../../servers/etcd.ts'
import { realStores } from '../../servers/real-stores.ts'
import { ask, failure, twoClients } from '../scene.ts'

/** A folder of its own, as a store with the face of the others. */
function useFile(): { readonly ttlMs: number; source(): BackendSource } {
  return {
    ttlMs: 4_000,
    source() {
      const directory = mkdtempSync(join(tmpdir(), 'leasehold-web-locks-'))
      onTestFinished(() => rmSync(directory, { recursive: true }))
      return file({ directory })
    },
  }
}

describe.for([...realStores, { title: 'file', use: useFile }])('on $title', ({ use }) => {
  const store = use()
  const pair = () => twoClients(store.source(freshNamespace()), { ttlMs: store.ttlMs })

  test('exclusive and shared locks of two clients exclude each other, in order, and `query` shows them to both', async () => {
    const { one, other } = await pair()
    const readers = [ask(one, 'a', 'shared'), ask(other, 'a', 'shared')] as const
    await Promise.all(readers.map(({ begun }) => begun))
    const writer = ask(other, 'a')
    await readers[1].end()
    const modes = (infos: readonly { mode: string }[]): string[] => infos.map(({ mode }) => mode)
    const both = async () => Promise.all([one.query(), other.query()])
    const waits = async () => (await both()).every(({ pending }) => pending.length === 1)
    await until(waits, { describe: () => 'the writer stands in line' })
    for (const { held, pending } of await both())
      expect([modes(held), modes(pending)]).toEqual([['shared'], ['exclusive']])
    expect(await one.request('a', { mode: 'shared', ifAvailable: true }, (lock) => lock)).toBeNull()
    expect(writer.state).toBe('waits')
    await readers[0].end()
    const lock = await writer.begun
    expect(await one.request('a', { ifAvailable: true }, (taken) => taken)).toBeNull()
    for (const { held } of await both()) expect(modes(held)).toEqual(['exclusive'])
    await writer.end()
    expect(await one.request('a', (next) => (next?.token ?? 0n) > (lock?.token ?? 0n))).toBe(true)
    for (const snapshot of await both()) expect(snapshot).toEqual({ held: [], pending: [] })
  })

  test.for(['exclusive', 'shared'] as const)(
    'a lock that %s holders of another client have is stolen, and their requests reject',
    async (mode) => {
      const { one, other } = await pair()
      const holders = mode === 'shared' ? [ask(one, 'a', mode), ask(one, 'a', mode)] : [ask(one, 'a')]
      const locks = await Promise.all(holders.map(({ begun }) => begun))
      const thief = ask(other, 'a', { steal: true })
      await thief.begun
      for (const holder of holders) expect((await failure(holder)).name).toBe('AbortError')
      expect(locks.map((lock) => lock?.signal.aborted)).toEqual(holders.map(() => true))
      await thief.end()
      for (const locks of [one, other]) expect(await locks.request('a', () => 'free')).toBe('free')
    },
  )

  test('a wait that its signal ends leaves the line to the next request', async () => {
    const { one, other } = await pair()
    const held = ask(one, 'a', 'shared')
    await held.begun
    const controller = new AbortController()
    const writer = ask(other, 'a', { signal: controller.signal })
    await until(async () => (await one.query()).pending.length === 1, { describe: () => 'the writer waits' })
    controller.abort('enough')
    expect(await writer.done.catch((error) => error)).toBe('enough')
    const reader = ask(other, 'a', 'shared')
    await reader.begun
    expect(held.state).toBe('works')
    await Promise.all([reader.end(), held.end()])
  })
})
