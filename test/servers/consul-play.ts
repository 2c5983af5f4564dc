// A sequence of questions to a simulated Consul or a real one, with the answers in a form that can be compared: indexes are
// numbered in their order. consul-sequences.ts has the questions.
import type * as wire from '../../src/backends/consul/wire/transport.ts'
import type {
  Snapshot,
  StoredKey,
  Target,
  Transport,
  TxnOutcome,
} from '../../src/backends/consul/wire/transport.ts'
import { type Index, type Operation, type Sequence, type Step, unknownSession } from './consul-sequences.ts'
import { answerOf } from './differential.ts'

const never = new AbortController().signal
const longMs = 20_000

/** An index in an answer, until all of a sequence are known and can be numbered in their order. */
class Numbered {
  readonly at: number
  constructor(at: number) {
    this.at = at
  }
}

/** One sequence on one server, with what it answered. */
export class Play {
  readonly #store: Transport
  readonly #prefix: string
  readonly #alone: boolean
  readonly #sessions: string[] = []
  readonly #seen: StoredKey[] = []
  readonly #indexes: number[] = []
  readonly #answers: unknown[] = []

  /** `alone` says that nobody else writes: then also the index of what is not there has a meaning. */
  constructor(store: Transport, prefix: string, alone: boolean) {
    this.#store = store
    this.#prefix = prefix
    this.#alone = alone
  }

  async run({ lockDelayMs, steps }: Sequence): Promise<void> {
    for (let count = 0; count < 2; count += 1) await this.ask({ ask: 'create', lockDelayMs })
    for (const each of steps) await this.ask(each)
    await this.ask({ ask: 'read', target: { prefix: '' }, from: 0 })
  }

  async ask(step: Step): Promise<void> {
    this.#answers.push(await answerOf(() => this.#ask(step)))
  }

  /** Begins to wait for a change of what is there now. */
  async wait(what: Target): Promise<() => Promise<void>> {
    const { index } = await this.#store.read(this.#target(what), never)
    const changed = this.#store.block(this.#target(what), { index, waitMs: longMs }, never)
    return async () => void this.#answers.push(this.#snapshot(await changed))
  }

  /** The answers, with indexes in place of each other's absolute ones. */
  get answers(): unknown {
    const order = [...new Set(this.#indexes)].sort((one, other) => one - other)
    const numbered = (value: unknown): unknown => {
      if (value instanceof Numbered) return `index ${order.indexOf(value.at)}`
      if (Array.isArray(value)) return value.map(numbered)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, numbered(each)]))
    }
    return numbered(this.#answers)
  }

  async destroySessions(): Promise<void> {
    for (const id of this.#sessions) await this.#store.destroySession(id, never)
  }

  async #ask(step: Step): Promise<unknown> {
    switch (step.ask) {
      case 'create': {
        const plan = { name: 'differential', ttlMs: 3_600_000, checks: [], lockDelayMs: step.lockDelayMs }
        this.#sessions.push(await this.#store.createSession(plan, never))
        return 'created'
      }
      case 'confirm':
        return this.#listed(await this.#store.confirmSession(this.#session(step.session), never))
      case 'renew':
        return this.#store.renewSession(this.#session(step.session), never)
      case 'destroy':
        return void (await this.#store.destroySession(this.#session(step.session), never))
      case 'read': {
        const now = await this.#store.read(this.#target(step.target), never)
        const index = Math.max(1, now.index - step.from)
        if (step.from === 0 || index >= now.index) return this.#snapshot(now)
        const wait = { index, waitMs: longMs }
        return this.#snapshot(await this.#store.block(this.#target(step.target), wait, never))
      }
      case 'txn':
        return this.#outcome(
          await this.#store.txn(
            step.operations.map((each) => this.#operation(each)),
            never,
          ),
        )
    }
  }

  /** Which of its sessions are on a node. */
  async #listed(node: string): Promise<boolean[]> {
    const ids = await this.#store.listSessions(node, never)
    return this.#sessions.map((id) => ids.includes(id))
  }

  #outcome(outcome: TxnOutcome): unknown {
    if (outcome.applied) return { applied: true, entries: outcome.entries.map((each) => this.#entry(each)) }
    const failures = outcome.failures.map(({ operation: at, reason }) => ({
      operation: at,
      kind: kindOf(reason),
    }))
    return { applied: false, failures }
  }

  #snapshot({ index, entries }: Snapshot): unknown {
    const found = entries.map((each) => this.#entry(each))
    if (found.length > 0 || this.#alone) return { found, index: this.#index(index) }
    // Others move it too, never back.
    return { found, later: this.#indexes.every((before) => before <= index) }
  }

  #entry(entry: StoredKey): unknown {
    this.#seen.push(entry)
    const { createIndex, modifyIndex, key: name, session: holder } = entry
    return {
      ...entry,
      key: name.slice(this.#prefix.length),
      session: holder === undefined ? undefined : `session ${this.#sessions.indexOf(holder)}`,
      createIndex: this.#index(createIndex),
      modifyIndex: this.#index(modifyIndex),
    }
  }

  #index(at: number): Numbered {
    this.#indexes.push(at)
    return new Numbered(at)
  }

  #operation({ verb, key: name, value, flags, index, session: number }: Operation): wire.Operation {
    const full = this.#prefix + name
    const written = { key: full, value, ...(flags === undefined ? {} : { flags }) }
    switch (verb) {
      case 'set':
        return { verb, ...written }
      case 'cas':
        return { verb, ...written, index: this.#indexOf(index, full) }
      case 'lock':
      case 'unlock':
        return { verb, ...written, session: this.#session(number) }
      case 'check-session':
        return { verb, key: full, session: this.#session(number) }
      case 'delete-cas':
      case 'check-index':
        return { verb, key: full, index: this.#indexOf(index, full) }
      default:
        return { verb, key: full }
    }
  }

  #indexOf(index: Index, name: string): number {
    if (index === 0) return 0
    if (index === 'never') return 2 ** 40
    if (index === 'its own') return this.#seen.findLast((entry) => entry.key === name)?.modifyIndex ?? 0
    return this.#seen[index.nth % (this.#seen.length || 1)]?.modifyIndex ?? 0
  }

  #session(number: number): string {
    return this.#sessions[number] ?? unknownSession
  }

  #target(what: Target): Target {
    return 'key' in what ? { key: this.#prefix + what.key } : { prefix: this.#prefix + what.prefix }
  }
}

/** The kinds of reasons for which Consul refuses an operation. */
export const kinds = {
  'lock delay': /due to lock delay$/,
  'held by another': /lock is already held$/,
  'not held': /lock isn't held, or is held by another session$/,
  stale: /index is stale$/,
  'another index': /^failed index check/,
  'another session': /^failed session check/,
  missing: /doesn't exist$/,
  exists: /" exists$/,
}

/** The kind of a reason; the reason itself if its kind is not known. */
function kindOf(reason: string): string {
  return Object.entries(kinds).find(([, words]) => words.test(reason))?.[0] ?? reason
}
