// The processes of a command. Owns how they are found, whether one of them still runs, and how a signal reaches them
// all. The overseer and the guardian decide when they get a signal.
import { readdirSync, readFileSync } from 'node:fs'

// Windows has no process groups: there the command alone is signalled.
const hasGroups = process.platform !== 'win32'

/** All processes of one command. */
export interface Processes {
  /** Whether none of them runs any more. Once true it stays true. Costs a system call, or a look through /proc. */
  readonly empty: boolean
  /** Sends a signal to each of them. */
  signal(name: NodeJS.Signals): void
}

/** The processes of the group that `leader` leads. */
export function groupOf(leader: number): Processes {
  return new Group(leader)
}

/**
 * The command `root` and all that it started, in the session of this process, found through /proc: its descendants, and
 * every process whose environment began with `mark`, since a process whose parent has ended descends from nobody.
 */
export function familyOf(root: number, mark: string): Processes {
  return new Family(root, mark)
}

/** The processes with this mark in any session, at this moment: for a command whose process id is not known. */
export function markedProcesses(mark: string): number[] {
  return allProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => pid !== process.pid && hasMark(pid, Buffer.from(mark)))
}

class Group implements Processes {
  readonly #leader: number
  #empty = false

  constructor(leader: number) {
    this.#leader = leader
  }

  get empty(): boolean {
    this.#send(0)
    this.#empty ||= hasGroups && this.#hasOnlyZombies()
    return this.#empty
  }

  signal(name: NodeJS.Signals): void {
    this.#send(name)
  }

  #send(signal: NodeJS.Signals | 0): void {
    if (this.#empty) return // the number may belong to another group by now
    try {
      process.kill(hasGroups ? -this.#leader : this.#leader, signal)
    } catch (error) {
      // Any other error, such as EPERM for a process that changed its user, means that something is there.
      this.#empty = (error as NodeJS.ErrnoException).code === 'ESRCH'
    }
  }

  /**
   * Whether each process that is left has ended and only waits for its parent to notice. In a container without an init
   * that takes for ever. Found through /proc; without /proc the answer is no.
   */
  #hasOnlyZombies(): boolean {
    const members = allProcesses().filter(({ group }) => group === this.#leader)
    return members.length > 0 && members.every(({ zombie }) => zombie)
  }
}

class Family implements Processes {
  readonly #root: number
  readonly #mark: Buffer
  readonly #session: number | undefined
  #empty = false

  constructor(root: number, mark: string) {
    this.#root = root
    this.#mark = Buffer.from(mark)
    this.#session = processOf('self')?.session
  }

  get empty(): boolean {
    this.#empty ||= this.#members().length === 0
    return this.#empty
  }

  signal(name: NodeJS.Signals): void {
    if (this.#empty) return
    const told = new Set<number>()
    // A process may start another one during a look, so this looks again. Except for a fork bomb, each look finds fewer
    // new ones.
    for (let look = 0; look < looksMost; look += 1) {
      const members = this.#members().filter((pid) => !told.has(pid))
      if (members.length === 0) return
      for (const pid of members) {
        told.add(pid)
        sendTo(pid, name)
      }
    }
  }

  #members(): number[] {
    const session = allProcesses().filter((one) => one.session === this.#session)
    const parents = new Map(session.map(({ pid, parent }) => [pid, parent]))
    return session
      .filter(({ pid, zombie }) => !zombie && pid !== process.pid)
      .filter(({ pid }) => descends(pid, this.#root, parents) || hasMark(pid, this.#mark))
      .map(({ pid }) => pid)
  }
}

const looksMost = 10

interface Seen {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly zombie: boolean
}

function allProcesses(): Seen[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => processOf(name) ?? [])
  } catch {
    return []
  }
}

function processOf(name: string): Seen | undefined {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8')
    // `pid (name) state parent group session …`, where the name may contain any character. A process whose first thread
    // has ended looks like a zombie, except that it has more than one thread.
    const fields = text.replace(/^.*\) /s, '').split(' ')
    const [parent = 0, group = 0, session = 0] = fields.slice(1, 4).map(Number)
    const zombie = fields[0] === 'Z' && Number(fields[17]) <= 1
    return { pid: Number.parseInt(text, 10), parent, group, session, zombie }
  } catch {
    return undefined // it has ended meanwhile
  }
}

function descends(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at; at = parents.get(at)) if (at === root) return true
  return false
}

function hasMark(pid: number, mark: Buffer): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).includes(mark)
  } catch {
    return false // it has ended meanwhile, or belongs to another user
  }
}

function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile, or belongs to another user: then `empty` stays false.
  }
}
