// The guardian: a process that starts the command of `leasehold`. It stops the command if leasehold dies, or if the
// deadline of the lock is near and leasehold, stopped or busy, does not act. Owns only that decision: while leasehold
// works, the overseer decides.
import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, type Mark, machineMark, mostElapsedMs, systemClock } from '../../base/clock.ts'
import type { Heartbeat, Order, Report, Start } from './orders.ts'
import { familyOf, groupOf, type Processes } from './processes.ts'

/** How long before the deadline SIGKILL is sent: later than the overseer's 100 ms, and still in time. */
const killAheadMs = 60
/** SIGTERM is sent later than the overseer's by a quarter of the grace, and by no more than this. */
const behindMs = 250
/** The longest time between two looks at the deadline: timers do not count the time of a suspended machine. */
const lookMs = 1_000
/** The time between two looks at a group that is being killed. */
const askMs = 20
/** The longest time between a signal from the terminal and the order of leasehold to relay the same signal. */
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
  /** Whether the overseer has told the command to stop. */
  #stopping = false
  #terminated: { readonly at: Mark; readonly graceMs: number } | undefined
  #cancelLook = (): void => {}

  take(order: Order): void {
    if (order === 'stopping') this.#stopping = true
    else if ('start' in order) this.#start(order.start)
    else if ('beat' in order) this.#note(order.beat)
    else this.#relay(order.relay)
  }

  /** Called when leasehold has died: nobody renews the lock, and only this process can stop the command. */
  orphan(): void {
    this.#orphaned = true
    if (!this.#processes) process.exit()
    this.#terminate(this.#stopping ? 0 : (this.#task?.graceOnDeathMs ?? 0))
    this.#look()
  }

  /** Notes a signal that this process got. With a terminal, its whole process group got it. */
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

  /**
   * Passes a signal on, unless the terminal has sent it to the command and this process. Its own signal may arrive a
   * moment after the order.
   */
  #relay(signal: NodeJS.Signals): void {
    this.#clock.after(settleMs, () => {
      const heard = this.#heard.get(signal)
      if (!heard || elapsedMs(heard) > togetherMs) this.#processes?.signal(signal)
    })
  }

  /**
   * Decides in a new timer: after a stop of this process, timers run before messages, and the messages must be read
   * first.
   */
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
    this.#processes?.signal('SIGCONT') // a stopped process reacts to SIGTERM only after SIGCONT
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

/**
 * Starts the command through a shell that ignores these signals, since Node gives each signal its usual effect. A shell
 * drops variables whose names it cannot hold, so `env` sets them all.
 */
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
