// The data of an etcd cluster and the effect of a transaction: revisions, keys and the leases they are attached to.
// Pure, without time; server.ts lets leases expire. See https://etcd.io/docs/v3.5/learning/api/
import type { ICompare, IRangeRequest, IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3'

/** One key. */
export interface StoredKey {
  readonly key: string
  readonly value: Buffer
  readonly created: bigint
  readonly modified: bigint
  readonly version: bigint
  readonly lease: string
}

/** One change, in the order of revisions. */
export interface Change {
  readonly revision: bigint
  readonly key: string
  readonly kind: 'put' | 'deleted'
  /** The written value. */
  readonly value: string
}

/** The error of a write that names a missing lease. */
export class LeaseNotFound extends Error {}

/** The error of a request that etcd refuses for any lease. */
export class InvalidRequest extends Error {}

const targets = { version: 0, create: 1, modified: 2 } as const
const sortTargets = { create: 2, value: 4 } as const
const results = { equal: 0, greater: 1, less: 2, notEqual: 3 } as const

/** A cluster's data. */
export class EtcdState {
  readonly #keys = new Map<string, StoredKey>()
  readonly #leases = new Set<string>()
  readonly #changed: (changes: readonly Change[]) => void
  #revision = 1n
  /** Whether an answer with keys and without values has the leases of the keys. Up to etcd 3.6 it does. */
  keysNameLeases = true

  /** `changed` is called with every transaction that changed something. */
  constructor(changed: (changes: readonly Change[]) => void = () => {}) {
    this.#changed = changed
  }

  get revision(): bigint {
    return this.#revision
  }

  hasLease(lease: string): boolean {
    return this.#leases.has(lease)
  }

  grant(lease: string): void {
    this.#leases.add(lease)
  }

  /** Ends a lease. All keys attached to it are deleted in one revision. */
  revoke(lease: string): void {
    this.#leases.delete(lease)
    const keys = this.range('\0', '\0').filter((stored) => stored.lease === lease)
    const revision = this.#revision + 1n
    const changes = keys.map(({ key }) => this.#delete(key, revision))
    this.#commit(changes)
  }

  /** The keys of a range, sorted. With the end '\0': all keys from `key` on. */
  range(key: string, end?: string): StoredKey[] {
    const one = this.#keys.get(key)
    if (!end) return one ? [one] : []
    const inside = [...this.#keys.values()].filter(
      (stored) => compareBytes(stored.key, key) >= 0 && (end === '\0' || compareBytes(stored.key, end) < 0),
    )
    return inside.sort((a, b) => compareBytes(a.key, b.key))
  }

  /** Applies a transaction. If it throws LeaseNotFound or InvalidRequest, nothing was changed. */
  txn({ compare, success, failure }: ITxnRequest): ITxnResponse {
    for (const branch of [success, failure]) checkKeys(branch ?? [])
    const succeeded = (compare ?? []).every((condition) => this.#holds(condition))
    const operations = (succeeded ? success : failure) ?? []
    this.#checkPuts(operations)
    const revision = this.#revision + 1n
    const changes: Change[] = []
    const responses = operations.map((operation) => this.#apply(operation, revision, changes))
    this.#commit(changes)
    const header = { revision: String(this.#revision) }
    return { header, succeeded, responses } as unknown as ITxnResponse
  }

  #commit(changes: readonly Change[]): void {
    if (changes.length === 0) return
    this.#revision += 1n
    this.#changed(changes)
  }

  #holds(condition: ICompare): boolean {
    const found = this.range(textOf(condition.key), condition.range_end && textOf(condition.range_end))
    const keys = found.length > 0 ? found : [undefined]
    return keys.every((stored) => holdsFor(condition, stored))
  }

  #checkPuts(operations: readonly IRequestOp[]): void {
    for (const { request_put: put } of operations) {
      if (put?.ignore_value && !this.#keys.has(textOf(put.key))) throw new InvalidRequest('key not found')
      const lease = String(put?.lease ?? '0')
      if (lease !== '0' && !this.#leases.has(lease)) throw new LeaseNotFound('requested lease not found')
    }
  }

  #apply(
    { request_range, request_put, request_delete_range }: IRequestOp,
    revision: bigint,
    changes: Change[],
  ): object {
    if (request_range) return { response_range: this.#read(request_range) }
    if (request_put) {
      const key = textOf(request_put.key)
      changes.push(this.#put(key, request_put, revision))
      return { response_put: {} }
    }
    const { key, range_end } = request_delete_range ?? {}
    const doomed = this.range(textOf(key), range_end && textOf(range_end))
    for (const stored of doomed) changes.push(this.#delete(stored.key, revision))
    return { response_delete_range: { deleted: String(doomed.length) } }
  }

  #put(key: string, put: NonNullable<IRequestOp['request_put']>, revision: bigint): Change {
    const before = this.#keys.get(key)
    const value = put.ignore_value
      ? (before?.value ?? Buffer.alloc(0))
      : Buffer.from((put.value as Buffer) ?? '')
    this.#keys.set(key, {
      key,
      value,
      created: before?.created ?? revision,
      modified: revision,
      version: (before?.version ?? 0n) + 1n,
      lease: put.ignore_lease ? (before?.lease ?? '0') : String(put.lease ?? '0'),
    })
    return { revision, key, kind: 'put', value: value.toString() }
  }

  #delete(key: string, revision: bigint): Change {
    this.#keys.delete(key)
    return { revision, key, kind: 'deleted', value: '' }
  }

  #read(request: IRangeRequest): object {
    const all = this.range(textOf(request.key), request.range_end && textOf(request.range_end))
    const least = BigInt(request.min_create_revision ?? 0)
    const most = BigInt(request.max_create_revision ?? 0)
    const kept = all.filter(({ created }) => created >= least && (most === 0n || created <= most))
    const target = Number(request.sort_target ?? 0)
    const byCreate = target === sortTargets.create
    const bare = request.keys_only === true
    // etcd 3.7 answers that from its index, which has no leases, unless it sorts by value.
    const leaseless = bare && !this.keysNameLeases && target !== sortTargets.value
    const sign = Number(request.sort_order ?? 0) === 2 ? -1 : 1
    // Keys that are equal in the sort stay in the order of keys, such as keys that one transaction created.
    if (byCreate) kept.sort((a, b) => sign * Number(a.created - b.created))
    else if (target === sortTargets.value) kept.sort((a, b) => Buffer.compare(a.value, b.value))
    else if (sign < 0) kept.reverse()
    const limit = Number(request.limit ?? 0)
    const kvs = (limit > 0 ? kept.slice(0, limit) : kept).map((stored) =>
      asKeyValue(leaseless ? { ...stored, lease: '0' } : stored, bare),
    )
    return { kvs, more: limit > 0 && kept.length > limit, count: String(all.length) }
  }
}

/** No key may be written twice in one branch, nor written and deleted. */
function checkKeys(operations: readonly IRequestOp[]): void {
  const written = operations.flatMap(({ request_put: put }) => (put ? [textOf(put.key)] : []))
  const deleted = operations.flatMap(({ request_delete_range: gone }) => (gone ? [textOf(gone.key)] : []))
  const twice = new Set(written).size < written.length
  if (twice || written.some((key) => deleted.includes(key)))
    throw new InvalidRequest('duplicate key given in txn request')
}

function holdsFor(
  { target, result, version, create_revision, mod_revision }: ICompare,
  stored?: StoredKey,
): boolean {
  const [actual, wanted] =
    Number(target) === targets.version
      ? [stored?.version, version]
      : Number(target) === targets.create
        ? [stored?.created, create_revision]
        : [stored?.modified, mod_revision]
  const difference = (actual ?? 0n) - BigInt(wanted ?? 0)
  if (Number(result) === results.equal) return difference === 0n
  if (Number(result) === results.greater) return difference > 0n
  return Number(result) === results.less ? difference < 0n : difference !== 0n
}

function asKeyValue({ key, value, created, modified, version, lease }: StoredKey, keysOnly: boolean): object {
  return {
    key: Buffer.from(key),
    value: keysOnly ? Buffer.alloc(0) : value,
    create_revision: String(created),
    mod_revision: String(modified),
    version: String(version),
    lease,
  }
}

function textOf(bytes: unknown): string {
  return Buffer.from((bytes as Buffer | undefined) ?? '').toString()
}

/** Compares as etcd does, by bytes of UTF-8. Strings compare by UTF-16, which is the same below the surrogates. */
function compareBytes(one: string, other: string): number {
  if (surrogates.test(one) || surrogates.test(other))
    return Buffer.compare(Buffer.from(one), Buffer.from(other))
  return one < other ? -1 : Number(one > other)
}

const surrogates = /[\ud800-\udfff]/
