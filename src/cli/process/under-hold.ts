// One command under one hold, from its start until nothing of it runs any more, for every subcommand that runs one.
// Owns how guardian, command, overseer and signals work together; each subcommand interprets the end.
import { ClaimHold } from '../../core/hold.ts'
import { coveredMs } from '../../core/lifetime.ts'
import type { Visit } from '../client.ts'
import type { ChildGroup } from './child.ts'
import { commandEnv, type JobHold, markOf } from './environment.ts'
import type { Guardian, Task } from './guardian.ts'
import type { Guardians } from './guardians.ts'
import { graceOnLossMs, Overseer, type Verdict } from './overseer.ts'

/** The command to run, and its hold. */
export interface Job extends Visit {
  readonly hold: JobHold
  /** The source of the guardian. */
  readonly guardians: Guardians
  readonly command: readonly string[]
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** Further variables for the command. */
  readonly env?: Readonly<Record<string, string>>
  /** Variables of leasehold that the command does not get. */
  readonly stripEnv?: readonly string[] | undefined
  /** Signals after which the command has the grace to end; after others it may go on as long as it likes. */
  readonly endsOn?: readonly NodeJS.Signals[]
  readonly say: (message: string) => void
}

/**
 * Runs the command to its end. The caller releases the hold, and only afterwards. Rejects with StartError when there is
 * nothing to run, and with Interrupted when a signal came before it could start.
 */
export async function runUnderHold(job: Job): Promise<Verdict> {
  const { client, signals } = job
  signals.interrupted.throwIfAborted()
  // The command gets the token, and an operator has to find the lock by it. The command need not wait for that for long.
  if (job.hold instanceof ClaimHold) await job.hold.showToken({ timeoutMs: 1_000 }).catch(() => {})
  const guardian = job.guardians.guardian()
  const covered = coveredMs(client.ttlMs, client.facts)
  const onLossMs = graceOnLossMs(client, job.graceMs)
  signals.prepare()
  try {
    const group = await guardian.start(taskOf(job, onLossMs))
    const overseer = new Overseer({ ...job, group, guardian, coveredMs: covered, graceOnLossMs: onLossMs })
    signals.passTo((signal) => pass(signal, { ...job, group, guardian, overseer }))
    return await overseer.verdict()
  } finally {
    signals.stopPassing()
    guardian.dismiss()
  }
}

function taskOf(job: Job, graceMs: number): Task {
  const { hold, command, client } = job
  const env = commandEnv(job)
  // If a crash frees the lock at once, there is no time for the command to end by itself.
  const graceOnDeathMs = client.facts.freesOnCrash ? 0 : graceMs
  return { hold, command, env, mark: markOf(env), graceMs, graceOnDeathMs }
}

/** Signals that a terminal, or the shell on it, sends to the whole process group. */
const ofTerminals = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGCONT', 'SIGHUP', 'SIGWINCH'])

interface Running extends Job {
  readonly group: ChildGroup
  readonly guardian: Guardian
  readonly overseer: Overseer
}

function pass(signal: NodeJS.Signals, running: Running): void {
  const { group, guardian, overseer, guardians, endsOn = [] } = running
  if (signal === 'SIGCONT') overseer.look() // before the command goes on: the lock may be gone meanwhile
  if (guardians.inherited.terminal && ofTerminals.has(signal)) guardian.relay(signal)
  else if (signal !== 'SIGTSTP') group.signal(signal)
  if (signal === 'SIGTSTP') stopTogether(running)
  if (endsOn.includes(signal)) overseer.expectEnd(signal)
}

/**
 * Stops leasehold and the command together on Ctrl-Z: a stopped leasehold does not renew, so the command must not run
 * on. Without a terminal the command is in a session of its own, where the kernel ignores SIGTSTP but not SIGSTOP.
 */
function stopTogether({ guardians, group, signals }: Running): void {
  if (guardians.inherited.terminal) {
    signals.suspend()
    return
  }
  group.signal('SIGSTOP')
  process.kill(process.pid, 'SIGSTOP')
}
