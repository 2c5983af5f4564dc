// A caller's request for a name: types only. acquire.ts and admission.ts fulfil a wish.
import type { LockKind } from '../api/events.ts'
import type { Hold } from '../api/hold.ts'
import type { MutexOptions } from '../api/lock.ts'
import type { Grant } from './hold.ts'

/** A caller's request for a name. */
export interface Wish<H extends Hold = Hold> extends Pick<MutexOptions, 'handoff'> {
  readonly name: string
  readonly kind: LockKind
  readonly permits: number
  readonly weight: number
  readonly value: string
  /** Whether other clients observe the holder: see `Claim`. */
  readonly candidate: boolean
  /** The priority of the claim: see `Claim`. */
  readonly priority?: number | undefined
  /** If true, close() does not release this hold itself; it waits for work registered with `awaitOnClose` to do so. */
  readonly releasesItself?: boolean
  /** Makes the object that the caller gets. */
  readonly make: (grant: Grant) => H
  /** Called when the hold has ended, for whatever reason, before its claim leaves the store. */
  readonly ended?: (() => void) | undefined
  /** How long to try and to stand in line. With 0 the claim does not stand in line, and has the time of two requests. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called whenever the number of claims ahead changes. `isLocal` means that these are calls of this client. */
  readonly onWait?: ((ahead: number, isLocal?: boolean) => unknown) | undefined
}

/** The last answers of the store about a claim, for the message of a time-out. */
export interface Seen {
  /** Whether only a lock-delay was in the way. */
  delayed: boolean
  /** Whether only other calls of this client were in the way. */
  isOwn: boolean
}
