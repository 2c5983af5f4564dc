// The guardian: a process that starts the command of `leasehold`, and stops it when leasehold dies, or when the deadline of
// the lock comes near and leasehold does nothing about it, being stopped or busy. Owns that decision and nothing else; with
// a leasehold that lives, the overseer decides.
import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, type Mark, machineMark, mostElapsedMs, systemClock } from '../../base/clock.ts'
import type { Heartbeat, Order, Report, Start } from './orders.ts'
import { familyOf, groupOf, type Processes } from './processes.ts'

/** How long before the deadline SIGKILL goes out: later than the overseer's, and in time. */
const killAheadMs = 60
/** SIGTERM goes out later than the overseer's by a quarter of the grace, and by no more than this. */
const behindMs = 250
/** How often the deadline is looked at, at least: no timer counts the time for which a machine was suspended. */
const lookMs = 1_000
/** How often a group that is being killed is looked at. */
const askMs = 20
/** How long leasehold's word and the terminal's for one signal may lie apart. */
const togetherMs = 300
const settleMs = 10

const shared = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGTSTP',
  'SIGCONT',
] as const

/** Guards one command. */
class Guard {
  readonly #clock: Clock = systemClock()
  readonly #heard = new Map<NodeJS.Signals, Mark>()
  #task: Start | undefined
  #beat: Heartbeat = { at: machineMark(), leftMs: 0 }
  #processes: Processes | undefined
  #orphaned = false
  /** Whether the command has been told to stop by the overseer. */
  #stopping = false
  #terminated: { readonly at: Mark; readonly graceMs: number } | undefined
  #cancelLook = (): void => {}

  take(order: Order): void {
    if (order === 'stopping') this.#stopping = true
    else if ('start' in order) this.#start(order.start)
    else if ('beat' in order) this.#note(order.beat)
    else this.#relay(order.relay)
  }

  /** Leasehold has died: nobody renews, and nobody else stops the command. */
  orphan(): void {
    this.#orphaned = true
    if (!this.#processes) process.exit()
    this.#terminate(this.#stopping ? 0 : (this.#task?.graceOnDeathMs ?? 0))
    this.#look()
  }

  /** A signal for this process: with a terminal, for its whole process group. */
  hear(signal: NodeJS.Signals): void {
    this.#heard.set(signal, machineMark())
  }

  #start(task: Start): void {
    this.#task = task
    this.#note(task)
    try {
      const child = started(task)
      child.on('error', ({ message, code }: NodeJS.ErrnoException) => report({ failed: { message, code } }))
      child.on('exit', (code, signal) => report({ exited: { code, signal } }))
      if (child.pid === undefined) return
      this.#processes = task.terminal ? familyOf(child.pid, task.mark) : groupOf(child.pid)
      report({ started: child.pid })
      this.#look()
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException
      report({ failed: { message, code } })
    }
  }

  #note(beat: Heartbeat): void {
    this.#beat = beat
  }

  /** A terminal's signal has come to this process, too, and to the command. It may be here a moment after the order. */
  #relay(signal: NodeJS.Signals): void {
    this.#clock.after(settleMs, () => {
      const heard = this.#heard.get(signal)
      if (!heard || elapsedMs(heard) > togetherMs) this.#processes?.signal(signal)
    })
  }

  /** Timers come before messages when this process was stopped: what was sent meanwhile is heard first. */
  readonly #look = (): void => {
    this.#cancelLook()
    this.#cancelLook = this.#clock.after(0, () => this.#decide())
  }

  #decide(): void {
    const leftMs = this.#beat.leftMs - elapsedMs(this.#beat.at)
    const graceMs = Math.max(this.#task?.graceMs ?? 0, killAheadMs)
    const nearMs = graceMs - Math.min(behindMs, graceMs / 4)
    if (leftMs <= nearMs && !this.#terminated && !this.#stopping) this.#intervene()
    const killInMs = Math.min(leftMs - killAheadMs, this.#graceLeftMs())
    if (killInMs <= 0) this.#processes?.signal('SIGKILL')
    if (this.#orphaned && this.#processes?.empty) process.exit()
    const nextMs = this.#terminated ? (this.#orphaned ? askMs : killInMs) : leftMs - nearMs
    this.#cancelLook = this.#clock.after(Math.min(lookMs, Math.max(askMs, nextMs)), this.#look)
  }

  #intervene(): void {
    if (!this.#orphaned) report({ stopped: true })
    this.#terminate(Number.POSITIVE_INFINITY)
  }

  #terminate(graceMs: number): void {
    this.#terminated = { at: machineMark(), graceMs }
    this.#processes?.signal('SIGTERM')
    this.#processes?.signal('SIGCONT') // a stopped process takes no notice of SIGTERM before it goes on
  }

  #graceLeftMs(): number {
    const { at, graceMs } = this.#terminated ?? { at: this.#beat.at, graceMs: Number.POSITIVE_INFINITY }
    return graceMs - elapsedMs(at)
  }
}

function elapsedMs(since: Mark): number {
  return mostElapsedMs(since, machineMark())
}

function report(report: Report): void {
  process.send?.(report, () => {}) // leasehold may have died
}

function started(task: Start): ChildProcess {
  const { terminal, descriptors, env } = task
  const [file = '', ...args] = task.ignored.length > 0 ? ignoring(task) : task.command
  const passed = new Set([0, 1, 2, ...descriptors])
  const stdio = Array.from({ length: Math.max(...passed) + 1 }, (_, fd) => (passed.has(fd) ? fd : 'ignore'))
  const detached = process.platform !== 'win32' && !terminal
  return spawn(file, args, { stdio: stdio as (number | 'ignore')[], detached, env })
}

/** Node gives a program every signal with its usual effect. A shell does not; but it drops variables that it cannot name. */
function ignoring({ command, env, ignored }: Start): string[] {
  const names = ignored.map((signal) => signal.replace('SIG', '')).join(' ')
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return [
    '/bin/sh',
    '-c',
    `trap '' ${names}; exec /usr/bin/env -i "$@"`,
    'leasehold',
    ...variables,
    ...command,
  ]
}

const guard = new Guard()
for (const signal of shared) process.on(signal, () => guard.hear(signal))
process.on('message', (order: Order) => guard.take(order))
process.on('disconnect', () => guard.orphan())
