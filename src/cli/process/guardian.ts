// Starts and talks to the guardian: a separate process that starts the command, knows the deadline of its lock, and
// stops the command in time if leasehold dies or hangs. guardian-main.ts is the program of the guardian.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import type { Hold } from '../../api/hold.ts'
import { machineMark } from '../../base/clock.ts'
import { exitStatus, StartError } from '../exit.ts'
import { ChildGroup, startError, statusOfExit } from './child.ts'
import type { Inherited } from './inherited.ts'
import type { Heartbeat, Order, Report, Start } from './orders.ts'
import { familyOf, groupOf, markedProcesses } from './processes.ts'

/** The command to start, and its hold. */
export interface Task extends Pick<Start, 'command' | 'env' | 'mark' | 'graceMs' | 'graceOnDeathMs'> {
  readonly hold: Pick<Hold, 'signal' | 'remainingMs'>
}

/** The program of the guardian. It is in the folder of the file that has this code, also where a bundler has put both. */
const program = join(import.meta.dirname, `guardian-main${extname(import.meta.filename)}`)

/** A guardian process. It starts commands, and outlives leasehold while one of them runs. */
export class Guardian {
  readonly #inherited: Inherited
  readonly #intervened = new AbortController()
  readonly #process: ChildProcess
  readonly #gone: Promise<unknown>

  /**
   * Starts the process at once, so that it is ready when the lock is held. It keeps the descriptors for the command
   * open, so a reader of one of them waits until `dismiss`.
   */
  constructor(inherited: Inherited) {
    this.#inherited = inherited
    this.#process = spawn(process.execPath, [program, 'leasehold-guardian', String(process.pid)], {
      // In a session of its own it gets no signals of a terminal; if it shares the terminal, it handles them.
      detached: process.platform !== 'win32' && !inherited.terminal,
      env: withoutNode(process.env),
      stdio: stdioOf(inherited),
    })
    this.#gone = Promise.race([once(this.#process, 'exit'), once(this.#process, 'disconnect')]).catch(
      () => {},
    )
    void this.#gone.then(() => this.#intervene('the guardian of the command has ended'))
    this.#process.unref()
    this.#process.channel?.unref()
  }

  /**
   * Aborts when the guardian stops the command by its own decision, or has died. The reason is an Error that says
   * which.
   */
  get intervened(): AbortSignal {
    return this.#intervened.signal
  }

  /** Starts the command. Rejects with StartError when there is nothing to run. */
  async start({ hold, ...task }: Task): Promise<ChildGroup> {
    const { terminal } = this.#inherited
    const answer = this.#answer()
    this.#send({ start: { ...task, ...this.#inherited, ...heartbeat(hold) } })
    const report = await answer
    if ('failed' in report) throw startError(task.command[0] ?? '', report.failed)
    if (!('started' in report)) throw abandoned(task.mark)
    const { started: pid } = report
    const processes = terminal ? familyOf(pid, task.mark) : groupOf(pid)
    return new ChildGroup(pid, processes, this.#ended())
  }

  /** Sends how long the hold lasts. Call it before the deadline that was sent last is near, and not after a loss. */
  beat(hold: Pick<Hold, 'signal' | 'remainingMs'>): void {
    this.#send({ beat: heartbeat(hold) })
  }

  /** Passes a signal on to the command, unless the terminal has sent it to the whole process group. */
  relay(signal: NodeJS.Signals): void {
    this.#send({ relay: signal })
  }

  /** Says that the command is being stopped: from now on it gets no grace if this process dies. */
  stopping(): void {
    this.#send('stopping')
  }

  /** Ends the guardian. Call it when no process of the command is left. */
  dismiss(): void {
    this.#process.kill('SIGKILL') // SIGKILL ends a stopped process, too, and faster than it could end by itself
  }

  /** The answer to an order to start. It is empty if the guardian has died before. */
  #answer(): Promise<Report | Record<string, never>> {
    this.#process.ref() // perhaps nothing else keeps this process alive until the answer
    const answer = new Promise<Report>((resolve) =>
      this.#process.once('message', resolve as (m: unknown) => void),
    )
    return Promise.race([answer, this.#gone.then(() => ({}))]).finally(() => this.#process.unref())
  }

  #ended(): Promise<number> {
    return new Promise((resolve) => {
      this.#process.on('message', (report: Report) => {
        if ('stopped' in report) this.#intervene('leasehold stood still, and the deadline came near')
        else if ('exited' in report) resolve(statusOfExit(report.exited))
      })
      void this.#gone.then(() => resolve(exitStatus.lost))
    })
  }

  #intervene(message: string): void {
    this.#intervened.abort(new Error(message))
  }

  #send(order: Order): void {
    this.#process.send(order, () => {}) // if it has died, `#gone` resolves
  }
}

/** Reads the clock first: if this process is stopped between the two reads, the time is too short, never too long. */
function heartbeat(hold: Pick<Hold, 'signal' | 'remainingMs'>): Heartbeat {
  const at = machineMark()
  return { at, leftMs: hold.remainingMs }
}

/** The guardian died while it started the command, so the process id is unknown: kills every process with the mark. */
function abandoned(mark: string): StartError {
  for (const pid of markedProcesses(mark)) process.kill(pid, 'SIGKILL')
  return new StartError(
    'the guardian of the command has ended before the command ran',
    exitStatus.failed,
    undefined,
  )
}

/**
 * Each descriptor at its own number, and the IPC channel at the lowest free number: only there Node keeps the channel
 * from the command.
 */
function stdioOf({ descriptors }: Inherited): StdioOptions {
  const passed = new Set([0, 1, 2, ...descriptors])
  const stdio: (number | 'ignore' | 'ipc')[] = Array.from({ length: Math.max(...passed) + 2 }, (_, fd) =>
    passed.has(fd) ? fd : 'ignore',
  )
  stdio[stdio.indexOf('ignore')] = 'ipc'
  return stdio
}

/** The environment without the variables for Node: they are meant for other programs than the guardian. */
function withoutNode(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('NODE_')))
}
