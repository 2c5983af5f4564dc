// `leasehold lead`: runs a command while this candidate leads, term after term. Owns the effect of a term's end on the
// command and on leasehold. under-hold.ts runs the command; the library campaigns.

import { type Command, Option } from 'commander'
import type { CandidateValue } from '../../api/election.ts'
import type { LedTerm } from '../../api/term.ts'
import { HoldLostError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { type Visit, withClient } from '../client.ts'
import { type Interrupted, messageOf, signalStatus } from '../exit.ts'
import { type Assignment, type HoldOptions, parsed, takesCommand } from '../options.ts'
import { refuseNested } from '../process/nesting.ts'
import type { Verdict } from '../process/overseer.ts'
import { output, Roles } from '../process/roles.ts'
import { runUnderHold } from '../process/under-hold.ts'
import { Progress } from '../progress.ts'

/** The parsed options. */
interface LeadOptions extends HoldOptions {
  readonly value?: string
  readonly valueFrom?: string
  readonly priority?: number
  readonly drainOn?: NodeJS.Signals
  readonly onLead?: string
  readonly onStandby?: string
}

/** Signals that may ask a candidate to make room. */
const drainsOn = ['HUP', 'USR1', 'USR2'] as const

/** Signals that ask a leader to step down. For all others, such as SIGHUP, the command decides. */
const endsOn = ['SIGINT', 'SIGTERM'] as const

/** Adds the subcommand to the program. */
export function addLead(program: Command): void {
  const subcommand = program
    .command('lead')
    .summary('run a command while leading, else stand by')
    .description(description)
    .argument('<NAME>', 'the election: 1 to 512 bytes of UTF-8, the same for all its candidates')
    .option(
      '--value <text>',
      'a text about the leader for others to read (default: its host and process id)',
      toValue,
    )
    .addOption(valueFromOption())
    .option('--priority <number>', 'goes ahead of the candidates in line that have a smaller one', toPriority)
    .addOption(new Option('--drain-on <signal>', 'makes room for other candidates').argParser(toSignal))
    .option('--on-lead <command>', 'a shell command to run on becoming the leader')
    .option('--on-standby <command>', 'a shell command to run on becoming a standby')
  takesCommand(subcommand, lead).addHelpText('after', help)
}

/** Without this, `--value -- ./job` would lead with `--` as the value. */
function toValue(text: string): string {
  return parsed(() => {
    if (text === '--') throw new RangeError('it takes a text before the --')
    if (text === '') throw new RangeError('it takes a text that is not empty, which would look like nobody')
    return text
  })
}

function valueFromOption(): Option {
  const about = 'a shell command that prints the value, before each campaign'
  return new Option('--value-from <command>', about).conflicts('value')
}

function toPriority(text: string): number {
  return parsed(() => {
    const number = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number
    throw new RangeError('it takes a whole number from 0')
  })
}

function toSignal(text: string): NodeJS.Signals {
  return parsed(() => {
    const name = drainsOn.find((each) => text === each || text === `SIG${each}`)
    if (name) return `SIG${name}` as const
    throw new RangeError(`it takes ${drainsOn.join(', ')}`)
  })
}

async function lead(assignment: Assignment, options: LeadOptions): Promise<void> {
  const { name, post } = assignment
  const work = async (visit: Visit): Promise<number> => {
    await refuseNested(visit.client, { name, permits: 1 })
    return new Candidate(visit, assignment, options).status()
  }
  // A standby outlasts every outage, also an outage at the start.
  await withClient({ ...options, startMs: Number.MAX_SAFE_INTEGER }, work, post.inherited.ignored)
}

/** Stands for election until the command ends by itself, or a signal ends it. */
class Candidate {
  readonly #visit: Visit
  readonly #name: string
  readonly #assignment: Assignment
  readonly #options: LeadOptions
  readonly #progress: Progress
  readonly #roles: Roles
  readonly #over = new AbortController()
  #outcome: Verdict | { readonly error: unknown } | undefined
  #told = ''

  constructor(visit: Visit, assignment: Assignment, options: LeadOptions) {
    this.#visit = visit
    this.#name = assignment.name
    this.#assignment = assignment
    this.#options = options
    this.#progress = new Progress({ ...visit, ...options, name: this.#name })
    this.#roles = new Roles({ ...options, name: this.#name, say: this.#progress.say })
  }

  /** Resolves with the exit status when leadership is given back. Rejects with Interrupted if it never led. */
  async status(): Promise<number> {
    const { client, signals } = this.#visit
    const { interrupted } = signals
    const { drainOn, priority } = this.#options
    const election = client.election(this.#name)
    if (drainOn) signals.divert(drainOn, () => election.drain())
    try {
      await election.lead((term) => this.#serve(term), {
        ...{ value: this.#value, priority },
        signal: AbortSignal.any([interrupted, this.#over.signal]),
        graceMs: Number.MAX_SAFE_INTEGER, // the overseer decides when the command is killed
        stopBeforeMs: 0, // and how long before the deadline the command is stopped
        onWait: (ahead) => this.#waits(ahead),
        onError: (error) => this.#report(error),
      })
    } finally {
      this.#progress.clear()
      await this.#roles.settled()
    }
    const outcome = this.#outcome
    if (outcome && 'error' in outcome) throw outcome.error
    if (outcome) return outcome.status
    return statusOfStandby(interrupted.reason)
  }

  get #value(): CandidateValue | undefined {
    const { value, valueFrom } = this.#options
    return valueFrom === undefined ? value : () => output(valueFrom)
  }

  #waits(ahead: number): void {
    this.#roles.standsBy()
    this.#progress.onWait?.(ahead)
  }

  /** Runs one term. If all terms end, notes the reason as the outcome. */
  async #serve(hold: LedTerm): Promise<void> {
    this.#progress.clear()
    this.#roles.leads(hold.token)
    this.#told = ''
    const { grace: graceMs, stripEnv } = this.#options
    const say = this.#progress.say
    const job = { ...this.#visit, ...this.#assignment, hold, graceMs, stripEnv, endsOn, say }
    const outcome = await runUnderHold(job).catch((error: unknown) => ({ error }))
    if ('lost' in outcome && standsAgain(outcome)) return this.#standAgain()
    this.#outcome = outcome
    this.#over.abort()
  }

  #standAgain(): void {
    const name = quoted(this.#name)
    this.#roles.standsBy()
    this.#progress.say(`${name} is led from here no longer; standing for election again`)
  }

  /**
   * Reports an error after which the campaign goes on, once for equal reasons in a row. The overseer has reported a
   * loss.
   */
  #report(error: unknown): void {
    const message = messageOf(error)
    if (error instanceof HoldLostError || message === this.#told) return
    this.#told = message
    this.#progress.say(`${message}; standing for election again`)
  }
}

/** The status after a signal. Throws the reason, but SIGTERM is the usual end of a standby. */
function statusOfStandby(reason: Interrupted): number {
  if (reason.status === signalStatus('SIGTERM')) return 0
  throw reason
}

/**
 * Whether to stand for election again after a loss: no signal asked for the end, and no process of the command runs.
 */
function standsAgain({ lost, stuck, asked }: Verdict): boolean {
  return lost && !stuck && !asked
}

const description = `Waits until this candidate leads the election NAME, and runs the command while it leads. A candidate \
that waits is a standby. If leadership is lost, the command and all that it started are stopped before \
another candidate can lead, and leasehold stands for election again. When the command ends by itself, leadership is given \
back and leasehold exits.`

const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

Examples:
  $ leasehold lead scheduler -- ./scheduler
  $ leasehold lead web --value 10.0.0.7:8080 -- node server.js
  $ leasehold lead web --priority "$DEPLOYMENT" --drain-on USR1 -- node server.js
  $ leasehold lead scheduler --url etcd://10.0.0.1:2379/prod/ -- ./scheduler
  $ leasehold leader scheduler

The command gets these variables:
  LEASEHOLD_NAME   the name of the election
  LEASEHOLD_TOKEN  the fencing token, which grows with every term: let the resource
                   that the command writes to refuse a smaller one than before
  LEASEHOLD_URL    the store, without secrets
  LEASEHOLD_HOLDS  all holds above the command, as JSON
It also gets the environment, the open descriptors and the terminal of leasehold,
without the variables that --strip-env names.

Signals sent to leasehold are passed on to the command and all that it started. After
SIGTERM or SIGINT the command has --grace to end, then it is killed; with its end
the next candidate leads. While leasehold only waits, they end it at once. The
signal of --drain-on goes to leasehold alone: a standby leaves the line, a leader
ends its command when another candidate waits, and both lead again only if nobody
else does.

Only candidates with a --priority are overtaken. --on-lead and --on-standby get
LEASEHOLD_NAME, LEASEHOLD_ROLE and, if leading, LEASEHOLD_TOKEN; the command does
not wait for them, and each is killed after 10 s. Under systemd, Type=notify with
NotifyAccess=all tells READY and the role.

Exit status: that of the command, 128+n if signal n ended it or the wait, or
  0    SIGTERM ended a standby
  64   wrong usage, NAME is in use for something else, or leasehold runs under
       NAME already and would wait for itself
  69   the store refused the credentials at the start
  70   leadership was lost while the command was ending
  126  the command cannot be executed
  127  the command was not found
It goes on after a loss, while the store is out of reach (also at the start), and
while the store refuses requests that it allowed before. A supervisor has to start
it again only when the command has ended.`
