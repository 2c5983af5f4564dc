// The data of a Consul datacenter and the effect of a transaction: keys, the sessions that hold them, and indexes.
// Pure, without time; server.ts lets sessions expire and keeps lock-delays. See
// https://developer.hashicorp.com/consul/api-docs/txn and /kv
import type {
  Operation,
  Snapshot,
  StoredKey,
  Target,
  TxnOutcome,
} from '../../backends/consul/wire/transport.ts'

/** Called with a key that lost its holder because the session ended. */
export type Invalidated = (key: string) => void

/** The error of a write that names a missing session. */
export class InvalidSession extends Error {}

/** The failure of one operation. The other operations are still checked, and none is applied. */
class Failed extends Error {}

type Keys = Map<string, StoredKey>

/** A datacenter's data. Sessions delete their keys when they end. */
export class ConsulState {
  #keys: Keys = new Map()
  #gone = new Map<string, number>()
  readonly #sessions = new Set<string>()
  readonly #changed: (index: number, keys: readonly string[]) => void
  #index = 10
  /** The last index at which any key changed. */
  #keysIndex = 0

  /** `changed` is called with every log entry that changed keys. */
  constructor(changed: (index: number, keys: readonly string[]) => void = () => {}) {
    this.#changed = changed
  }

  get sessions(): readonly string[] {
    return [...this.#sessions]
  }

  get index(): number {
    return this.#index
  }

  hasSession(session: string): boolean {
    return this.#sessions.has(session)
  }

  createSession(session: string): void {
    this.#index += 1
    this.#sessions.add(session)
  }

  /** Ends a session and deletes the keys that it holds, in one log entry. */
  destroySession(session: string, invalidated: Invalidated): void {
    this.#index += 1
    if (!this.#sessions.delete(session)) return
    const held = [...this.#keys.values()].filter((entry) => entry.session === session).map(({ key }) => key)
    for (const key of held) {
      invalidated(key)
      this.#delete(this.#keys, key)
    }
    this.#note(held)
  }

  /** Applies all operations or none. `delayed` says which keys cannot be locked yet. Throws InvalidSession. */
  txn(operations: readonly Operation[], delayed: (key: string) => boolean = () => false): TxnOutcome {
    const waits = operations.flatMap((operation, at) =>
      operation.verb === 'lock' && delayed(operation.key)
        ? [{ operation: at, reason: `failed to lock key "${operation.key}" due to lock delay` }]
        : [],
    )
    if (waits.length > 0) return { applied: false, failures: waits }
    this.#index += 1
    const before = { keys: new Map(this.#keys), gone: new Map(this.#gone) }
    const { entries, failures, touched, invalid } = this.#applyAll(operations)
    if (failures.length > 0 || invalid) {
      this.#keys = before.keys
      this.#gone = before.gone
      if (invalid) throw invalid
      return { applied: false, failures }
    }
    this.#note(touched)
    return { applied: true, entries }
  }

  /** The answer to a read, with the index from which to wait. */
  read(target: Target): Snapshot {
    if ('key' in target) {
      const entry = this.#keys.get(target.key)
      return {
        index: Math.max(1, entry?.modifyIndex ?? this.#keysIndex),
        entries: entry ? [entry] : [],
      }
    }
    const entries = this.#tree(target.prefix)
    const deleted = [...this.#gone].filter(([key]) => key.startsWith(target.prefix)).map(([, index]) => index)
    const index = Math.max(0, ...entries.map(({ modifyIndex }) => modifyIndex), ...deleted)
    return { index: Math.max(1, index || this.#keysIndex), entries: entries }
  }

  #note(keys: readonly string[]): void {
    if (keys.length === 0) return
    this.#keysIndex = this.#index
    this.#changed(this.#index, keys)
  }

  #applyAll(operations: readonly Operation[]) {
    const entries: StoredKey[] = []
    const failures: { operation: number; reason: string }[] = []
    const touched: string[] = []
    let invalid: InvalidSession | undefined
    for (const [at, operation] of operations.entries()) {
      try {
        const before = this.#keys.get(operation.key)
        entries.push(...this.#apply(operation))
        if (this.#keys.get(operation.key) !== before) touched.push(operation.key)
      } catch (error) {
        if (error instanceof Failed) failures.push({ operation: at, reason: error.message })
        else if (error instanceof InvalidSession) invalid ??= error
        else throw error
      }
    }
    return { entries, failures, touched, invalid }
  }

  /** Long: one case for each verb of a transaction, as Consul documents them. */
  #apply(operation: Operation): readonly StoredKey[] {
    const { verb, key } = operation
    const existing = this.#keys.get(key)
    switch (verb) {
      case 'set':
        return [this.#set(operation, existing?.session, 0)]
      case 'cas':
        if ((existing?.modifyIndex ?? 0) !== operation.index) throw stale(key)
        return [this.#set(operation, existing?.session, 0)]
      case 'lock':
        return [this.#lock(operation, existing)]
      case 'unlock':
        if (existing?.session !== operation.session || !operation.session) {
          throw new Failed(`failed to unlock key "${key}", lock isn't held, or is held by another session`)
        }
        return [this.#set(operation, undefined, existing.lockIndex)]
      case 'get':
        if (!existing) throw new Failed(`key "${key}" doesn't exist`)
        return [existing]
      case 'get-tree':
        return this.#tree(key)
      case 'delete':
        this.#delete(this.#keys, key)
        return []
      case 'delete-cas':
        if (existing && existing.modifyIndex !== operation.index)
          throw new Failed(`failed to delete key "${key}", index is stale`)
        this.#delete(this.#keys, key)
        return []
      case 'check-index':
        if (!existing) throw new Failed(`key "${key}" doesn't exist`)
        if (existing.modifyIndex !== operation.index)
          throw new Failed(`failed index check for key "${key}", current modify index is another`)
        return [withoutValue(existing)]
      case 'check-session':
        if (!existing) throw new Failed(`key "${key}" doesn't exist`)
        if (existing.session !== operation.session)
          throw new Failed(`failed session check for key "${key}", current session is another`)
        return [withoutValue(existing)]
      case 'check-not-exists':
        if (existing) throw new Failed(`key "${key}" exists`)
        return []
    }
  }

  #lock(operation: Extract<Operation, { verb: 'lock' }>, existing: StoredKey | undefined): StoredKey {
    const { key, session } = operation
    if (!this.#sessions.has(session)) throw new InvalidSession(`invalid session "${session}"`)
    if (existing?.session && existing.session !== session) {
      throw new Failed(`failed to lock key "${key}", lock is already held`)
    }
    const lockIndex = existing?.lockIndex ?? 0
    return this.#set(operation, session, existing?.session ? lockIndex : lockIndex + 1)
  }

  /** Writes, unless the key is the same already: Consul does not count that as a write. */
  #set(
    { key, value, flags = 0n }: { key: string; value: string; flags?: bigint },
    session: string | undefined,
    lockIndex: number,
  ): StoredKey {
    const existing = this.#keys.get(key)
    const same =
      existing &&
      existing.value === value &&
      existing.flags === flags &&
      existing.session === session &&
      existing.lockIndex === lockIndex
    const createIndex = existing?.createIndex ?? this.#index
    const written = { key, value, flags, session, lockIndex, createIndex, modifyIndex: this.#index }
    const entry = same ? existing : written
    this.#keys.set(key, entry)
    this.#gone.delete(key)
    return withoutValue(entry)
  }

  #delete(keys: Keys, key: string): void {
    if (keys.delete(key)) this.#gone.set(key, this.#index)
  }

  #tree(prefix: string): StoredKey[] {
    const found = [...this.#keys.values()].filter(({ key }) => key.startsWith(prefix))
    return found.sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)))
  }
}

/** The part of a written or checked key that Consul returns. */
function withoutValue(stored: StoredKey): StoredKey {
  return { ...stored, value: '' }
}

function stale(key: string): Failed {
  return new Failed(`failed to set key "${key}", index is stale`)
}
