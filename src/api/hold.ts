// What a caller holds after it has acquired: a lock, a permit, or the lock of a tick. Types only, so that a test can
// hand in an object of its own. core/hold.ts is the implementation.

import type { AskOptions } from './ask.ts'

/**
 * A lock, held. It ends by `release` (or at the end of an `await using` block), or it is lost: when the session was
 * not renewed in time, when the session was ended in the store, or when the claim was removed from the store. Work
 * that the hold protects should pass `token` on, use `signal`, or call `assertHeld` before it acts.
 */
export interface Hold extends AsyncDisposable {
  /**
   * The fencing token: larger than that of every earlier holder of the name, whatever client it used. On etcd tokens of
   * an election and of a mutex of the same name do not compare.
   */
  readonly token: bigint
  /** The name of the lock. */
  readonly name: string
  /** Whether this is still the holder, computed from the clock when read: right even after a blocked event loop. */
  readonly held: boolean
  /** Time in ms to the local deadline, which every renewal moves; 0 once released or lost. */
  readonly remainingMs: number
  /**
   * Aborts when the hold is lost, with a HoldLostError as reason, and never after a release. Whether it is aborted is
   * computed from the clock when this is read, and when its `aborted` is: `fetch` and others that look before they
   * begin see a loss that no timer could tell yet.
   */
  readonly signal: AbortSignal
  /**
   * One signal that aborts when `signal` or one of these does. `AbortSignal.any` does not serve here: after a blocked event
   * loop its `aborted` is false until a timer has run, while that of this signal is computed from the clock. Throws
   * TypeError for what is no AbortSignal.
   */
  signalWith(...signals: AbortSignal[]): AbortSignal
  /**
   * Throws HoldLostError unless this is still the holder, for at least `minMs` more ms (default 0): call it before each
   * effect, with the time that the effect may need. Throws TypeError or RangeError for a bad `minMs`. Sends nothing.
   */
  assertHeld(minMs?: number): void
  /**
   * Asks the store, by a linearizable read, whether this is still the holder. Costs one request. Rejects with
   * HoldLostError if it is not, and with UnavailableError if the store did not answer.
   */
  verify(options?: AskOptions): Promise<void>
  /**
   * Stores `text` for this name in the store itself, which refuses it unless this hold still stands: the text that the
   * next holder reads with `lock.readCheckpoint()` is never older than the last one written. Costs one request.
   * Rejects with HoldLostError when refused, with TypeError or RangeError for a text that is no string or too long, and
   * with UnavailableError as `verify` does.
   */
  checkpoint(text: string, options?: AskOptions): Promise<void>
  /**
   * Gives the lock back. Idempotent. `held` is false at once; the promise resolves when the store has let go, which
   * takes one request, or when the session is over and the store lets go by itself. It rejects only
   * with RefusedError. After a loss it does nothing.
   */
  release(): Promise<void>
}

/** A process that holds or waits, as it described itself. */
export interface Holder {
  readonly host: string
  readonly pid: number
  /**
   * When it asked, as ISO 8601 by its own wall clock; undefined where it did not write that. No value can tell when it
   * was admitted, since the value is written before.
   */
  readonly since?: string | undefined
  /** Whether it is a candidate of an election that says nothing else about itself. */
  readonly candidate?: boolean | undefined
}
