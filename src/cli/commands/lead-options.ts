// The options and the help of `leasehold lead`. Owns what each option takes; lead.ts has their effect.

import { type Command, Option } from 'commander'
import type { Listening } from '../health.ts'
import { type HoldOptions, parsed } from '../options.ts'

/** The parsed options. */
export interface LeadOptions extends HoldOptions {
  readonly value?: string
  readonly valueFrom?: string
  readonly priority?: number
  readonly drainOn?: NodeJS.Signals
  readonly onLead?: string
  readonly onStandby?: string
  readonly health?: Listening
  readonly service?: string
  readonly serviceAddress?: string
  readonly port?: number
}

/** Signals that may ask a candidate to make room. */
const drainsOn = ['HUP', 'USR1', 'USR2'] as const

/** Gives the subcommand its own options, its argument and its description. */
export function withLeadOptions(subcommand: Command): Command {
  return subcommand
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
    .option('--service <name>', 'Consul: the service that is healthy only at the leader; takes --port')
    .option('--port <number>', 'the port of --service', toPort)
    .option('--service-address <address>', "the address of --service (default: that of the agent's node)")
    .option('--health <[host:]port>', 'answers probes over HTTP: /live, /ready and /leader', toListening)
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

function toPort(text: string): number {
  return parsed(() => {
    if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text)
    throw new RangeError('it takes a port from 1 to 65535')
  })
}

/** Without a host it listens on this machine alone. */
function toListening(text: string): Listening {
  return parsed(() => {
    const [, host = '127.0.0.1', digits = ''] =
      /^(?:([\w.-]+|\[[0-9a-fA-F:.]+\]):)?(\d{1,5})$/.exec(text) ?? []
    const port = Number(digits)
    if (port >= 1 && port <= 65_535) return { host: host.replace(/[[\]]/g, ''), port }
    throw new RangeError('it takes a port from 1 to 65535, or host:port, such as 0.0.0.0:8086')
  })
}

const description = `Waits until this candidate leads the election NAME, and runs the command while it leads. A candidate \
that waits is a standby. If leadership is lost, the command and all that it started are stopped before \
another candidate can lead, and leasehold stands for election again. When the command ends by itself, leadership is given \
back and leasehold exits.`

/** The end of its help. */
export const help = `
Times are numbers with a unit: 500ms, 30s, 5m, 1h.

Examples:
  $ leasehold lead scheduler -- ./scheduler
  $ leasehold lead web --value 10.0.0.7:8080 -- node server.js
  $ leasehold lead web --priority "$DEPLOYMENT" --drain-on USR1 -- node server.js
  $ leasehold lead scheduler --url etcd://10.0.0.1:2379/prod/ -- ./scheduler
  $ leasehold lead web --url consul: --service web --port 8080 -- node server.js
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
NotifyAccess=all tells READY and the role. With --health, /live answers 200 unless
the command outlives its term, /ready while it leads or stands in line, and /leader
while it leads; all else is 503. docs/deploying.md has a unit and a manifest.

Exit status: that of the command, 128+n if signal n ended it or the wait, or
  0    SIGTERM ended a standby, or the wait for a store that is not up yet
  1    the address of --health is not free
  64   wrong usage, NAME is in use for something else, or leasehold runs under
       NAME already and would wait for itself
  69   the store refused the credentials at the start
  70   leadership was lost while the command was ending
  126  the command cannot be executed
  127  the command was not found
It goes on after a loss, while the store is out of reach (also at the start), and
while the store refuses requests that it allowed before. A supervisor has to start
it again only when the command has ended.`
