// `leasehold lead`: runs a command while this candidate leads, term after term. Owns the effect of a term's end on the
// command and on leasehold. under-hold.ts runs the command; the library campaigns.

import type { Command } from 'commander'
import type { CandidateValue, LeaderService } from '../../api/election.ts'
import type { CandidatePart } from '../../api/health.ts'
import type { LedTerm } from '../../api/term.ts'
import { HoldLostError } from '../../base/errors.ts'
import { quoted } from '../../base/printable.ts'
import { type Visit, withClient } from '../client.ts'
import { messageOf } from '../exit.ts'
import { Health } from '../health.ts'
import { type Assignment, takesCommand } from '../options.ts'
import type { Guardians } from '../process/guardians.ts'
import { refuseNested } from '../process/nesting.ts'
import type { Verdict } from '../process/overseer.ts'
import { output, Roles } from '../process/roles.ts'
import { runUnderHold } from '../process/under-hold.ts'
import { Progress } from '../progress.ts'
import { help, type LeadOptions, withLeadOptions } from './lead-options.ts'

/** Signals that ask a leader to step down. For all others, such as SIGHUP, the command decides. */
const endsOn = ['SIGINT', 'SIGTERM'] as const

/** Adds the subcommand to the program. `guardians` supplies that of the command. */
export function addLead(program: Command, guardians: Guardians): void {
  takesCommand(withLeadOptions(program.command('lead')), guardians, lead).addHelpText('after', help)
}

async function lead(assignment: Assignment, options: LeadOptions): Promise<void> {
  const { name, guardians } = assignment
  const service = serviceOf(options)
  const health = options.health && (await Health.listen(name, options.health))
  const work = async (visit: Visit): Promise<number> => {
    await refuseNested(visit.client, { name, permits: 1 })
    const candidate = new Candidate(visit, assignment, options, service)
    if (health) health.part = () => candidate.part
    return candidate.status()
  }
  // A standby outlasts every outage, also an outage at the start, and SIGTERM is its usual end.
  const patience = { startMs: Number.MAX_SAFE_INTEGER, endsWell: 'SIGTERM' } as const
  await withClient({ ...options, ...patience }, work, guardians.inherited.ignored)
  health?.close()
}

/** Stands for election until the command ends by itself, or a signal ends it. */
class Candidate {
  readonly #visit: Visit
  readonly #name: string
  readonly #assignment: Assignment
  readonly #options: LeadOptions
  readonly #service: LeaderService | undefined
  readonly #progress: Progress
  readonly #roles: Roles
  readonly #over = new AbortController()
  #outcome: Verdict | { readonly error: unknown } | undefined
  #told = ''

  constructor(
    visit: Visit,
    assignment: Assignment,
    options: LeadOptions,
    service: LeaderService | undefined,
  ) {
    this.#visit = visit
    this.#service = service
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
        ...{ value: this.#value, priority, service: this.#service },
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
    throw interrupted.reason
  }

  /** The part that it has at the moment, as the library sees it: this process has one candidate. */
  get part(): CandidatePart {
    return this.#visit.client.health().elections[0]?.part ?? 'away'
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

/** Throws RangeError unless `--service` and `--port` come together. */
function serviceOf({ service: name, port, serviceAddress: address }: LeadOptions): LeaderService | undefined {
  if (name === undefined && port === undefined && address === undefined) return undefined
  if (name !== undefined && port !== undefined) return { name, port, address }
  throw new RangeError('--service and --port: give both or none')
}

/**
 * Whether to stand for election again after a loss: no signal asked for the end, and no process of the command runs.
 */
function standsAgain({ lost, stuck, asked }: Verdict): boolean {
  return lost && !stuck && !asked
}
