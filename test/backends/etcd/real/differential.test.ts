// Compares the simulated etcd with real ones: both must give the same answers to any questions in any order. No other
// client asks these servers, and each sequence leaves no key, so that every revision can be compared.
import type { ICompare, IRangeResponse, IRequestOp, ITxnResponse } from 'etcd3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as requests from '../../../../src/backends/etcd/operations.ts'
import { EtcdClient } from '../../../../src/backends/etcd/wire/client.ts'
import { member } from '../../../../src/backends/etcd/wire/http2/link.ts'
import type { Change, KeyRange, Transport } from '../../../../src/backends/etcd/wire/transport.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { SimEtcd, type WatchMessage } from '../../../../src/testing/etcd/server.ts'
import { World } from '../../../../src/testing/world.ts'
import { type EtcdCluster, type EtcdLine, startEtcd } from '../../../../tools/servers/run.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { answerOf, Seen, tryAll } from '../../../servers/differential.ts'
import { failOnComplaints } from '../../../servers/etcd.ts'
import { etcdLines } from '../../../servers/lines.ts'

/**
 * Names that contain one another, names that sort differently in UTF-16 than in bytes, and keys that no name can
 * contain.
 */
const keys = ['a', 'a/', 'a/1', 'a/2', 'a/b/1', 'ab/1', 'a/\0x', '\0leasehold/a', 'a/\uffee', 'a/\u{1f512}']
/** The last two are all keys and no key. */
const ranges: readonly KeyRange[] = [
  { key: 'a/', end: 'a0' },
  { key: 'a', end: 'b' },
  { key: 'a/b/', end: 'a/b0' },
  { key: 'a/1', end: 'a/3' },
  { key: '\0leasehold/', end: '\0leasehold0' },
  { key: '\0', end: '\0' },
  { key: 'b', end: 'a' },
]
const everything = { request_delete_range: { key: Buffer.from('\0'), range_end: Buffer.from('\0') } }

/** Revisions are counted from the beginning of the sequence; 0 is etcd's own 0. */
type Comparison =
  | { readonly if: 'absent'; readonly key: string }
  | { readonly if: 'createdAt'; readonly key: string; readonly revision: number }
  | { readonly if: 'noneSince'; readonly range: KeyRange; readonly revision: number }
  | { readonly if: 'versionIs'; readonly key: string; readonly times: number }

/** A lease of 0 is no lease; the others are numbered within the sequence. */
type Operation =
  | { readonly do: 'get' | 'touch' | 'remove'; readonly key: string }
  | { readonly do: 'put'; readonly key: string; readonly value: string; readonly lease: number }
  | { readonly do: 'latest'; readonly range: KeyRange; readonly limit: number; readonly before: number }
  | { readonly do: 'inOrder'; readonly range: KeyRange; readonly limit: number }
  | { readonly do: 'keysInOrder'; readonly range: KeyRange; readonly limit: number }
  | { readonly do: 'leases'; readonly range: KeyRange; readonly from: number; readonly to: number }

type Step =
  | {
      readonly ask: 'txn'
      readonly compare: readonly Comparison[]
      readonly success: readonly Operation[]
      readonly failure: readonly Operation[]
    }
  | { readonly ask: 'grant' | 'keepAlive' | 'revoke'; readonly lease: number }
  | { readonly ask: 'watch'; readonly range: KeyRange }

/** Only a few keys, so that the steps of a sequence meet. */
const key = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('a/1', 'a/2') },
  { weight: 3, arbitrary: fc.constantFrom(...keys) },
)
const single = key.map((name): KeyRange => ({ key: name }))
const range = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ranges) }, single)
/** etcd refuses to watch a range that cannot contain a key. */
const watched = fc.oneof(fc.constantFrom(...ranges.slice(0, -1)), single)
const revision = fc.integer({ min: 0, max: 8 })
const lease = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 3 }))
const maybeLease = fc.oneof(fc.constant(0), lease)

const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({ if: fc.constant('absent' as const), key }),
  fc.record({ if: fc.constant('createdAt' as const), key, revision }),
  // Only ranges with an end: in a read-only transaction etcd 3.5 treats a missing end as an empty range.
  fc.record({ if: fc.constant('noneSince' as const), range: fc.constantFrom(...ranges), revision }),
  fc.record({ if: fc.constant('versionIs' as const), key, times: fc.integer({ min: 0, max: 3 }) }),
)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      key,
      value: fc.constantFrom('', 'x', 'ü'),
      lease: maybeLease,
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('get', 'touch', 'remove'), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('latest' as const),
      range,
      limit: fc.integer({ min: 0, max: 3 }),
      before: revision,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('inOrder', 'keysInOrder'),
      range,
      limit: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('leases' as const), range, from: revision, to: revision }),
  },
)
const operations = fc.array(operation, { maxLength: 4 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      ask: fc.constant('txn' as const),
      compare: fc.array(comparison, { maxLength: 2 }),
      success: operations,
      failure: operations,
    }),
  },
  { weight: 4, arbitrary: fc.record({ ask: fc.constantFrom('grant', 'keepAlive', 'revoke'), lease }) },
  { weight: 1, arbitrary: fc.record({ ask: fc.constant('watch' as const), range: watched }) },
)
const sequences = fc.array(step, { minLength: 1, maxLength: 12, size: 'max' })

/** Most leases in a sequence should exist. */
const grant: Step = { ask: 'grant', lease: 1 }

/** The state of a server at the beginning of a sequence. */
interface Beginning {
  readonly revision: bigint
  /** Leases are numbered from this one on. */
  readonly lease: number
}

const never = new AbortController().signal
const clock = systemClock()
let leases = 0

/** One sequence on one server, with the answers. */
class Play {
  readonly #store: Transport
  readonly #beginning: Beginning
  readonly #watches: Watch[] = []
  readonly answers: unknown[] = []

  constructor(store: Transport, beginning: Beginning) {
    this.#store = store
    this.#beginning = beginning
  }

  /** At the end every key is written and deleted, so that every watch has an event to see, and the store is empty. */
  async run(steps: readonly Step[]): Promise<void> {
    for (const each of [grant, ...steps]) this.answers.push(await answerOf(() => this.#ask(each)))
    const writeAll = keys.map((name) => requests.put(name, ''))
    if (this.#watches.length > 0) this.answers.push(await this.#txn([], writeAll, []))
    const last = await this.#txn([], [everything], [])
    for (const watch of this.#watches) {
      if (writeAll.length > 0) await watch.seen(last.revision)
      this.answers.push(watch.told.toSorted(byRevision))
    }
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
  }

  async #ask(step: Step): Promise<unknown> {
    switch (step.ask) {
      case 'txn': {
        const [success, failure] = [this.#operations(step.success), this.#operations(step.failure)]
        return this.#txn(
          step.compare.map((each) => this.#comparison(each)),
          success,
          failure,
        )
      }
      case 'grant':
        return this.#store.grant(this.#lease(step.lease), 600, never)
      case 'keepAlive':
      case 'revoke':
        return this.#store[step.ask](this.#lease(step.lease), never)
      case 'watch': {
        const watch = new Watch(this.#store, step.range, (absolute) => this.#counted(absolute))
        this.#watches.push(watch)
        return watch.created
      }
    }
  }

  async #txn(compare: ICompare[], success: IRequestOp[], failure: IRequestOp[]) {
    const answer = await this.#store.txn(requests.txn(compare, success, failure), never)
    const asked = answer.succeeded ? success : failure
    const answers = asked.map((operation, at) => this.#result(operation, answer, at))
    return { succeeded: answer.succeeded, revision: this.#counted(answer.header.revision), answers }
  }

  #result(
    { request_put, request_delete_range }: IRequestOp,
    { responses }: ITxnResponse,
    at: number,
  ): unknown {
    if (request_put) return 'written'
    if (request_delete_range) {
      const { deleted } = (responses[at] as unknown as { response_delete_range: { deleted: string } })
        .response_delete_range
      return { deleted: Number(deleted) }
    }
    const { kvs, more, count }: IRangeResponse = requests.read(responses, at)
    const found = kvs.map((kv) => ({
      key: kv.key.toString(),
      value: kv.value.toString(),
      created: this.#counted(kv.create_revision),
      modified: this.#counted(kv.mod_revision),
      version: Number(kv.version),
      lease: kv.lease === '0' ? 0 : Number(kv.lease) - this.#beginning.lease,
    }))
    return { found, more, count: Number(count) }
  }

  #operations(list: readonly Operation[]): IRequestOp[] {
    return list.map((each) => {
      if (each.do === 'put') return requests.put(each.key, each.value, this.#lease(each.lease))
      if (each.do === 'inOrder') return requests.inOrder(each.range, each.limit)
      if (each.do === 'keysInOrder') return requests.keysInOrder(each.range, each.limit)
      if (each.do === 'latest') {
        const before = each.before ? this.#absolute(each.before) : undefined
        return requests.latest(each.range, each.limit, before)
      }
      if (each.do === 'leases')
        return requests.leases(each.range, this.#absolute(each.from), this.#absolute(each.to))
      if (each.do === 'get') return requests.get(each.key)
      return each.do === 'touch' ? requests.touch(each.key) : requests.remove(each.key)
    })
  }

  #comparison(each: Comparison): ICompare {
    if (each.if === 'absent') return requests.absent(each.key)
    if (each.if === 'versionIs') return requests.versionIs(each.key, BigInt(each.times))
    const absolute = this.#absolute(each.revision)
    return each.if === 'createdAt'
      ? requests.createdAt(each.key, absolute)
      : requests.noneSince(each.range, absolute)
  }

  #lease(number: number): string {
    return number ? String(this.#beginning.lease + number) : '0'
  }

  #absolute(counted: number): bigint {
    return counted ? this.#beginning.revision + BigInt(counted) : 0n
  }

  #counted(absolute: bigint | string): number {
    return Number(BigInt(absolute) - this.#beginning.revision)
  }
}

/** One watch and its events. */
class Watch {
  readonly told: { key: string; revision: number }[] = []
  readonly created: Promise<number | 'failed'>
  readonly close: () => void
  #failed = false

  constructor(store: Transport, range: KeyRange, counted: (absolute: bigint) => number) {
    let created = (_: number | 'failed'): void => {}
    this.created = new Promise((resolve) => {
      created = resolve
    })
    this.close = store.watch(range, {
      created: (revision) => created(counted(revision)),
      written: (writes) => {
        for (const { key: name, revision, value } of writes)
          this.told.push({ key: `${name} written ${value}`, revision: counted(revision) })
      },
      deleted: (deletions) => {
        for (const { key: name, revision } of deletions)
          this.told.push({ key: name, revision: counted(revision) })
      },
      failed: () => {
        this.#failed = true
        created('failed')
      },
    })
  }

  /** Resolves after a deletion of this revision was seen: the last ones come together. */
  seen(revision: number): Promise<unknown> {
    const done = (): boolean => this.#failed || this.told.some((deletion) => deletion.revision === revision)
    return until(async () => done(), {
      describe: () => `deletions of revision ${revision}`,
      everyMs: 1,
      deadlineMs: 3_000,
    })
  }
}

/** The simulated server as a connection, without a network in between. */
function simulated(line: EtcdLine): Transport {
  const server = new SimEtcd(new World(1))
  server.state.keysNameLeases = line !== '3.7'
  return {
    txn: async (request) => server.txn(request),
    grant: async (id, seconds) => server.grant(id, seconds),
    keepAlive: async (id) => server.keepAlive(id),
    revoke: async (id) => server.revoke(id),
    timeToLive: async (id) => server.timeToLive(id),
    watch({ key: from, end }, listener) {
      const send = (message: WatchMessage): void => {
        if ('created' in message) listener.created(message.created)
        else if ('written' in message) listener.written?.(message.written)
        else listener.deleted(message.deleted as Change[])
      }
      return server.watch(
        { key: from, end, writes: listener.written !== undefined },
        { send, fail: () => listener.failed() },
      )
    },
    close() {},
  }
}

/** The answers that must have been seen. */
const mustSee = [
  'SessionGoneError',
  'RefusedError',
  '"succeeded":true',
  '"succeeded":false',
  '"more":true',
  '"lease":1',
  '"version":2',
  'revoked',
  'watched',
]

for (const { line, version } of etcdLines) {
  describe(`etcd ${version}`, () => {
    let cluster: EtcdCluster
    let store: EtcdClient
    beforeAll(async () => {
      cluster = await startEtcd({ line, unsafeNoFsync: true })
      const [address] = cluster.endpoints
      store = new EtcdClient([member(address as string, {}, clock)])
    })
    afterAll(async () => {
      store?.close()
      await cluster?.close()
    })

    test('answers any sequence of transactions, leases and watches as the simulated etcd does', async ({
      task,
    }) => {
      const seen = new Seen()
      const compare = async (steps: readonly Step[]): Promise<string> => {
        leases += 10
        const { header } = await store.txn(requests.txn([], [everything]), never)
        const real = new Play(store, { revision: BigInt(header.revision), lease: leases })
        const imagined = new Play(simulated(line), { revision: 1n, lease: leases })
        try {
          await Promise.all([real.run(steps), imagined.run(steps)])
          expect(imagined.answers).toEqual(real.answers)
        } finally {
          real.close()
        }
        const text = JSON.stringify(real.answers)
        for (const kind of mustSee) if (text.includes(kind)) seen.add(kind)
        steps.forEach(({ ask }, at) => {
          if (ask === 'watch') seen.add('watched')
          if (ask === 'revoke' && steps.slice(0, at).some((before) => before.ask === 'grant'))
            seen.add('revoked')
        })
        return text
      }
      await tryAll(task, { sequences, runs: 2_000, lanes: 1, compare })
      expect(seen.lacking(mustSee)).toEqual([])
    }, 120_000)
  })
}

failOnComplaints()

/** One answer of etcd may have several revisions. Writes and deletions are compared separately. */
function byRevision(one: Told, other: Told): number {
  return one.revision - other.revision || one.key.localeCompare(other.key)
}

interface Told {
  readonly key: string
  readonly revision: number
}
