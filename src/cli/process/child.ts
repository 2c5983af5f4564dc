// The command that runs under the lock: one child and whatever it starts, as one process group. Owns how the
// group is started, signalled and seen to be gone; when it has to stop is the overseer's to say.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { quoted } from '../../base/printable.ts'
import { exitStatus, StartError, signalStatus } from '../exit.ts'
import { gated } from './gate.ts'

// Windows has no process groups: there the child alone is signalled.
const hasGroups = process.platform !== 'win32'

/**
 * Starts the command on this process's terminal and as leader of a group of its own, so that one signal reaches all
 * that it starts. It waits until `begin`. No shell reads its words. Rejects with StartError when there is nothing to run.
 */
export async function startGroup(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ChildGroup> {
  const { file, args, stdio, gate } = gated(command)
  try {
    const child = spawn(file, args, { stdio, detached: hasGroups, env: { ...process.env, ...env } })
    if (child.pid === undefined) throw (await once(child, 'error'))[0]
    const stream = gate === undefined ? undefined : (child.stdio[gate] as Writable)
    return new ChildGroup(child, child.pid, stream)
  } catch (error) {
    throw startError(command[0] ?? '', error as NodeJS.ErrnoException)
  }
}

/** A running command with all processes of its group. */
export class ChildGroup {
  /** Process id of the command, and of its group. */
  readonly pid: number
  /**
   * Resolves with the command's exit status, or 128+n when signal n ended it. Others of its group may live
   * on.
   */
  readonly ended: Promise<number>
  readonly #child: ChildProcess
  readonly #gate: Writable | undefined
  #empty = false

  /** `child` leads its group, and waits for a line on `gate`, if there is one. */
  constructor(child: ChildProcess, pid: number, gate: Writable | undefined) {
    this.#child = child
    this.#gate = gate
    gate?.on('error', () => {}) // it has ended before it began
    this.pid = pid
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(signal ? signalStatus(signal) : (code ?? exitStatus.failed)),
      )
    })
  }

  /**
   * Whether nothing of the group runs any more. Asked of the system; once true it stays true, because
   * the number may then name somebody else's group.
   */
  get empty(): boolean {
    this.#send(0)
    this.#empty ||= hasGroups && hasOnlyZombies(this.pid)
    return this.#empty
  }

  /** Lets the command run. */
  begin(): void {
    this.#gate?.end('go\n')
  }

  /** Sends a signal to every process of the group, if there is one. */
  signal(name: NodeJS.Signals): void {
    this.#send(name)
  }

  /** Lets this process exit although the command still runs. */
  abandon(): void {
    this.#child.unref()
  }

  #send(signal: NodeJS.Signals | 0): void {
    if (this.#empty) return
    try {
      process.kill(hasGroups ? -this.pid : this.pid, signal)
    } catch (error) {
      // Any other error, such as EPERM for a process that changed its user, means that something is there.
      this.#empty = (error as NodeJS.ErrnoException).code === 'ESRCH'
    }
  }
}

/**
 * Whether all that is left of a group has ended and only waits for its parent to notice, which in a container
 * without an init is for ever. Told by /proc; where there is none, the answer is no.
 */
function hasOnlyZombies(group: number): boolean {
  const left = processes().flatMap((pid) => memberOf(group, pid))
  return left.length > 0 && left.every((member) => member === 'zombie')
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** What a process of the group is; nothing for a process of another group. */
function memberOf(group: number, pid: string): ('zombie' | 'alive')[] {
  try {
    // `pid (name) state parent group …`, where the name may hold anything. A process whose first thread has
    // ended looks like a zombie, but for the number of its threads.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const [state, , own] = fields
    if (Number(own) !== group) return []
    return [state === 'Z' && Number(fields[17]) <= 1 ? 'zombie' : 'alive']
  } catch {
    return [] // it has ended meanwhile
  }
}

function startError(file: string, error: NodeJS.ErrnoException): StartError {
  const command = quoted(file)
  if (error.code === 'ENOENT' || file === '') {
    return new StartError(`command not found: ${command}`, exitStatus.notFound, error)
  }
  const why = error.code === 'EACCES' ? 'it is not executable' : error.message
  return new StartError(`cannot run ${command}: ${why}`, exitStatus.notExecutable, error)
}
