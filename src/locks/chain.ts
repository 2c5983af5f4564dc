// The run that the present call is a part of, along a chain of calls. Owns when Node has to carry that along: before Node 24 this
// makes every promise of the process slower, also those of other code. nesting.ts knows what the runs hold.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import type { Ending } from '../base/scope.ts'
import type { Frame } from './frame.ts'

/** To begin costs as much as a run on a store in memory, so a loop of runs must not end and begin it each time. */
const restMs = 1_000

/** The chains of calls of one client. Nothing is carried along before its first run, nor a second after its last one. */
export class Chain {
  readonly #clock: Pick<Clock, 'after'>
  readonly #closing: Ending
  readonly #storage = new AsyncLocalStorage<Frame>()
  #runs = 0
  #cancelRest: (() => void) | undefined

  /** `closing` ends with the client. */
  constructor(clock: Pick<Clock, 'after'>, closing: Ending) {
    this.#clock = clock
    this.#closing = closing
    closing.onEnd(() => this.#rest())
  }

  /** The innermost run around the present call that has not ended. */
  get innermost(): Frame | undefined {
    return innermost(this.#storage.getStore())
  }

  /** Calls `work` as a part of this run. */
  inside<T>(frame: Frame, work: () => Promise<T>): Promise<T> {
    this.#runs += 1
    return this.#storage.run(frame, work).finally(() => this.#left())
  }

  #left(): void {
    this.#runs -= 1
    if (this.#runs > 0) return
    if (this.#closing.ended) this.#rest()
    else this.#cancelRest ??= this.#clock.after(restMs, () => this.#rest(), true)
  }

  /** Work that goes on needs it. If none does, each frame that is carried along is that of a run whose work is over. */
  #rest(): void {
    this.#cancelRest?.()
    this.#cancelRest = undefined
    if (this.#runs === 0) this.#storage.disable()
  }
}

/**
 * The innermost of these runs that has not ended. Forgets all that have: work may begin its next run inside the last one,
 * by a timer for example, and the chain must not grow for ever.
 */
function innermost(first: Frame | undefined): Frame | undefined {
  let inner = first
  while (inner?.ended) inner = inner.outer
  for (let frame = inner; frame; frame = frame.outer)
    while (frame.outer?.ended) frame.outer = frame.outer.outer
  return inner
}
