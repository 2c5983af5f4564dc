// A sequence of questions to a simulated etcd or a real one, with the answers in a form that can be compared: revisions and
// leases are counted from the beginning of the sequence. etcd-sequences.ts has the questions.
import type { ICompare, IRangeResponse, IRequestOp, ITxnResponse } from 'etcd3'
import * as requests from '../../src/backends/etcd/operations.ts'
import type { KeyRange, Transport } from '../../src/backends/etcd/wire/transport.ts'
import { until } from '../../tools/servers/wait.mjs'
import { answerOf } from './differential.ts'
import { type Comparison, everything, grant, keys, type Operation, type Step } from './etcd-sequences.ts'

/** The state of a server at the beginning of a sequence. */
export interface Beginning {
  readonly revision: bigint
  /** Leases are numbered from this one on. */
  readonly lease: number
}

const never = new AbortController().signal
/** One sequence on one server, with the answers. */
export class Play {
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
        return requests.look({ line: each.range, records: undefined }, each.limit, {
          before,
        })[0] as IRequestOp
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

/** One answer of etcd may have several revisions. Writes and deletions are compared separately. */
function byRevision(one: Told, other: Told): number {
  return one.revision - other.revision || one.key.localeCompare(other.key)
}

interface Told {
  readonly key: string
  readonly revision: number
}
