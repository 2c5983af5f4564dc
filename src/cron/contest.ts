// Which host runs a tick: all wait in line for one lock, until the store says that somebody took the tick. Owns that a
// host neither gives up a tick that nobody took, nor waits for longer than the tick is worth.
import type { Acquirer } from '../acquire.ts'
import { type Clock, pause } from '../clock.ts'
import { UnavailableError, WaitTimeoutError } from '../errors.ts'
import type { Grant } from '../hold.ts'
import type { Holder } from '../holder.ts'
import { Limits } from '../limits.ts'
import { backoffMs } from '../request.ts'
import { type Marker, parseMarker, TickHold } from './marker.ts'

/** What a cron job needs of the client that made it. */
export interface CronHost {
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
  readonly limits: Limits
}

/** The tick is this host's, as the marker was found; or somebody else took it, or has the lock. */
export type Outcome =
  | { readonly hold: TickHold; readonly marker: Marker | undefined }
  | { readonly hold?: undefined; readonly by: Holder | undefined }

/** Settles who runs the tick. Rejects as an acquire does, but for WaitTimeoutError. */
export async function compete(host: CronHost, contest: Contest): Promise<Outcome> {
  const before = await whoTook(host, contest)
  if (before) return { by: before }
  const taken = new Limits().on(contest.limits)
  const standing = stand(host, contest, taken)
  const watching = watch(host, contest, taken)
  watching.catch((error) => taken.end(error)) // then the acquire rejects with it
  try {
    const hold = await standing
    return hold ? await secured(host, contest, hold) : { by: await whoWasLast(host, contest) }
  } catch (error) {
    if (error instanceof Taken) return { by: error.by }
    if (error instanceof WaitTimeoutError) return { by: await whoWasLast(host, contest) }
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

function stand(host: CronHost, contest: Contest, taken: Limits): Promise<TickHold | undefined> {
  const { name, waitMs, onWait } = contest
  const make = (grant: Grant): TickHold => new TickHold(grant)
  const wish = { name, limit: 1, value: host.holder, candidate: false, attended: true, make }
  const wait = { wait: waitMs !== 0, waitMs: waitMs || undefined }
  return host.acquirer.acquire({ ...wish, ...wait, onWait, signal: taken.signal })
}

/** Looks again and again, soon at first: the one who has the lock writes the marker at once, and works then. */
async function watch(host: CronHost, contest: Contest, taken: Limits): Promise<void> {
  for (let looks = 1; !taken.ended; looks += 1) {
    await pause(host.clock, backoffMs(host.clock, looks), taken.signal)
    const by = await whoTook(host, contest).catch(unlessUnavailable)
    if (by) taken.end(new Taken(by))
  }
}

/** A store out of reach is no reason to leave the line. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof UnavailableError)) throw error
}

/** The lock is ours; and so is the tick, unless somebody took it meanwhile. */
async function secured(host: CronHost, contest: Contest, hold: TickHold): Promise<Outcome> {
  try {
    const marker = await readMarker(host, contest.name)
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
export async function readMarker(host: CronHost, name: string): Promise<Marker | undefined> {
  return parseMarker(name, await host.readCheckpoint(name))
}

async function whoWasLast(host: CronHost, { name }: Contest): Promise<Holder | undefined> {
  return (await readMarker(host, name))?.by
}

async function whoTook(host: CronHost, contest: Contest): Promise<Holder | undefined> {
  const marker = await readMarker(host, contest.name)
  return isTaken(marker, contest) ? marker.by : undefined
}

function isTaken(marker: Marker | undefined, { tickMs, retry }: Contest): marker is Marker {
  if (!marker || marker.tickMs < tickMs) return false
  return marker.tickMs > tickMs || marker.done || !retry
}
