// Which listeners of one client share a watch of etcd, over a transport that the test answers.
import { expect, test } from 'vitest'
import { sharingWatches } from '../../src/backends/etcd/shared-watches.ts'
import type { KeyRange, WatchListener } from '../../src/backends/etcd/wire/transport.ts'
import { scripted } from './scripted-transport.ts'

/** The watches that the transport has. */
class Watched {
  readonly begun: { readonly range: KeyRange; readonly listener: WatchListener; stopped: boolean }[] = []
  readonly transport = sharingWatches(
    scripted({
      watch: (range: KeyRange, listener: WatchListener) => {
        const watch = { range, listener, stopped: false }
        this.begun.push(watch)
        return () => {
          watch.stopped = true
        }
      },
    }),
  )
}

/** A listener, and what it learned. */
class Log implements WatchListener {
  readonly said: string[] = []
  readonly created = (revision: bigint): unknown => this.said.push(`from ${revision}`)
  readonly deleted: WatchListener['deleted'] = (changes) =>
    this.said.push(changes.map(({ key }) => key).join())
  readonly failed = (): unknown => this.said.push('failed')
}

const line = { key: 'a/', end: 'a0' }
const gone = (key: string, revision: bigint) => [{ key, revision }]

test('listeners to one range share a watch, and each gets every event after the revision that it is told', async () => {
  const { begun, transport } = new Watched()
  const [one, two] = [new Log(), new Log()]
  transport.watch(line, one)
  begun[0]?.listener.created(5n)
  begun[0]?.listener.deleted(gone('a/1', 7n))
  transport.watch(line, two)
  expect(two.said).toEqual([])
  await Promise.resolve()
  begun[0]?.listener.deleted(gone('a/2', 8n))
  expect(begun).toHaveLength(1)
  expect(one.said).toEqual(['from 5', 'a/1', 'a/2'])
  expect(two.said).toEqual(['from 7', 'a/2'])
})

test('a watch ends with its last listener, and takes no new one after the first has left', async () => {
  const { begun, transport } = new Watched()
  const [one, two, three] = [new Log(), new Log(), new Log()]
  const leave = [one, two].map((log) => transport.watch(line, log))
  begun[0]?.listener.created(5n)
  leave[0]?.()
  expect(begun[0]?.stopped).toBe(false)
  transport.watch(line, three)
  expect(begun).toHaveLength(2)
  begun[0]?.listener.failed()
  leave[1]?.()
  expect(begun[0]?.stopped).toBe(true)
  expect(two.said).toEqual(['from 5', 'failed'])
  await Promise.resolve()
  expect([one.said, three.said]).toEqual([['from 5'], []])
})

test('a watch whose first listener leaves by an event takes new ones until the next listener has left without one', () => {
  const { begun, transport } = new Watched()
  const leaves = new Log()
  const stop = transport.watch(line, { ...leaves, deleted: () => stop() })
  const leave = transport.watch(line, new Log())
  begun[0]?.listener.created(5n)
  begun[0]?.listener.deleted(gone('a/1', 7n))
  transport.watch(line, new Log())
  expect(begun).toHaveLength(1)
  leave()
  transport.watch(line, new Log())
  expect(begun).toHaveLength(2)
})

test('other ranges, and listeners that want writes, have watches of their own', () => {
  const { begun, transport } = new Watched()
  transport.watch(line, new Log())
  transport.watch({ key: 'a/' }, new Log())
  transport.watch(line, Object.assign(new Log(), { written() {} }))
  expect(begun).toHaveLength(3)
  expect(begun.map(({ listener }) => listener.written !== undefined)).toEqual([false, false, true])
})
