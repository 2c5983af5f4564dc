// What the commands of an operator share: a client for the time of one command, which ends soon also where the store
// has fallen silent. Owns no output but that of errors.
import { pause, systemClock } from '../clock.ts'
import { connect, type Leasehold } from '../connect.ts'
import { orAborted } from '../limits.ts'
import { Interrupted, messageOf, say, signalStatus, statusOf } from './exit.ts'
import { Signals } from './signals.ts'

/** How long closing may take: nothing is held, so nothing depends on it. */
const closeMs = 2_000

/**
 * Connects, does `work`, closes, and exits with the status that `work` resolves with, or that of its error. Ctrl-C is an
 * error, unless it is the only end of the work.
 */
export async function asOperator(
  { url, watch = false }: { readonly url?: string | undefined; readonly watch?: boolean | undefined },
  work: (client: Leasehold, interrupted: AbortSignal) => Promise<number>,
): Promise<void> {
  const signals = new Signals()
  const connecting = connect(url)
  try {
    const client = await orAborted(connecting, signals.interrupted)
    process.exitCode = await orAborted(work(client, signals.interrupted), signals.interrupted)
  } catch (error) {
    if (!(error instanceof Interrupted)) say(messageOf(error))
    process.exitCode = watch && isCtrlC(error) ? 0 : statusOf(error)
  }
  await closed(connecting)
  signals.lift()
}

function isCtrlC(error: unknown): boolean {
  return error instanceof Interrupted && error.status === signalStatus('SIGINT')
}

/** A store that falls silent may keep sockets busy; the exit does not wait for that. */
async function closed(connecting: Promise<Leasehold>): Promise<void> {
  const over = new AbortController()
  const late = pause(systemClock(), closeMs, over.signal).then(
    () => process.exit(),
    () => {}, // closed in time
  )
  await connecting.then((client) => client.close()).catch(() => {}) // a failure to connect was told
  over.abort()
  await late
}
