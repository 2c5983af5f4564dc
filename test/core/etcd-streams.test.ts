// Which answers of etcd's two streams are valid, over streams that the test writes by hand.
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { hangUp } from '../../src/backends/etcd/wire/hang-up.ts'
import { KeepAlives } from '../../src/backends/etcd/wire/streams.ts'
import type { Change, WatchListener } from '../../src/backends/etcd/wire/transport.ts'
import { Watches } from '../../src/backends/etcd/wire/watches.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { ManualClock, settle } from './manual-clock.ts'

/** A stream whose other end is the test. */
class FakeStream extends EventEmitter {
  readonly written: object[] = []
  cancelled = false

  write(message: object): void {
    this.written.push(message)
  }

  cancel(): void {
    this.cancelled = true
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
  expect(line.opened[0]?.cancelled).toBe(true)

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
  expect(line.opened[0]?.cancelled).toBe(false)

  await line.say({ ID: '1', TTL: '10' })
  expect(line.opened[0]?.cancelled).toBe(true)
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
  expect(first?.cancelled).toBe(true)

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
/** The first id that a client asks for. */
const id = String(2 ** 32 + 1)
const created = { watch_id: id, created: true, header, events: [] }
const event = (...revisions: number[]): object => ({
  watch_id: id,
  header,
  events: revisions.map((revision) => ({
    type: 'Delete',
    kv: { key: Buffer.from('a'), value: Buffer.alloc(0), mod_revision: String(revision) },
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
  expect(line.opened[0]?.written.at(-1)).toEqual({ cancel_request: { watch_id: id } })
})

/** The ids that were asked for, and the number of streams. */
function askedOf(line: Line): string[] {
  const written = line.opened.at(-1)?.written as { create_request?: { watch_id: string } }[]
  return written.flatMap(({ create_request }) => create_request?.watch_id ?? [])
}

function listening(heard: string[], name: string): WatchListener {
  return {
    created: (revision) => heard.push(`${name} from ${revision}`),
    deleted: ([change]) => heard.push(`${name}: ${change?.key}`),
    failed: () => heard.push(`${name} failed`),
  }
}

test('if the server numbers the watches itself, as etcd grpc-proxy does, each watch gets its own events', async () => {
  const line = new Line()
  const watches = new Watches(line.open)
  const heard: string[] = []
  watches.watch({ key: 'a' }, listening(heard, 'a'))
  await settle()
  await line.say({ ...created, watch_id: '0' })
  expect(heard).toEqual(['a from 5'])

  const stopB = watches.watch({ key: 'b' }, listening(heard, 'b'))
  watches.watch({ key: 'c' }, listening(heard, 'c'))
  await settle()
  // Only one at a time, since the order of the answers is not known.
  expect(askedOf(line).length).toBe(2)
  stopB()
  await line.say({ ...created, watch_id: '1' })
  expect(line.opened[0]?.written).toContainEqual({ cancel_request: { watch_id: '1' } })
  expect(askedOf(line).length).toBe(3)
  await line.say({ ...created, watch_id: '2' })
  await line.say(deletion('2', 'c', 6))
  await line.say(deletion('0', 'a', 7))
  expect(heard).toEqual(['a from 5', 'c from 5', 'c: c', 'a: a'])
  expect(line.opened.length).toBe(1)
})

test('if the server shows that it ignores our ids while several watches begin, all of them ask again', async () => {
  const line = new Line()
  const watches = new Watches(line.open)
  const heard: string[] = []
  for (const name of ['a', 'b']) watches.watch({ key: name }, listening(heard, name))
  await settle()
  expect(askedOf(line).length).toBe(2)
  await line.say({ ...created, watch_id: '0' })
  expect(heard).toEqual(['a failed', 'b failed'])
  for (const name of ['a', 'b']) watches.watch({ key: name }, listening(heard, name))
  await settle()
  expect(line.opened.length).toBe(2)
  expect(askedOf(line).length).toBe(1)
})

test('a server that counts watches by itself and refuses one without a created answer holds up no other one', async () => {
  const line = new Line()
  const watches = new Watches(line.open)
  const heard: string[] = []
  watches.watch({ key: 'a' }, listening(heard, 'a'))
  await settle()
  await line.say({ ...created, watch_id: '0' })
  for (const name of ['b', 'c']) watches.watch({ key: name }, listening(heard, name))
  await settle()
  expect(askedOf(line).length).toBe(2)

  await line.say({ header, watch_id: '1', created: false, canceled: true, events: [] })
  expect(heard).toEqual(['a from 5', 'b failed'])
  await line.say({ ...created, watch_id: '2' })
  expect(heard).toEqual(['a from 5', 'b failed', 'c from 5'])
  expect(line.opened.length).toBe(1)
})

function deletion(watchId: string, key: string, revision: number): object {
  const kv = { key: Buffer.from(key), value: Buffer.alloc(0), mod_revision: String(revision) }
  return { watch_id: watchId, created: false, header, events: [{ type: 'Delete', kv }] }
}

test('a closed stream is cancelled when its last messages are sent or after a second, and not before', async () => {
  for (const sent of [true, false]) {
    const clock = new ManualClock()
    const said: string[] = []
    const events = new EventEmitter()
    const once = (event: 'finish' | 'close', tell: () => void) => events.once(event, tell)
    hangUp({ once, end: () => said.push('end'), cancel: () => said.push('cancel') }, clock)
    await clock.advance(999)
    expect(said).toEqual(['end'])
    if (sent) events.emit('finish')
    expect(said).toEqual(['end'])
    await clock.advance(1)
    expect(said).toEqual(['end', 'cancel'])
    await clock.advance(2_000)
    expect(said).toEqual(['end', 'cancel'])
  }
})
