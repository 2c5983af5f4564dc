// Decides which host runs a tick. All hosts wait in line for one lock, until the record in the store says that a host
// took the tick. Owns two promises: a host gives up no tick that is still free, and waits no longer than its `waitMs`.

import { orAborted } from '../base/abort.ts'
import { type Clock, pause } from '../base/clock.ts'
import { UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { Scope } from '../base/scope.ts'
import type { Acquirer } from '../core/acquire.ts'
import type { Grant } from '../core/hold.ts'
import { backoffMs } from '../core/request.ts'
import type { Wish } from '../core/wish.ts'
import { parseMarker, TickHold } from './marker.ts'
import { type Asked, type Marker, type Ruling, rule, type Span } from './ruling.ts'

/** The parts of the client that a cron job uses. */
export interface CronClient {
  readonly acquirer: Acquirer
  readonly clock: Clock
  /** The host and process of this client as JSON, for other clients to read. */
  readonly holder: string
  readCheckpoint(name: string): Promise<string | undefined>
}

/** One tick that hosts compete for. */
export interface Contest {
  readonly name: string
  readonly asked: Asked
  /** How long to compete. */
  readonly waitMs: number | undefined
  readonly onWait: ((ahead: number) => void) | undefined
  /** Its end ends the contest early. */
  readonly scope: Scope
  /** Called with the record: before this host stands in line, and again when it has the lock. */
  onMarker(marker: Marker | undefined): void
  /**
   * Does slow preparations before this host stands in line. Called again under the lock, since the record may have
   * changed; it is fast then if the record is the same.
   */
  prepare(marker: Marker | undefined): Promise<void>
}

/** Either this host has the lock and the tick, or it has neither, and `reason` and `span` say why. */
export type Outcome =
  | { readonly hold: TickHold; readonly marker: Marker | undefined }
  | { readonly hold?: undefined; readonly reason: 'taken' | 'over' | 'busy'; readonly span: Span | undefined }

/** Competes for the tick, and resolves with the outcome. Rejects as an acquire does, except with WaitTimeoutError. */
export async function compete(client: CronClient, contest: Contest): Promise<Outcome> {
  const before = await look(client, contest)
  contest.onMarker(before)
  const ruling = rule(before, contest.asked)
  if (ruling) return ruling
  await contest.prepare(before)
  const taken = new Scope().on(contest.scope)
  const standing = stand(client, contest, taken)
  const watching = watch(client, contest, taken)
  watching.catch((error) => taken.end(error)) // then the acquire rejects with it
  try {
    return await secured(client, contest, await standing)
  } catch (error) {
    if (error instanceof Taken) return error.ruling
    if (error instanceof WaitTimeoutError) return await busy(client, contest)
    throw error
  } finally {
    taken.end(undefined)
    taken.detach()
  }
}

/** The reason that ends the wait for a tick when another host took it. */
class Taken extends Error {
  readonly ruling: Ruling
  constructor(ruling: Ruling) {
    super('taken')
    this.ruling = ruling
  }
}

/** How to stand in line for the lock of a cron job. */
export interface Standing {
  readonly name: string
  readonly waitMs?: number | undefined
  readonly onWait?: ((ahead: number) => void) | undefined
}

/** Stands in line, as an acquire does. */
export function stand(
  client: CronClient,
  { name, waitMs, onWait }: Standing,
  { signal }: Scope,
): Promise<TickHold> {
  const make = (grant: Grant): TickHold => new TickHold(grant)
  const wish: Wish<TickHold> = {
    name,
    kind: 'cron',
    permits: 1,
    weight: 1,
    value: client.holder,
    candidate: false,
    releasesItself: true,
    make,
  }
  return client.acquirer.acquire({ ...wish, waitMs, onWait, signal })
}

/**
 * Reads the record again and again, soon at first: a host that gets the lock writes its marker at once, before it
 * works.
 */
async function watch(client: CronClient, contest: Contest, taken: Scope): Promise<void> {
  for (let looks = 1; !taken.ended; looks += 1) {
    await pause(client.clock, backoffMs(client.clock, looks), taken.signal)
    const ruling = await look(client, contest).then(
      (marker) => rule(marker, contest.asked),
      unlessUnavailable,
    )
    if (ruling) taken.end(new Taken(ruling))
  }
}

/** Ignores errors of a store that is out of reach: the host stays in line. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof UnavailableError)) throw error
}

/** Called when we have the lock. We also have the tick, unless another host took it while we waited. */
async function secured(client: CronClient, contest: Contest, hold: TickHold): Promise<Outcome> {
  try {
    const marker = await look(client, contest)
    hold.found(marker)
    contest.onMarker(marker)
    const ruling = rule(marker, contest.asked)
    if (!ruling) {
      await contest.prepare(marker)
      return { hold, marker }
    }
    await hold.release()
    return ruling
  } catch (error) {
    await hold.release().catch(() => {})
    throw error
  }
}

async function busy(client: CronClient, contest: Contest): Promise<Outcome> {
  const marker = await look(client, contest)
  return rule(marker, contest.asked) ?? { reason: 'busy', span: marker?.spans[0] }
}

/** The record of the last tick. Undefined if there was none. */
export async function readMarker(client: CronClient, name: string): Promise<Marker | undefined> {
  return parseMarker(name, await client.readCheckpoint(name))
}

/** Reads the record, and rejects with the reason of the scope when the contest ends. */
function look(client: CronClient, { name, scope }: Contest): Promise<Marker | undefined> {
  return orAborted(readMarker(client, name), scope.signal)
}
