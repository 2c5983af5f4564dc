// The number of blocking reads of one client, and the order in which they begin. Owns that waiters come first: a waiter
// needs an event for its turn, while a hold is verified anyway. waits.ts reads.

import type { Clock } from '../../base/clock.ts'

/** The reason of a read: a claim waits in line, or an observer for a leader; or a hold watches its own key. */
export type Reader = 'waiter' | 'hold'

/** A reader that waits for a place. */
export interface Queued {
  /** It has the place. */
  begin(): void
}

/**
 * How many blocking reads one client has at a time. By default a server takes 200 connections from one address: this
 * leaves room for a second client, and for renewals and releases.
 */
const readsMax = 64
/** How many of them may be holds that watch their keys. The others of a client's holds are only verified. */
const holdsMax = 16

/** The places for blocking reads. */
export class Places {
  readonly #clock: Clock
  readonly #reading = { waiter: 0, hold: 0 }
  readonly #queued = { waiter: new Set<Queued>(), hold: new Set<Queued>() }
  /** Reads that were given up and that the server still serves. Each function cancels the timer of one. */
  readonly #lingering = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether others wait for a place like this one, or soon will. */
  isCrowded(reader: Reader): boolean {
    return reader === 'hold' ? this.#queued.hold.size > 0 : this.#taken > readsMax / 2
  }

  /** How many holds wait for a place. */
  get queuedHolds(): number {
    return this.#queued.hold.size
  }

  /** Takes a place for a waiter as soon as there is one. Rejects only with `signal.reason`. */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#mayEnter('waiter')) this.#reading.waiter += 1
    else await this.#turn(signal)
  }

  /** Takes a place for a hold, and lets it begin: now, or as soon as there is one. */
  take(hold: Queued): void {
    this.#queued.hold.add(hold)
    if (this.#mayEnter('hold')) this.#begin('hold', hold)
  }

  /** The hold no longer waits for a place. Returns whether it did. */
  giveUp(hold: Queued): boolean {
    return this.#queued.hold.delete(hold)
  }

  /** Gives the place back after `lingersMs`: so long the server still serves the read. Then others may begin. */
  leave(reader: Reader, lingersMs: number): void {
    if (lingersMs <= 0) {
      this.#reading[reader] -= 1
      this.#admit()
      return
    }
    const forget = this.#clock.after(lingersMs, () => {
      this.#lingering.delete(forget)
      this.leave(reader, 0)
    })
    this.#lingering.add(forget)
  }

  get #taken(): number {
    return this.#reading.waiter + this.#reading.hold
  }

  #mayEnter(reader: Reader): boolean {
    if (this.#taken >= readsMax) return false
    return reader === 'waiter' || (this.#queued.waiter.size === 0 && this.#reading.hold < holdsMax)
  }

  /** Lets one reader begin: one place has become free. */
  #admit(): void {
    for (const reader of ['waiter', 'hold'] as const) {
      const [next] = this.#queued[reader]
      if (!next || !this.#mayEnter(reader)) continue
      this.#begin(reader, next)
      return
    }
  }

  #begin(reader: Reader, next: Queued): void {
    this.#queued[reader].delete(next)
    this.#reading[reader] += 1
    next.begin()
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { waiter } = this.#queued
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiter.delete(turn)
        reject(signal.reason)
      }
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const turn = { begin }
      signal.addEventListener('abort', giveUp, { once: true })
      waiter.add(turn)
    })
  }

  /** Cancels the timers. Call it when the connections are about to be closed. */
  close(): void {
    for (const forget of this.#lingering) forget()
    this.#lingering.clear()
  }
}
