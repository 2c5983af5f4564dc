// Handles the signals that leasehold gets. Owns the way from a signal to the running command or, if none runs, to the
// end of leasehold's wait. A signal that the caller ignores is ignored here, too.
import { Interrupted } from '../exit.ts'

/** Signals that end a program unless it handles them. */
const ending = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/** Further signals that the command has to get, since the terminal and the shell know only leasehold. */
const passing = ['SIGWINCH', 'SIGTSTP', 'SIGCONT'] as const

/** Listens from its construction until `detach`. */
export class Signals {
  readonly #interrupted = new AbortController()
  readonly #detachers: (() => void)[] = []
  #passingDetachers: (() => void)[] = []
  #receive: ((signal: NodeJS.Signals) => void) | undefined
  #early: NodeJS.Signals[] = []
  readonly #ignored: ReadonlySet<NodeJS.Signals>
  readonly #diverted = new Map<NodeJS.Signals, () => void>()

  /** `ignored` are signals that the caller of leasehold ignores: they do nothing here either. */
  constructor(ignored: readonly NodeJS.Signals[] = []) {
    this.#ignored = new Set(ignored)
    for (const signal of ending) this.#detachers.push(this.#on(signal))
  }

  /** Aborts with Interrupted as its reason when a signal asks for the end and no command runs that could receive it. */
  get interrupted(): AbortSignal {
    return this.#interrupted.signal
  }

  /** From now on this signal calls `act`, and does nothing else. */
  divert(signal: NodeJS.Signals, act: () => void): void {
    this.#diverted.set(signal, act)
  }

  /** Call it before the command starts: signals that arrive during the start are kept until `passTo`. */
  prepare(): void {
    const early: NodeJS.Signals[] = []
    this.#early = early
    this.#receive = (signal) => early.push(signal)
    this.#passingDetachers = passing.map((signal) => this.#on(signal))
  }

  /** From now on the command gets each signal. */
  passTo(receive: (signal: NodeJS.Signals) => void): void {
    this.#receive = receive
    for (const signal of this.#early.splice(0)) receive(signal)
  }

  /** The command has ended: a signal interrupts leasehold again, and Ctrl-Z stops it. */
  stopPassing(): void {
    this.#receive = undefined
    for (const signal of this.#early.splice(0)) this.#received(signal) // the command did not start
    for (const leave of this.#passingDetachers.splice(0)) leave()
  }

  /** Stops this process as Ctrl-Z does, until SIGCONT. It has no effect without a shell that could send SIGCONT. */
  suspend(): void {
    const listeners = process.listeners('SIGTSTP')
    process.removeAllListeners('SIGTSTP')
    process.kill(process.pid, 'SIGTSTP')
    for (const listener of listeners) process.on('SIGTSTP', listener)
  }

  /** Gives the signals their usual effect back. */
  detach(): void {
    for (const leave of this.#detachers.splice(0)) leave()
  }

  #on(signal: NodeJS.Signals): () => void {
    const received = (): void => this.#received(signal)
    process.on(signal, received)
    return () => void process.off(signal, received)
  }

  #received(signal: NodeJS.Signals): void {
    if (this.#ignored.has(signal)) return
    const act = this.#diverted.get(signal)
    if (act) act()
    else if (this.#receive) this.#receive(signal)
    else if (ending.some((name) => name === signal)) this.#interrupted.abort(new Interrupted(signal))
  }
}
