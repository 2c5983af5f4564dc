// The things that the caller gave to leasehold in addition to arguments and environment: open descriptors, ignored
// signals, a terminal. Owns how they are separated from those that Node has opened and set by itself.
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
 * Call it before any other code opens a descriptor. If there is no /proc, nothing is known and nothing is inherited.
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

/** A command can name descriptors up to here; a larger number is left to what the caller has set. */
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
 * The pipes that Node talks to itself by: both ends are here, and close in every program that it starts. Node marks all
 * descriptors so, those of the caller too. But its own ends never block, save those of the one pipe that libuv locks
 * signals with; a pipe of a job server of make has an end that blocks. So of several pipes that block, the one that was
 * written to last is Node's own, just after it has locked signals.
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
    return undefined // the descriptor by which the folder was read
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
 * Node gives every signal its usual effect before any of our code runs, so the caller's choice can only be told by its
 * traces: a script that ignores a signal is our parent and ignores it itself, and `nohup` leaves its name in `_` or makes
 * stdin a /dev/null that nobody can read. An interactive shell does not count: it ignores signals for itself alone.
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

/** Whether there is a terminal. Without /proc the processes of a command cannot be found unless they have a group of their own. */
function hasTerminal(): boolean {
  if (process.platform !== 'linux') return false
  try {
    closeSync(openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY))
    return true
  } catch {
    return false
  }
}
