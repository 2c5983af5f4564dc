// The history that `leasehold ui` keeps: which claim of one look is which of the next one, and that it stays bounded. And a
// page whose reader is slow.
import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Chronicle, historyMs } from '../../../src/cli/ui/chronicle.ts'
import { Stream } from '../../../src/cli/ui/stream.ts'
import type { NameState, Standing } from '../../../src/contract.ts'

const begin = Date.parse('2026-03-01T08:00:00Z')

let chronicle: Chronicle
let nowMs: number
beforeEach(() => {
  chronicle = new Chronicle()
  nowMs = begin
})

interface Claimed {
  readonly token: number
  readonly held?: boolean
  readonly session?: string
  readonly askedMs?: number
}

function claim({ token, held = false, session = 's', askedMs = begin }: Claimed): Standing {
  const value = JSON.stringify({ host: 'h', pid: 1, since: new Date(askedMs).toISOString() })
  return { session, held, value, token: BigInt(token) }
}

const state = (name: string, claims: readonly Claimed[]): NameState => ({
  name,
  permits: 1,
  claims: claims.map(claim),
})

/** A look, one second after the last one. */
function look(states: readonly NameState[], { afterMs = 1_000, failed = false } = {}) {
  nowMs += afterMs
  return chronicle.note(nowMs, states, [], failed)
}

test('a claim that gets another token when it holds, as on Consul, has waited and not left the line', () => {
  look([
    state('a', [
      { token: 5, held: true, session: 'old' },
      { token: 7, session: 'new' },
    ]),
  ])
  const news = look([state('a', [{ token: 9, held: true, session: 'new' }])])
  expect(news.waits).toEqual([{ name: 'a', at: nowMs, ms: 2_000, held: true }])
  expect(news.spans).toMatchObject([
    { token: '5', to: nowMs },
    { token: '9', from: nowMs, to: null, whole: true },
  ])
})

test('two claims of one client that asked in the same millisecond are two claims, look after look', () => {
  const both = [state('a', [{ token: 5, held: true }, { token: 6, held: true }, { token: 7 }, { token: 8 }])]
  expect(look(both).spans).toHaveLength(2)
  for (let looks = 0; looks < 3; looks += 1)
    expect(look(both)).toEqual({ spans: [], waits: [], ticks: [], gaps: [] })
  const news = look([state('a', [{ token: 6, held: true }, { token: 7, held: true }, { token: 8 }])])
  expect(news.spans).toMatchObject([
    { token: '5', to: nowMs },
    { token: '7', to: null },
  ])
  expect(news.waits).toMatchObject([{ held: true }])
})

test('a time without looks is a gap with its reason, and a hold that ended in it ends where it was seen last', () => {
  look([state('a', [{ token: 5, held: true }])])
  const seenMs = nowMs
  expect(look([], { afterMs: 60_000, failed: true })).toMatchObject({
    gaps: [{ from: seenMs, to: nowMs, reason: 'no answer' }],
    spans: [{ token: '5', to: seenMs }],
  })
  expect(look([], { afterMs: 60_000 }).gaps).toMatchObject([{ reason: 'unwatched' }])
})

test('the history stays bounded while a name changes hands all night', () => {
  for (let token = 1; token < 10_000; token += 1) {
    look(
      [
        state('a', [
          { token, held: true },
          { token: token + 1, session: `s${token}` },
        ]),
      ],
      { afterMs: 10 },
    )
  }
  const { spans, waits } = chronicle.history
  expect(spans.length).toBeLessThanOrEqual(2_000)
  expect(waits.length).toBeLessThanOrEqual(2_000)
  expect(spans.at(-1)).toMatchObject({ token: '9999', to: null })
  look([], { afterMs: historyMs + 1_000 })
  look([], { afterMs: historyMs + 1_000 })
  expect(chronicle.history).toMatchObject({ spans: [], waits: [], ticks: [] })
  expect(chronicle.history.gaps).toHaveLength(1)
})

/** A response whose reader takes nothing until `read`. */
class Pipe extends EventEmitter {
  writableLength = 0
  destroyed = false
  readonly written: string[] = []
  write(text: string): boolean {
    this.written.push(text)
    this.writableLength += text.length
    return this.writableLength < 16_384
  }
  read(): void {
    this.writableLength = 0
    this.emit('drain')
  }
}

test('a slow reader misses changes, keeps the memory small, and gets the whole state when it has caught up', () => {
  const pipe = new Pipe()
  const stream = new Stream(pipe as unknown as ServerResponse, systemClock())
  stream.send('change 0', () => 'whole 0')
  expect(pipe.written.at(-1)).toBe('whole 0')
  const change = 'x'.repeat(100_000)
  for (let sent = 0; sent < 100; sent += 1) stream.send(change, () => 'not now')
  expect(pipe.writableLength).toBeLessThan(1_200_000)
  expect(pipe.written).not.toContain('not now')
  const pulses = pipe.written.length
  stream.pulse('pulse')
  expect(pipe.written.length).toBe(pulses)
  pipe.read()
  stream.send('change 101', () => 'whole 101')
  stream.send('change 102', () => 'whole 102')
  stream.pulse('pulse')
  expect(pipe.written.slice(-2)).toEqual(['whole 101', 'change 102'])
})
