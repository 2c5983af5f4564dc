// Which keys of a line a claim on a semaphore of etcd reads, over the data of a simulated server whose events the test sends.
import type { IRangeRequest, ITxnRequest } from 'etcd3'
import { expect, test } from 'vitest'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { KnownLine } from '../../src/backends/etcd/known-line.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import type { StandingKey } from '../../src/backends/etcd/line.ts'
import type { Change, WatchListener } from '../../src/backends/etcd/wire/transport.ts'
import type { Attempt, Claim } from '../../src/contract.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock, settle } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal
const permits = 40

/** A server whose clients watch, and the number of keys that each transaction has read. */
class Server {
  readonly clock = new ManualClock()
  readonly read: number[] = []
  readonly watches = new Set<WatchListener>()
  /** Events wait here while it is set. */
  late: Change[] | undefined
  readonly state: EtcdState = new EtcdState((changes) => {
    const deleted = changes.filter(({ kind }) => kind === 'deleted')
    if (this.late) this.late.push(...deleted)
    else this.tell(deleted)
  })
  #claims = 0

  tell(deleted: readonly Change[]): void {
    if (deleted.length > 0) for (const listener of [...this.watches]) listener.deleted(deleted)
  }

  async client(): Promise<{ backend: EtcdBackend; claim: (more?: object) => Claim }> {
    const transport = scripted({
      txn: async (request) => {
        await Promise.resolve()
        const answer = this.state.txn(request)
        this.read.push(keysOf(request, answer.responses))
        return answer
      },
      grant: async (lease, seconds) => {
        this.state.grant(lease)
        return seconds
      },
      watch: (_range, listener) => {
        this.watches.add(listener)
        listener.created(this.state.revision)
        return () => this.watches.delete(listener)
      },
    })
    const backend = new EtcdBackend(transport, new Layout(''), this.clock)
    const { id: session } = await backend.createSession(60_000, never)
    const claim = (more = {}): Claim => {
      this.#claims += 1
      return claimOf('a', session, { permits, id: String(this.#claims), ...more })
    }
    return { backend, claim }
  }

  /** The keys of lines that were read since the last call. */
  since(): number[] {
    return this.read.splice(0)
  }
}

/** How many keys the reads of whole lines have found. */
function keysOf(
  { success }: ITxnRequest,
  responses: readonly { response_range?: { kvs: unknown[] } }[],
): number {
  const isLine = ({ range_end: end }: IRangeRequest): boolean => String(end) === 'a0'
  return responses.reduce(
    (sum, { response_range: range }, place) =>
      sum +
      (success?.[place]?.request_range && isLine(success[place].request_range)
        ? (range?.kvs.length ?? 0)
        : 0),
    0,
  )
}

/** A client that waits in a line whose permits another client has, and who takes part in it. */
async function scene() {
  const server = new Server()
  const [holder, own] = [await server.client(), await server.client()]
  const holds = Array.from({ length: permits }, () => holder.claim())
  for (const claim of holds) await holder.backend.attempt(claim, never)
  const wait = async (claim = own.claim()) => {
    const answer: Attempt = await own.backend.attempt(claim, never)
    const limit = new AbortController()
    const woken = own.backend.changed(claim, answer, limit.signal).catch(() => 'aborted' as const)
    await settle()
    return { claim, answer, woken, limit }
  }
  const first = await wait()
  await (await wait()).answer // the first look after the watch has begun is the one that is kept
  server.since()
  return { server, holder, own, holds, wait, first }
}

test('a claim that joins a line which its client watches reads only the keys that came since', async () => {
  const { server, holder, wait } = await scene()
  await holder.backend.attempt(holder.claim(), never)
  server.since()
  // It waits for one more end than the claim before it: two of its client and one of the other client stand ahead.
  expect((await wait()).answer).toMatchObject({ held: false, ahead: 4 })
  expect((await wait()).answer).toMatchObject({ held: false, ahead: 5 })
  expect(Math.max(...server.since())).toBeLessThanOrEqual(2)
})

test('a claim that has waited long looks at its own key alone when events have shown that it has room', async () => {
  const { server, holder, own, holds, first } = await scene()
  await holder.backend.withdraw(holds[0] as Claim, never)
  expect(await first.woken).toMatchObject({ held: true })
  server.since()
  expect(await own.backend.attempt(first.claim, never)).toMatchObject({ held: true })
  expect(server.since()).toEqual([0])
})

test('a claim whose key was removed does not hold, although events have shown that it has room', async () => {
  const { server, holder, own, holds, first } = await scene()
  await holder.backend.withdraw(holds[0] as Claim, never)
  await first.woken
  const key = own.backend.key(first.claim)?.name ?? ''
  server.state.txn({ success: [{ request_delete_range: { key: Buffer.from(key) } }] })
  expect(await own.backend.attempt(first.claim, never)).toMatchObject({ held: false })
})

test('claims whose events are late wait, and hold when the events come', async () => {
  const { server, holder, holds, wait, first } = await scene()
  server.late = []
  await holder.backend.withdraw(holds[0] as Claim, never)
  await holder.backend.withdraw(holds[1] as Claim, never)
  const second = await wait()
  expect(second.answer).toMatchObject({ held: false })
  server.tell(server.late.splice(0))
  expect(await first.woken).toMatchObject({ held: true })
})

test('an event that is lost keeps a line too long for 5 s at most', async () => {
  const { server, holder, holds, wait, first, own } = await scene()
  server.late = []
  for (const claim of holds) await holder.backend.withdraw(claim, never)
  await server.clock.advance(5_000)
  expect((await wait()).answer).toMatchObject({ held: true })
  first.limit.abort()
  expect(await own.backend.attempt(first.claim, never)).toMatchObject({ held: true })
})

test('when a watch breaks, the next claim reads the line again', async () => {
  const { server, wait } = await scene()
  for (const listener of [...server.watches]) listener.failed()
  server.since()
  const { answer } = await wait()
  expect(answer).toMatchObject({ held: false, ahead: 3 })
  expect(Math.max(...server.since())).toBeGreaterThan(permits)
})

test('the looks of a hundred claims that begin to wait at once are few', async () => {
  const { server, wait } = await scene()
  for (const listener of [...server.watches]) listener.failed()
  server.since()
  await Promise.all(Array.from({ length: 100 }, () => wait()))
  const whole = server.since().filter((keys) => keys > permits)
  expect(whole.length).toBeLessThanOrEqual(4)
})

const keyAt = (key: string, created: bigint): StandingKey => ({
  key,
  created,
  permits: 4,
  weight: 1,
  leased: true,
})
const keysBefore = (line: KnownLine, revision: bigint) => line.before(revision)?.keys.map(({ key }) => key)

test('an answer that was read before a deletion whose event came first does not bring the key back', () => {
  const line = new KnownLine(new ManualClock())
  line.created(5n)
  line.deleted([{ key: 'a/1', revision: 9n }])
  expect(line.take({ found: [keyAt('a/2', 7n), keyAt('a/1', 6n)], after: 0n, upTo: 8n, revision: 8n })).toBe(
    true,
  )
  expect(keysBefore(line, 9n)).toEqual(['a/2'])
  line.deleted([{ key: 'a/3', revision: 12n }])
  expect(line.take({ found: [keyAt('a/3', 10n)], after: 8n, upTo: 10n, revision: 11n })).toBe(true)
  expect(keysBefore(line, 11n)).toEqual(['a/2'])
})

test('an old event about a key that was made anew does not remove it', () => {
  const line = new KnownLine(new ManualClock())
  line.created(5n)
  line.take({ found: [keyAt('a/1', 8n)], after: 0n, upTo: 9n, revision: 9n })
  line.deleted([{ key: 'a/1', revision: 7n }])
  expect(keysBefore(line, 10n)).toEqual(['a/1'])
})

test('a part of a line counts only if everything before it is known, and no line is known further than it was read', () => {
  const line = new KnownLine(new ManualClock())
  const part = { found: [keyAt('a/2', 12n)], after: 10n, upTo: 12n, revision: 12n }
  expect(line.take({ found: [], after: 0n, upTo: 8n, revision: 8n })).toBe(false) // the watch has not begun
  line.created(5n)
  expect(line.take(part)).toBe(false)
  line.take({ found: [keyAt('a/1', 6n)], after: 0n, upTo: 8n, revision: 8n })
  expect(line.take(part)).toBe(false)
  expect([keysBefore(line, 9n), keysBefore(line, 10n)]).toEqual([['a/1'], undefined])
  expect(line.take({ ...part, after: 8n })).toBe(true)
  expect(keysBefore(line, 13n)).toEqual(['a/2', 'a/1'])
})

test('an answer is refused if it is older than the deletions that are remembered', () => {
  const line = new KnownLine(new ManualClock())
  line.created(5n)
  for (let revision = 10n; revision < 400n; revision += 1n) line.deleted([{ key: `a/${revision}`, revision }])
  expect(line.take({ found: [keyAt('a/50', 6n)], after: 0n, upTo: 40n, revision: 40n })).toBe(false)
  expect(line.take({ found: [], after: 0n, upTo: 400n, revision: 400n })).toBe(true)
})
