// How the command ends: which exit status means what, and which words go to stderr. Owns the meaning of
// statuses for every subcommand, and the one place that writes messages.
import { constants } from 'node:os'
import { ConflictError, RefusedError, UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { printable } from './states.ts'

/** Exit statuses that are not the command's own; the numbers are those of sysexits.h, shells and init scripts. */
export const exitStatus = {
  failed: 1,
  nobody: 3,
  early: 4,
  usage: 64,
  unavailable: 69,
  lost: 70,
  notFree: 75,
  clock: 78,
  notExecutable: 126,
  notFound: 127,
} as const

/** The command could not be started. Carries the status that a shell would exit with. */
export class StartError extends Error {
  readonly status: number
  constructor(message: string, status: number, cause: unknown) {
    super(message, { cause })
    this.status = status
  }
}

/** Leasehold was told to end before the command ran. */
export class Interrupted extends Error {
  readonly status: number
  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.status = signalStatus(signal)
  }
}

/** What a shell makes of a process that a signal ended. */
export function signalStatus(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The exit status for an error of the library or of this command. */
export function statusOf(error: unknown): number {
  if (error instanceof StartError || error instanceof Interrupted) return error.status
  if (error instanceof WaitTimeoutError) return exitStatus.notFree
  if (error instanceof UnavailableError || error instanceof RefusedError) return exitStatus.unavailable
  const usage = [TypeError, RangeError, ConflictError].some((kind) => error instanceof kind)
  return usage ? exitStatus.usage : exitStatus.failed
}

/** How the library's arguments are called on the command line. */
const options: Record<string, string> = {
  name: 'NAME',
  permits: '--permits',
  ttlMs: '--ttl in ms',
  value: '--value',
  schedule: '--schedule',
  aheadMs: '--ahead in ms',
  url: '--url or LEASEHOLD_URL',
}

/** The message of an error, on one line, with arguments under the names that a user of the command knows. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const named = message.replace(/^(\w+):/, (prefix, argument) =>
    options[argument] ? `${options[argument]}:` : prefix,
  )
  return printable(named.replace(/\s*\n\s*/g, ' ')) // it may tell what somebody else wrote into the store
}

/** Writes one line to stderr. */
export function say(message: string): void {
  process.stderr.write(`leasehold: ${message}\n`)
}
