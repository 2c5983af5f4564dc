// `leasehold ls`: shows all holders and waiters. Owns when they are shown; states.ts formats them.
import type { Command } from 'commander'
import type { CronState } from '../../api/cron.ts'
import type { Leasehold } from '../../api/leasehold.ts'
import { orAborted } from '../../base/abort.ts'
import { pause } from '../../base/clock.ts'
import { RefusedError, UnavailableError } from '../../base/errors.ts'
import { printableJson } from '../../base/printable.ts'
import type { NameState } from '../../contract.ts'
import { type Visit, withClient } from '../client.ts'
import { Interrupted, messageOf, print, say, signalStatus } from '../exit.ts'
import { urlOption } from '../options.ts'
import { cronTable, documentOf, fitted, table } from '../states.ts'

/** The options. */
interface LsOptions {
  readonly json?: boolean
  readonly watch?: boolean
  readonly url?: string
}

const everyMs = 2_000
const nobody = 'nobody holds or waits'

/** Adds the subcommand to the program. */
export function addLs(program: Command): void {
  program
    .command('ls')
    .summary('show who holds which lock, and who waits')
    .description(description)
    .argument('[PREFIX]', 'only names that begin with it', '')
    .option('--json', 'one JSON document; with --watch one on each line')
    .option('--watch', 'go on: redraw on a terminal, elsewhere print anew what changed')
    .addOption(urlOption())
    .addHelpText('after', help)
    .action((prefix: string, options: LsOptions) =>
      withClient({ ...options, readsOnly: true }, (visit) => {
        const show = new Show(visit.client.url, options)
        return options.watch ? watch(visit, prefix, show) : once(visit, prefix, show)
      }),
    )
}

/** One look at the store. */
interface Sight {
  readonly states: readonly NameState[]
  readonly jobs: readonly CronState[]
}

async function look(client: Leasehold, prefix: string): Promise<Sight> {
  const [states, jobs] = await Promise.all([
    client.survey(prefix),
    client.cronJobs(prefix).catch((error) => {
      if (!(error instanceof RefusedError)) throw error
      return [] // credentials for the claims alone
    }),
  ])
  return { states, jobs }
}

async function once({ client, signals }: Visit, prefix: string, show: Show): Promise<number> {
  show.print(await orAborted(look(client, prefix), signals.interrupted))
  return 0
}

/**
 * Shows the claims again and again, until Ctrl-C, which is its normal end, or until the reader of stdout has gone. It
 * reports an outage, and goes on.
 */
async function watch({ client, clock, signals }: Visit, prefix: string, show: Show): Promise<number> {
  const { interrupted } = signals
  try {
    for (;;) {
      const shown = look(client, prefix).then(
        (sight) => show.update(sight),
        (error) => show.outage(error),
      )
      await orAborted(shown, interrupted)
      await pause(clock, everyMs, interrupted)
    }
  } catch (error) {
    if (error instanceof Interrupted && error.status === signalStatus('SIGINT')) return 0
    throw error
  }
}

/** Writes the claims to stdout. */
class Show {
  readonly #url: string
  readonly #options: LsOptions
  #last: string | undefined

  constructor(url: string, options: LsOptions) {
    this.#url = url
    this.#options = options
  }

  print(sight: Sight): void {
    if (this.#options.json) {
      const document = documentOf(this.#url, sight.states, sight.jobs)
      print(`${printableJson(document, this.#options.watch ? 0 : 2)}\n`)
    } else {
      if (sight.states.length === 0) say(nobody)
      print(tables(sight))
    }
  }

  update(sight: Sight): void {
    if (process.stdout.isTTY && !this.#options.json) this.#draw(sight)
    else if (this.#isNew(sight)) this.print(sight)
  }

  /** Reports an outage, once for equal reasons in a row. */
  outage(error: unknown): void {
    if (!(error instanceof UnavailableError)) throw error
    const message = messageOf(error)
    if (this.#last !== message) say(message)
    this.#last = message
  }

  /** Whether the claims differ from the last ones. The time that is left always changes, and does not count. */
  #isNew({ states, jobs }: Sight): boolean {
    const still = states.map((state) => ({
      ...state,
      claims: state.claims.map((claim) => ({ ...claim, ttlLeftMs: undefined })),
    }))
    const now = printableJson(documentOf(this.#url, still, jobs))
    const isNew = this.#last !== now
    if (isNew && this.#last !== undefined && !this.#options.json) print('\n')
    this.#last = now
    return isNew
  }

  /** Draws from the upper left corner on, as much as fits on the terminal. */
  #draw(sight: Sight): void {
    const { rows = 24, columns = 80 } = process.stdout
    const lines = `${sight.states.length > 0 ? '' : `${nobody}\n`}${tables(sight)}`.trimEnd().split('\n')
    const room = rows - 2
    const hidden = lines.length - room
    const shown = hidden > 0 ? [...lines.slice(0, room - 1), `… ${hidden + 1} more lines`] : lines
    const cut = shown.map((line) => fitted(line, columns))
    const clear = this.#last === undefined ? '\x1b[2J' : ''
    this.#last = ''
    print(`${clear}\x1b[H${cut.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
  }
}

/** The claims, and below them the cron jobs. Empty where there are neither. */
function tables({ states, jobs }: Sight): string {
  const parts = [...(states.length > 0 ? [table(states)] : []), ...(jobs.length > 0 ? [cronTable(jobs)] : [])]
  return parts.join('\n')
}

const description = `Shows the names on which claims stand, one line for each claim: holders first, then \
the waiters in order. Claims of etcdctl and consul are shown, too.`

const help = `
SINCE   when the client asked, by the clock of its own machine
TOKEN   the token that leasehold break asks for, LEASEHOLD_TOKEN of a command
TTL     how long the session of the holder lives without a renewal (etcd only)
KIND    mutex, election, semaphore/n, or rwlock; ? if no claim shows it
STATE   whether the claim holds or waits, whether it reads or writes, and how many
        permits it takes if that is not one

Below the claims are the cron jobs that have run, each with its last tick, the
host that took it, when it began by that host's clock, and when it ended. A job
without an end runs, or its host is gone.

Examples:
  $ leasehold ls
  $ leasehold ls billing/ --watch
  $ leasehold ls --json | jq -r '.names[] | select(.waiters != []) | .name'

Names of more than 512 bytes are of other programs, and are left out. With --json
a value is cut to 4096 characters.

Exit status: 0, also when nobody holds or waits and when Ctrl-C ends --watch, or
  64   wrong usage
  69   the store is unavailable, or refused the credentials`
