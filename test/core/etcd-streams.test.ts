// Which answers of etcd's two streams are valid, over streams that the test writes by hand.
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { KeepAlives, Watches } from '../../src/backends/etcd/wire/streams.ts'
import type { Change, WatchListener } from '../../src/backends/etcd/wire/transport.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { settle } from './manual-clock.ts'

/** A stream whose other end is the test. */
class FakeStream extends EventEmitter {
  readonly written: object[] = []
  closed = false

  write(message: object): void {
    this.written.push(message)
  }

  end(): void {}

  cancel(): void {
    this.closed = true
  }
}

/** Opens one stream after another, and keeps all of them. */
class Line {
  readonly opened: FakeStream[] = []
  readonly open = async <T>(): Promise<T> => {
    const stream = new FakeStream()
    this.opened.push(stream)
    return stream as unknown as T
  }

  /** The server's next message on the newest stream. */
  async say(answer: object): Promise<void> {
    this.opened.at(-1)?.emit('data', answer)
    await settle()
  }
}

const never = new AbortController().signal

test('only an answer for its own lease counts for a renewal, and any other answer closes the stream', async () => {
  const line = new Line()
  const keepAlives = new KeepAlives(line.open)
  const renewed = keepAlives.renew('1', never).catch((error: unknown) => error)
  await settle()

  await line.say({ ID: '2', TTL: '10' })
  expect(await renewed).toBeInstanceOf(UnavailableError)
  expect(line.opened[0]?.closed).toBe(true)

  const again = keepAlives.renew('1', never)
  await settle()
  await line.say({ ID: '1', TTL: '10' })
  expect(await again).toBeUndefined()
  expect(line.opened.length).toBe(2)
})

test('an answer without a question closes the stream, so that it cannot pass for the next answer', async () => {
  const line = new Line()
  const keepAlives = new KeepAlives(line.open)
  const renewed = keepAlives.renew('1', never)
  await settle()
  await line.say({ ID: '1', TTL: '10' })
  await renewed
  expect(line.opened[0]?.closed).toBe(false)

  await line.say({ ID: '1', TTL: '10' })
  expect(line.opened[0]?.closed).toBe(true)
})

test('two renewals of two leases at the same time each get their own answer', async () => {
  const line = new Line()
  const keepAlives = new KeepAlives(line.open)
  const answered: string[] = []
  for (const lease of ['1', '2']) void keepAlives.renew(lease, never).then(() => answered.push(lease))
  await settle()

  await line.say({ ID: '2', TTL: '10' })
  expect(answered).toEqual(['2'])
  await line.say({ ID: '1', TTL: '10' })
  expect(answered).toEqual(['2', '1'])
})

test('an aborted renewal closes the stream, and its late answer counts for no renewal', async () => {
  const line = new Line()
  const keepAlives = new KeepAlives(line.open)
  const limit = new AbortController()
  const late = keepAlives.renew('1', limit.signal).catch((error: unknown) => error)
  await settle()
  limit.abort('given up')
  expect(await late).toBe('given up')
  const [first] = line.opened
  await settle()
  expect(first?.closed).toBe(true)

  let counts = false
  void keepAlives.renew('1', never).then(() => {
    counts = true
  })
  await settle()
  first?.emit('data', { ID: '1', TTL: '10' })
  await settle()
  expect(counts).toBe(false)
  await line.say({ ID: '1', TTL: '10' })
  expect(counts).toBe(true)
})

const header = { revision: '5' }
const created = { watch_id: '1', created: true, header, events: [] }
const event = (...revisions: number[]): object => ({
  watch_id: '1',
  header,
  events: revisions.map((revision) => ({
    type: 'Delete',
    kv: { key: Buffer.from('a'), mod_revision: String(revision) },
  })),
})

/** A watch on a stream, and its events. */
async function watched(): Promise<{ line: Line; heard: string[] }> {
  const [line, heard] = [new Line(), [] as string[]]
  const listener: WatchListener = {
    created: (revision) => void heard.push(`live at ${revision}`),
    deleted: (deletions: readonly Change[]) =>
      void heard.push(deletions.map(({ revision }) => revision).join(' and ')),
    failed: () => void heard.push('ended'),
  }
  new Watches(line.open).watch({ key: 'a' }, listener)
  await settle()
  return { line, heard }
}

test('a watch gets its events in order, also the events of one transaction with one revision', async () => {
  const { line, heard } = await watched()
  for (const answer of [created, event(6), event(7, 7, 8)]) await line.say(answer)
  expect(heard).toEqual(['live at 5', '6', '7 and 7 and 8'])
})

test.for([
  ['an event twice', [created, event(6), event(6)], ['live at 5', '6', 'ended']],
  ['an event after a later one', [created, event(8), event(7)], ['live at 5', '8', 'ended']],
  ['events of one answer in the wrong order', [created, event(8, 7)], ['live at 5', 'ended']],
  ['an event before the watch is live', [event(6), created], ['ended']],
  ['twice that it is live', [created, created], ['live at 5', 'ended']],
  ['that it is live, without a revision', [{ ...created, header: null }], ['ended']],
  ['an event without a key', [created, { ...event(6), events: [{ kv: null }] }], ['live at 5', 'ended']],
] as const)('a watch that gets %s ends, and cancels on the server', async ([, answers, story]) => {
  const { line, heard } = await watched()
  for (const answer of [...answers, event(9)]) await line.say(answer)
  expect(heard).toEqual(story)
  expect(line.opened[0]?.written.at(-1)).toEqual({ cancel_request: { watch_id: '1' } })
})
