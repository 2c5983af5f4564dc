// Finds what leasehold inherited from its caller besides arguments and environment: open descriptors, ignored signals,
// a terminal. Owns how these are separated from the descriptors that Node itself has opened and the signals that it has
// set.
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { constants as system } from 'node:os'
import { basename } from 'node:path'

/** The parts that the command gets unchanged. */
export interface Inherited {
  /** Open descriptors from 3 on. */
  readonly descriptors: readonly number[]
  /** Signals that the caller had set to be ignored. */
  readonly ignored: readonly NodeJS.Signals[]
  /** Whether the command shares the terminal and the process group of leasehold. */
  readonly terminal: boolean
}

/**
 * Call it before any other code opens a descriptor. Without /proc nothing is known, and the command inherits nothing.
 * Costs less than a millisecond.
 */
export function inherited(): Inherited {
  return { descriptors: openDescriptors(), ignored: ignoredSignals(), terminal: hasTerminal() }
}

interface Descriptor {
  readonly fd: number
  readonly target: string
  readonly flags: number
}

/** The largest descriptor that is passed on. */
const descriptorMost = 1_023
const closesOnExec = 0o2000000
const accessMode = 0o3
const ownKinds = /^anon_inode:\[?(eventpoll|eventfd|io_uring)\]?$/

function openDescriptors(): number[] {
  const open = listed('/proc/self/fd').flatMap((name) => described(Number(name)) ?? [])
  const own = ownPipes(open)
  return open
    .filter(({ fd }) => fd > 2 && fd <= descriptorMost)
    .filter((one) => (one.flags & closesOnExec ? !ownKinds.test(one.target) && !own.has(one.target) : true))
    .map(({ fd }) => fd)
}

/**
 * Finds the pipes of Node's own. Both ends of such a pipe are in this process, and close on exec. That alone does not
 * tell them from the caller's, since Node marks all descriptors so. But Node's ends do not block, except those of one
 * pipe with which libuv locks signals; a pipe of a job server of make has an end that blocks. So if several pipes
 * block, this makes libuv lock signals: Node's pipe is the one that was written to last.
 */
function ownPipes(open: readonly Descriptor[]): Set<string> {
  const ends = new Map<string, Descriptor[]>()
  for (const one of open) ends.set(one.target, [...(ends.get(one.target) ?? []), one])
  const whole = [...ends].filter(([target, found]) => target.startsWith('pipe:') && found.length === 2)
  const blocking = whole.filter(([, found]) => found.every(({ flags }) => !(flags & constants.O_NONBLOCK)))
  const free = whole.filter(([, found]) => found.every(({ flags }) => flags & constants.O_NONBLOCK))
  if (blocking.length > 1) process.on('SIGWINCH', lockSignals).off('SIGWINCH', lockSignals)
  const [lock] = blocking.sort(([, [one]], [, [other]]) => writtenMs(other) - writtenMs(one))
  return new Set([...free, ...(lock ? [lock] : [])].map(([target]) => target))
}

function lockSignals(): void {}

function writtenMs(descriptor: Descriptor | undefined): number {
  return descriptor ? fstatSync(descriptor.fd).ctimeMs : 0
}

function described(fd: number): Descriptor | undefined {
  try {
    const target = readlinkSync(`/proc/self/fd/${fd}`)
    const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    return { fd, target, flags: Number.parseInt(flags, 8) }
  } catch {
    return undefined // the descriptor with which the folder was read; it is closed now
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const ignorable = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const
const shells = new Set(['sh', 'dash', 'bash', 'ash', 'ksh', 'mksh', 'zsh', 'busybox'])

/**
 * Finds ignored signals by their traces, since Node gives every signal its usual effect before our code runs. A shell
 * script that ignores a signal for us is our parent and ignores it itself. `nohup` leaves its name in `_`, or opens
 * /dev/null as stdin for writing only. An interactive shell does not count: it ignores signals only for itself.
 */
function ignoredSignals(): NodeJS.Signals[] {
  const parent = `/proc/${process.ppid}`
  const mask = ignoredBy(parent)
  const isScript =
    shells.has(firstLine(`${parent}/comm`)) && !ignores(mask, 'SIGTSTP') && !ignores(mask, 'SIGTTOU')
  return ignorable.filter((signal) => {
    return (isScript && ignores(mask, signal)) || (signal === 'SIGHUP' && underNohup())
  })
}

function ignores(mask: bigint, signal: NodeJS.Signals): boolean {
  return ((mask >> BigInt(system.signals[signal] - 1)) & 1n) === 1n
}

function ignoredBy(folder: string): bigint {
  const line = readText(`${folder}/status`).match(/^SigIgn:\s*([\da-f]+)/m)
  return line ? BigInt(`0x${line[1]}`) : 0n
}

function underNohup(): boolean {
  if (basename(process.env._ ?? '') === 'nohup') return true
  const stdin = described(0)
  return stdin?.target === '/dev/null' && (stdin.flags & accessMode) === constants.O_WRONLY
}

function firstLine(file: string): string {
  return readText(file).split('\n')[0] ?? ''
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Whether there is a terminal that the command can share. Only on Linux: without /proc, the processes of a command are
 * found only by a group of their own.
 */
function hasTerminal(): boolean {
  if (process.platform !== 'linux') return false
  try {
    closeSync(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY))
    return true
  } catch {
    return false
  }
}
