// Wakes waiters whose answer may have changed: by name if the change was made in this client, by the wake file of their
// session if another process made it, and otherwise by a look now and then. Owns the watches. beats.ts has the timers. The
// functions `look` of the callers read the database.
import type { FSWatcher } from 'node:fs'
import { untilAborted } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import type { Attempt } from '../../contract.ts'
import { Beat, type Cause, type Pace, Round, type Wait } from './beats.ts'
import type { SessionFiles } from './session-files.ts'

/**
 * A waiter's look at its claim. Returns the new answer, or 'changed' if the waiter has to ask again, or undefined to
 * wait on. Looks of one round share what they find out about a session.
 */
export type Look<T = Attempt> = (cause: Cause, round: Round) => T | 'changed' | undefined

/** Why a caller waits, and how often it looks: for its turn, for another leader, or for the end of its hold. */
const paces: Readonly<Record<'waiting' | 'observing' | 'holding', Pace>> = {
  waiting: { leastMs: 25, mostMs: 100 },
  observing: { leastMs: 50, mostMs: 50 },
  holding: { leastMs: 250, mostMs: 250 },
}

/** A kind of wait. */
export type Kind = keyof typeof paces

/** The name and the session that a wait belongs to. An observer has no session. */
export interface Place {
  readonly name: string
  readonly session: string
  /** The result of `heard` just before the question whose answer may change; undefined if that is not known. */
  readonly heard?: number | undefined
}

/** The watch of a wake file, and the number of its last event. */
interface Watch {
  readonly watcher: FSWatcher
  heard: number
}

/** The parts of the open store that waits need. */
export interface Watched {
  /** The files of the store that is at its place now. Throws if there is none. */
  files(): SessionFiles
  /** The files of the store as it was at the last look. */
  seen(): SessionFiles | undefined
  /** A number that changes when another process has changed the database. */
  version(): bigint
}

/** All waits of one client. */
export class Waits {
  readonly #watched: Watched
  readonly #beats: Readonly<Record<Kind, Beat>>
  /** The waits of a session for a name, and all those of a session that wait for their turn. */
  readonly #byPlace = new Map<string, Set<Wait>>()
  readonly #watches = new Map<string, Watch>()
  /** Counts the watches and their events. */
  #events = 0

  constructor(clock: Clock, watched: Watched) {
    this.#watched = watched
    const beat = (kind: Kind): Beat => new Beat(clock, paces[kind], () => watched.version())
    this.#beats = { waiting: beat('waiting'), observing: beat('observing'), holding: beat('holding') }
  }

  /**
   * A number that changes with each event of a session's wake file, with each wake in this client, and with each watch of the
   * file. Undefined without a watch: then nothing is heard.
   */
  heard(session: string): number | undefined {
    return this.#watches.get(session)?.heard
  }

  /**
   * Resolves with what `look` found, or rejects with `signal.reason`. It looks at once, unless the session has heard nothing since
   * `heard`: then the answer is as it was, and the next event comes to this wait.
   */
  wait<T>(
    { name, session, heard }: Place,
    kind: Kind,
    look: Look<T>,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    return untilAborted(signal, ({ resolve }) => {
      if (kind === 'waiting') this.#watch(session)
      const wait: Wait = {
        isWatched: () => kind === 'waiting' && this.#watches.has(session),
        look(cause, round) {
          const found = foundBy(look, cause, round)
          if (found) resolve(found === 'changed' ? undefined : found)
        },
      }
      const keys = [placeOf(session, name), ...(kind === 'waiting' ? [session] : [])]
      for (const key of keys) this.#byPlace.set(key, (this.#byPlace.get(key) ?? new Set()).add(wait))
      this.#beats[kind].add(wait)
      if (heard === undefined || heard !== this.heard(session)) wait.look('began', new Round(1))
      return () => {
        this.#beats[kind].delete(wait)
        for (const key of keys) this.#forget(key, wait)
      }
    })
  }

  /**
   * Lets a session look: if it is ours, its waits for this name, or without a name all that wait for their turn; if it is of
   * another process, all of those, through its wake file.
   */
  wake(session: string, name?: string): void {
    this.#note(session) // one of its claims may have its answer already, and not wait yet
    const isOurs = this.#wake(name === undefined ? session : placeOf(session, name))
    // The change of which this tells has looked at the store. If it was moved since, no waiter there depends on us.
    if (!isOurs) this.#watched.seen()?.wake(session)
  }

  /** Ends all watches and timers. */
  close(): void {
    for (const beat of Object.values(this.#beats)) beat.stop()
    this.#byPlace.clear()
    for (const session of [...this.#watches.keys()]) this.#unwatch(session)
  }

  /** Lets these waits look now, and returns whether there are any. */
  #wake(key: string): boolean {
    const ours = [...(this.#byPlace.get(key) ?? [])]
    const round = new Round(ours.length)
    for (const wait of ours) wait.look('event', round)
    return ours.length > 0
  }

  /**
   * One watch for all waits of a session. It stays for the next wait, since a client in a crowd waits again and again, and
   * keeps no process alive. A wait of another session ends it.
   */
  #watch(session: string): void {
    if (this.#watches.has(session)) return
    for (const other of [...this.#watches.keys()]) if (!this.#byPlace.has(other)) this.#unwatch(other)
    try {
      const watcher = this.#watched.files().watchWakeFile(session, (event) => this.#told(session, event))
      watcher.on('error', () => this.#unwatch(session))
      watcher.unref()
      this.#watches.set(session, { watcher, heard: this.#next() })
    } catch {
      // The system has no watch left: the wait looks at every tick.
    }
  }

  #told(session: string, event: string): void {
    this.#note(session)
    if (event === 'rename') this.#unwatch(session) // the file is gone: the next wait makes another one
    this.#wake(session)
  }

  #note(session: string): void {
    const watch = this.#watches.get(session)
    if (watch) watch.heard = this.#next()
  }

  #next(): number {
    this.#events += 1
    return this.#events
  }

  #unwatch(session: string): void {
    this.#watches.get(session)?.watcher.close()
    this.#watches.delete(session)
  }

  #forget(key: string, wait: Wait): void {
    const waits = this.#byPlace.get(key)
    waits?.delete(wait)
    if (waits?.size === 0) this.#byPlace.delete(key)
  }
}

function placeOf(session: string, name: string): string {
  return `${session} ${name}`
}

function foundBy<T>(look: Look<T>, cause: Cause, round: Round): T | 'changed' | undefined {
  try {
    return look(cause, round)
  } catch {
    return 'changed' // the next request meets the error where it can be reported
  }
}
