// Owns the meaning of each exit status for every subcommand, and the one place that writes messages to stderr.
import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { ConflictError, RefusedError, UnavailableError, WaitTimeoutError } from '../base/errors.ts'
import { messageLine } from '../base/printable.ts'

/** Exit statuses of leasehold itself. The numbers are those of sysexits.h, shells and init scripts. */
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

/** A signal told leasehold to end before the command ran. */
export class Interrupted extends Error {
  readonly signal: NodeJS.Signals
  readonly status: number
  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`)
    this.signal = signal
    this.status = signalStatus(signal)
  }
}

/** The reader of stdout has gone, as after `| head -1`. This ends leasehold, and is no failure. */
export class UnreadError extends Error {}

/** The exit status of a shell for a process that a signal ended. */
export function signalStatus(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The exit status for an error of the library or of this command. */
export function statusOf(error: unknown): number {
  if (error instanceof UnreadError) return 0
  if (error instanceof StartError || error instanceof Interrupted) return error.status
  if (error instanceof WaitTimeoutError) return exitStatus.notFree
  if (error instanceof UnavailableError || error instanceof RefusedError) return exitStatus.unavailable
  const usage = [TypeError, RangeError, ConflictError].some((kind) => error instanceof kind)
  return usage ? exitStatus.usage : exitStatus.failed
}

/** The names of the library's arguments on the command line. */
const options: Record<string, string> = {
  name: 'NAME',
  permits: '--permits',
  ttlMs: '--ttl in ms',
  afterMs: '--keep in ms',
  value: '--value',
  schedule: '--schedule',
  aheadMs: '--ahead in ms',
  service: '--service',
  'service.name': '--service',
  'service.address': '--service-address',
  url: '--url or LEASEHOLD_URL',
}

/** The message of an error, on one line, with arguments under the names that a user of the command knows. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const named = message.replace(/^([\w.]+):/, (prefix, argument) =>
    options[argument] ? `${options[argument]}:` : prefix,
  )
  return messageLine(named) // it may contain text that another client wrote into the store
}

/** Writes one line to stderr, without characters that a terminal obeys. */
export function say(message: string): void {
  try {
    write(2, `leasehold: ${messageLine(message)}\n`)
  } catch {
    // The reader of stderr has gone. That must not end leasehold while the command runs.
  }
}

/** Writes to stdout. Throws UnreadError if its reader has gone, and an Error if the text cannot be written. */
export function print(text: string): void {
  try {
    write(1, text)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') throw new UnreadError()
    throw new Error(`cannot write to stdout: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Writes all of `text` to stdout or stderr, and waits while the pipe is full. Throws the error of the system. It does
 * not use Node's streams, since these make a pipe non-blocking, also for the command that shares it.
 */
export function write(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) rest = rest.subarray(written(fd, rest))
}

function written(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeMs)
    return 0
  }
}

/** How long to wait for a reader whose pipe is full, before the next attempt. */
const fullPipeMs = 5
