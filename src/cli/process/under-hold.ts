// One command under one hold, from its start until nothing of it runs any more, for every subcommand that runs one.
// Owns how guardian, group, overseer and signals are put together; what its end means, each subcommand says.
import type { Hold } from '../../api/hold.ts'
import type { Visit } from '../client.ts'
import { type ChildGroup, startGroup } from './child.ts'
import { Guardian } from './guardian.ts'
import { graceOnLossMs, Overseer, type Verdict } from './overseer.ts'

/** What to run, and under what. */
export interface Job extends Visit {
  readonly hold: Pick<Hold, 'name' | 'token' | 'signal' | 'remainingMs'>
  readonly command: readonly string[]
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** Further variables for the command. */
  readonly env?: Readonly<Record<string, string>>
  /** Signals after which the command has the grace to end; after others it may go on as long as it likes. */
  readonly endsOn?: readonly NodeJS.Signals[]
  readonly say: (message: string) => void
}

/**
 * Runs the command to its end. The hold is the caller's to release, and only afterwards. Rejects with StartError when
 * there is nothing to run, and with Interrupted when a signal came before it could start.
 */
export async function runUnderHold(job: Job): Promise<Verdict> {
  const { client, hold, signals, graceMs } = job
  signals.interrupted.throwIfAborted()
  const onLossMs = graceOnLossMs(client.ttlMs, graceMs)
  // Where a crash frees the lock at once, nobody waits for the command to end in peace.
  const guardian = new Guardian(client.facts.freesOnCrash ? 0 : onLossMs)
  signals.prepare()
  try {
    const group = await startGroup(job.command, {
      ...job.env,
      LEASEHOLD_NAME: hold.name,
      LEASEHOLD_TOKEN: String(hold.token),
      LEASEHOLD_URL: client.url,
    })
    const overseer = new Overseer({ ...job, group, guardian, graceOnLossMs: onLossMs })
    signals.passTo((signal) => pass(signal, group, overseer, job))
    await guardian.guard(group.pid)
    group.begin()
    return await overseer.verdict()
  } finally {
    signals.stopPassing()
    guardian.dismiss()
  }
}

function pass(signal: NodeJS.Signals, group: ChildGroup, overseer: Overseer, { endsOn = [] }: Job): void {
  if (signal === 'SIGCONT') overseer.look() // before the command goes on: the lock may be gone meanwhile
  if (signal === 'SIGTSTP') stopTogether(group)
  else group.signal(signal)
  if (endsOn.includes(signal)) overseer.expectEnd(signal)
}

/**
 * Ctrl-Z: nobody renews while leasehold is stopped, so the command must not run on. A SIGTSTP would be
 * ignored by the kernel, since the group is in no terminal's session; SIGSTOP is not.
 */
function stopTogether(group: ChildGroup): void {
  group.signal('SIGSTOP')
  process.kill(process.pid, 'SIGSTOP')
}
