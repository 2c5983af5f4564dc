// Which host runs a tick: all wait in line for one lock, until the store says that somebody took the tick. Owns that a
// host neither gives up a tick that nobody took, nor waits for longer than the tick is worth.

import type { Holder } from '../api/hold.ts'
import { type Clock, pause } from '../base/clock.ts'
import { UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import type { Acquirer } from '../core/acquire.ts'
import type { Grant } from '../core/hold.ts'
import { backoffMs } from '../core/request.ts'
import { type Marker, parseMarker, TickHold } from './marker.ts'

/** What a cron job needs of the client that made it. */
export interface CronClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  /** Who asks, for others to read. */
  readonly holder: string
  readCheckpoint(name: string): Promise<string | undefined>
}

/** One tick that hosts compete for. */
export interface Contest {
  readonly name: string
  readonly tickMs: number
  /** Whether a tick that was begun and not ended is still to be had. */
  readonly retry: boolean
  /** How long to compete. */
  readonly waitMs: number | undefined
  readonly onWait: ((ahead: number) => void) | undefined
  /** Ends it before. */
  readonly scope: Scope
}

/** The tick is this host's, as the marker was found; or somebody else took it, or has the lock. */
export type Outcome =
  | { readonly hold: TickHold; readonly marker: Marker | undefined }
  | { readonly hold?: undefined; readonly by: Holder | undefined }

/** Settles who runs the tick. Rejects as an acquire does, but for WaitTimeoutError. */
export async function compete(client: CronClient, contest: Contest): Promise<Outcome> {
  // A store out of reach is asked again by those who stand in line, for as long as they wait.
  const before = await whoTook(client, contest).catch(unlessUnavailable)
  if (before) return { by: before }
  const taken = new Scope().on(contest.scope)
  const standing = stand(client, contest, taken)
  const watching = watch(client, contest, taken)
  watching.catch((error) => taken.end(error)) // then the acquire rejects with it
  try {
    const hold = await standing
    return hold ? await secured(client, contest, hold) : { by: await whoWasLast(client, contest) }
  } catch (error) {
    if (error instanceof Taken) return { by: error.by }
    if (error instanceof WaitTimeoutError) return { by: await whoWasLast(client, contest) }
    throw error
  } finally {
    taken.end(undefined)
    taken.lift()
  }
}

/** Ends a wait for a tick that somebody else took. */
class Taken extends Error {
  readonly by: Holder
  constructor(by: Holder) {
    super('taken')
    this.by = by
  }
}

function stand(client: CronClient, contest: Contest, taken: Scope): Promise<TickHold | undefined> {
  const { name, waitMs, onWait } = contest
  const make = (grant: Grant): TickHold => new TickHold(grant)
  const wish = { name, permits: 1, value: client.holder, candidate: false, releasesItself: true, make }
  return client.acquirer.acquire({ ...wish, waitMs, onWait, signal: taken.signal })
}

/** Looks again and again, soon at first: the one who has the lock writes the marker at once, and works then. */
async function watch(client: CronClient, contest: Contest, taken: Scope): Promise<void> {
  for (let looks = 1; !taken.ended; looks += 1) {
    await pause(client.clock, backoffMs(client.clock, looks), taken.signal)
    const by = await whoTook(client, contest).catch(unlessUnavailable)
    if (by) taken.end(new Taken(by))
  }
}

/** A store out of reach is no reason to leave the line. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof UnavailableError)) throw error
}

/** The lock is ours; and so is the tick, unless somebody took it meanwhile. */
async function secured(client: CronClient, contest: Contest, hold: TickHold): Promise<Outcome> {
  try {
    const marker = await readMarker(client, contest.name)
    hold.found(marker)
    if (!isTaken(marker, contest)) return { hold, marker }
    await hold.release()
    return { by: marker.by }
  } catch (error) {
    await hold.release().catch(() => {})
    throw error
  }
}

/** What is on record of the last tick; undefined where there was none. */
export async function readMarker(client: CronClient, name: string): Promise<Marker | undefined> {
  return parseMarker(name, await client.readCheckpoint(name))
}

async function whoWasLast(client: CronClient, { name }: Contest): Promise<Holder | undefined> {
  return (await readMarker(client, name))?.by
}

async function whoTook(client: CronClient, contest: Contest): Promise<Holder | undefined> {
  const marker = await readMarker(client, contest.name)
  return isTaken(marker, contest) ? marker.by : undefined
}

function isTaken(marker: Marker | undefined, { tickMs, retry }: Contest): marker is Marker {
  if (!marker || marker.tickMs < tickMs) return false
  return marker.tickMs > tickMs || marker.done || !retry
}
