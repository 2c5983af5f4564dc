// The findings of `leasehold doctor`, and what a store needs to know to make its own: types only. A backend finds what only
// its store knows; the command adds the findings that are the same for every store, and prints all of them.
import type { Clock } from './clock.ts'

/**
 * How bad a finding is: nothing to do, good to know, a risk under some circumstances, or something that does not work.
 * Only a problem makes the command exit with 1.
 */
export type Level = 'ok' | 'note' | 'warning' | 'problem'

/** The kinds of findings. docs/command.md describes them, and programs read them: a name never changes. */
export type Check =
  | 'store'
  | 'endpoint'
  | 'version'
  | 'certificate'
  | 'credentials'
  | 'permission'
  | 'watch'
  | 'session'
  | 'time to live'
  | 'crash'
  | 'clock'
  | 'event loop'
  | 'place'

/** One finding: a line for people, and its numbers for programs. */
export interface Finding {
  readonly check: Check
  readonly level: Level
  /** The endpoint, the verb or the file that it is about, if there can be several. */
  readonly about?: string | undefined
  /** The fact. It may contain text of a server, so it is made printable where it is shown. */
  readonly text: string
  /** The next step for a person, unless the level is `ok`. */
  readonly next?: string | undefined
  /** The numbers in the text, under names that never change. Times are in ms. */
  readonly data?: Readonly<Record<string, string | number | boolean | null>> | undefined
}

/** The circumstances of an examination. */
export interface ExamineOptions {
  readonly clock: Clock
  /** The time to live of the user's clients. */
  readonly ttlMs: number
  /** The name whose permissions are tried. No claim on it is ever made. */
  readonly name: string
  /** Ends the examination. */
  readonly signal: AbortSignal
}

/** The result of an examination. */
export interface Examination {
  readonly findings: readonly Finding[]
  /** Whether opening the store can succeed and makes nothing that was not there. */
  readonly mayOpen: boolean
}
