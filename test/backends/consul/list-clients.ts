// Clients of one simulated datacenter that use a semaphore, whose transactions a test can list and hold up. Owns no expectation.
import { expect } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Layout } from '../../../src/backends/consul/layout.ts'
import type { Operation, Transport, TxnOutcome } from '../../../src/backends/consul/wire/transport.ts'
import { SessionGoneError } from '../../../src/base/errors.ts'
import type { Attempt, Claim } from '../../../src/contract.ts'
import { ConsulState, InvalidSession } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

/** A signal that never aborts. */
export const never: AbortSignal = new AbortController().signal

/** A claim that waits, with its next answer. */
export interface Waiting {
  readonly claim: Claim
  readonly next: Promise<Attempt | undefined>
}

/** One client of a datacenter, whose transactions are listed. */
export class Client {
  readonly sent: (readonly Operation[])[] = []
  /** Called once, before the first request that puts a claim on the list. */
  whenItTakes: (() => Promise<void>) | undefined
  /** Called before each request. */
  whenItAsks: (operations: readonly Operation[]) => void = () => {}
  readonly backend: ConsulBackend
  readonly #session: string
  #claims = 0

  constructor(state: ConsulState, session: string, wakes: Set<() => void>) {
    this.#session = session
    let opened = 0
    const open = (): string => {
      const id = opened === 0 ? session : `${session}${opened}`
      opened += 1
      state.createSession(id)
      return id
    }
    const transport: Partial<Transport> = {
      createSession: async () => open(),
      txn: async (operations, signal) => {
        this.sent.push(operations)
        this.whenItAsks(operations)
        signal.throwIfAborted()
        const { whenItTakes } = this
        if (whenItTakes && operations.some(({ verb }) => verb === 'cas')) {
          this.whenItTakes = undefined
          await whenItTakes()
        }
        return txn(state, operations)
      },
      read: async (target) => state.read(target),
      block: async (target, { index }) => {
        for (;;) {
          const now = state.read(target)
          if (now.index > index) return now
          await new Promise<void>((resolve) => wakes.add(resolve))
        }
      },
    }
    const options = { layout: new Layout(''), clock: new ManualClock(), checks: [], lockDelayMs: 0 }
    this.backend = new ConsulBackend(transport as Transport, options)
  }

  claim(permits: number, weight = 1): Claim {
    this.#claims += 1
    const { length } = this.sent
    const id = String(this.#claims)
    const value = `${this.#session} ${length}`
    return {
      ...{ id, name: 'a', session: this.#session, permits, weight },
      ...{ value, wait: true, candidate: false },
    }
  }

  async holds(permits: number, weight = 1): Promise<Claim> {
    const claim = this.claim(permits, weight)
    expect(await this.backend.attempt(claim, never)).toMatchObject({ held: true })
    return claim
  }

  /** A claim that waits, with its next answer. */
  async waits(permits: number, weight = 1): Promise<Waiting> {
    const claim = this.claim(permits, weight)
    const answer = await this.backend.attempt(claim, never)
    expect(answer.held).toBe(false)
    return { claim, next: this.backend.changed(claim, answer, never) }
  }

  /** Leaves sessions for further permits: those of holds of another name that have ended. */
  async spare(permits: number): Promise<void> {
    const claims = Array.from({ length: permits }, () => ({ ...this.claim(permits), name: 'b' }))
    for (const each of claims) await this.backend.attempt(each, never)
    for (const each of claims) await this.backend.withdraw(each, never)
  }

  /** The transactions that write, since the last call. */
  writes(): (readonly Operation[])[] {
    const reads = /^(get|get-tree|check-.*)$/
    return this.sent.splice(0).filter((each) => each.some(({ verb }) => !reads.test(verb)))
  }
}

/** Consul's answer, with the error of the client for a session that is gone. */
function txn(state: ConsulState, operations: readonly Operation[]): TxnOutcome {
  try {
    return state.txn(operations)
  } catch (error) {
    throw error instanceof InvalidSession ? new SessionGoneError(error.message) : error
  }
}

/** A datacenter without clients. */
export async function datacenter() {
  const wakes = new Set<() => void>()
  const state = new ConsulState(() => {
    for (const wake of wakes) wake()
    wakes.clear()
  })
  const client = async (session: string): Promise<Client> => {
    const one = new Client(state, session, wakes)
    await one.backend.createSession(15_000, never)
    return one
  }
  return { state, client }
}
