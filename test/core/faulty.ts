// A memory store behind a connection that a test can break: requests fail, hang, are applied without an answer, or
// arrive late. Records the requests.

import { memory } from '../../src/backends/memory/index.ts'
import { orAborted } from '../../src/base/abort.ts'
import { type Clock, pause } from '../../src/base/clock.ts'
import { RefusedError, SessionGoneError, UnavailableError } from '../../src/base/errors.ts'
import type { Backend, BackendSource, Facts } from '../../src/contract.ts'

/** The fate of a request. */
export type Fault =
  | 'forget'
  | 'forbid'
  | 'refuse'
  | 'hang'
  | 'surprise'
  | 'apply, then hang'
  | 'apply, then refuse'
  | 'apply, then surprise'

export type Method = Exclude<keyof Backend, 'facts' | 'close' | 'changed' | 'leaderChanged'>

/** A source whose connection obeys `faults`. */
export class FaultyStore {
  readonly #memory: BackendSource = memory()
  /** The fault of each method from now on. Methods without an entry work. */
  readonly faults = new Map<Method, Fault>()
  /** The delay of a method's answers, in ms of the clock. */
  readonly lateMs = new Map<Method, number>()
  /** Every request so far. */
  readonly asked: Method[] = []
  /** Whether watches report changes; otherwise they hang, or fail at once. */
  watches: 'work' | 'hang' | 'fail' = 'work'
  /** Facts of the store that differ from those of memory. */
  facts: Partial<Facts> = {}

  readonly source: BackendSource = {
    url: 'memory:',
    open: async (clock) => this.#wrap(await this.#memory.open(clock), clock),
  }

  /** How often a method was called. */
  count(method: Method): number {
    return this.asked.filter((asked) => asked === method).length
  }

  /** Gives every method the same fault, as if the store is down. */
  breakAll(fault: Fault): void {
    const methods: Method[] = [
      'createSession',
      'renewSession',
      'destroySession',
      'attempt',
      'withdraw',
      'verify',
    ]
    for (const method of methods) this.faults.set(method, fault)
  }

  #wrap(backend: Backend, clock: Clock): Backend {
    return new Proxy(backend, {
      get: (target, property: keyof Backend) => {
        if (property === 'facts') return { ...target.facts, answersAtOnce: false, ...this.facts }
        if (watching.includes(property) && this.watches !== 'work') return this.#changed
        const original = target[property]
        if (typeof original !== 'function') return original
        if (unbroken.includes(property)) return original.bind(target)
        return async (...args: unknown[]) => {
          const lateMs = this.lateMs.get(property as Method) ?? 0
          const late = () => (lateMs ? pause(clock, lateMs, args.at(-1) as AbortSignal) : undefined)
          try {
            const answer = await this.#ask(property as Method, args, original.bind(target) as Ask)
            await late()
            return answer
          } catch (error) {
            if (error instanceof RefusedError) await late()
            throw error
          }
        }
      },
    })
  }

  async #ask(method: Method, args: unknown[], ask: Ask): Promise<unknown> {
    const signal = args.at(-1) as AbortSignal
    const fault = this.faults.get(method)
    this.asked.push(method)
    if (fault === 'forget') throw new SessionGoneError('the store forgot the session')
    if (fault === 'forbid') throw new RefusedError('the store says no')
    const answer = fault && !fault.startsWith('apply') ? undefined : await ask(...args)
    if (fault?.endsWith('hang')) return orAborted(new Promise<never>(() => {}), signal)
    if (fault?.endsWith('surprise')) throw new TypeError('nobody thought of this')
    if (fault?.endsWith('refuse')) throw new UnavailableError('the store is down')
    return answer
  }

  readonly #changed: Backend['changed'] = async (_claim, _answer, signal) =>
    this.watches === 'fail' ? undefined : orAborted(new Promise<never>(() => {}), signal)
}

const watching: readonly (keyof Backend)[] = ['changed', 'leaderChanged']
/** The methods that send no single request. */
const unbroken: readonly (keyof Backend)[] = ['close', ...watching]

type Ask = (...args: unknown[]) => Promise<unknown>
