// The command that runs under the lock, as leasehold sees it: its processes, and its exit status. The guardian starts
// it and waits for it; the overseer decides when it has to stop.
import { quoted } from '../../base/printable.ts'
import { exitStatus, StartError, signalStatus } from '../exit.ts'
import type { Report } from './orders.ts'
import type { Processes } from './processes.ts'

/** A running command with all its processes. */
export class ChildGroup {
  /** Process id of the command. */
  readonly pid: number
  /**
   * Resolves with the command's exit status, or 128+n when signal n ended it. Other processes of it may live on. When the
   * guardian dies before that, the status is never known, and this resolves with the status of a lost lock.
   */
  readonly ended: Promise<number>
  readonly #processes: Processes

  constructor(pid: number, processes: Processes, ended: Promise<number>) {
    this.pid = pid
    this.ended = ended
    this.#processes = processes
  }

  /** Whether no process of it runs any more. Once true it stays true. */
  get empty(): boolean {
    return this.#processes.empty
  }

  /** Sends a signal to every process of it, if there is one. */
  signal(name: NodeJS.Signals): void {
    this.#processes.signal(name)
  }
}

/** The exit status that a shell would report. */
export function statusOfExit({ code, signal }: Extract<Report, { exited: unknown }>['exited']): number {
  return signal ? signalStatus(signal) : (code ?? exitStatus.failed)
}

/** The error for a command that the system did not start. */
export function startError(file: string, error: { code?: string | undefined; message: string }): StartError {
  const command = quoted(file)
  if (error.code === 'ENOENT' || file === '') {
    return new StartError(`command not found: ${command}`, exitStatus.notFound, error)
  }
  const why = error.code === 'EACCES' ? 'it is not executable' : error.message
  return new StartError(`cannot run ${command}: ${why}`, exitStatus.notExecutable, error)
}
