// The messages between leasehold and its guardian. Types only; each message goes over one of Node's IPC channels.
import type { Mark } from '../../base/clock.ts'

/** How long the hold lasts, at one instant of `machineMark`, which both processes can compare. */
export interface Heartbeat {
  readonly at: Mark
  /** Time from `at` to the deadline of the hold, in ms. */
  readonly leftMs: number
}

/** A command to start, and the times by which the guardian stops it. */
export interface Start extends Heartbeat {
  /** The program and its arguments. No shell reads them. */
  readonly command: readonly string[]
  /** The whole environment of the command. */
  readonly env: Readonly<Record<string, string>>
  /** Open descriptors from 3 on that the command gets. */
  readonly descriptors: readonly number[]
  /** Signals that the command ignores from its start. */
  readonly ignored: readonly NodeJS.Signals[]
  /** Whether the command stays in the process group of leasehold, with its terminal. */
  readonly terminal: boolean
  /** Marks every process of the command: see `familyOf`. */
  readonly mark: string
  /** Time in ms between SIGTERM and SIGKILL when the deadline comes near. */
  readonly graceMs: number
  /** The same when leasehold has died. */
  readonly graceOnDeathMs: number
}

/** A message from leasehold to its guardian. */
export type Order =
  | { readonly start: Start }
  | { readonly beat: Heartbeat }
  /** Pass the signal on, unless the whole process group got it. */
  | { readonly relay: NodeJS.Signals }
  /** The command is being stopped: it gets no grace if leasehold dies from now on. */
  | 'stopping'

/** A message from the guardian to leasehold. */
export type Report =
  | { readonly started: number }
  | { readonly failed: { readonly code?: string | undefined; readonly message: string } }
  | { readonly exited: { readonly code: number | null; readonly signal: NodeJS.Signals | null } }
  /** The guardian has begun to stop the command, since the deadline came near. */
  | { readonly stopped: true }
