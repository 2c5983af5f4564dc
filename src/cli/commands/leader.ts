// `leasehold leader`: who leads. Owns how an answer is written, for people and for scripts; reading it is the
// library's.
import type { Command } from 'commander'
import type { Election } from '../../api/election.ts'
import { orAborted } from '../../base/abort.ts'
import type { Leader } from '../../contract.ts'
import { checkName } from '../../core/arguments.ts'
import { type Visit, withClient } from '../client.ts'
import { exitStatus, messageOf, say } from '../exit.ts'
import { urlOption } from '../options.ts'

/** What the options say. */
interface LeaderOptions {
  readonly watch?: boolean
  readonly json?: boolean
  readonly url?: string
}

/** Adds the subcommand to the program. */
export function addLeader(program: Command): void {
  program
    .command('leader')
    .summary('say who leads')
    .description(description)
    .usage('NAME [options]')
    .argument('<NAME>', 'the election')
    .option('--watch', 'say it at once and then at each change, until a signal ends it')
    .option('--json', 'write one JSON object per line')
    .addOption(urlOption())
    .addHelpText('after', help)
    .action(async (name: string, options: LeaderOptions) => {
      checkName(name)
      await withClient(options, (visit) => tell(visit, name, options))
    })
}

/** Writes who leads, once or at each change, and resolves with the exit status. */
async function tell({ client, signals }: Visit, name: string, options: LeaderOptions): Promise<number> {
  const election = client.election(name)
  const unread = untilUnread()
  if (options.watch) return watch(election, AbortSignal.any([signals.interrupted, unread]), options)
  const leader = await orAborted(election.leader(), signals.interrupted)
  write(name, leader, options)
  return leader ? 0 : exitStatus.nobody
}

/** Writes who leads at each change, until nobody reads it. Rejects with Interrupted. */
async function watch(election: Election, signal: AbortSignal, options: LeaderOptions): Promise<number> {
  let told = ''
  const onError = (error: unknown): void => {
    const message = messageOf(error)
    if (message !== told) say(`${message}; asking again`)
    told = message
  }
  try {
    for await (const leader of election.observe({ signal, onError })) {
      told = ''
      write(election.name, leader, options)
    }
  } catch (error) {
    if (error !== unreadable) throw error
  }
  return 0
}

const unreadable = Symbol('nobody reads it')

/** Aborts when nobody reads stdout any more, as after `| head -1`: that ends it, and is no failure. */
function untilUnread(): AbortSignal {
  const unread = new AbortController()
  process.stdout.on('error', () => unread.abort(unreadable))
  return unread.signal
}

function write(name: string, leader: Leader | undefined, { watch, json }: LeaderOptions): void {
  if (json) return void process.stdout.write(`${asJson(name, leader)}\n`)
  if (leader || watch) process.stdout.write(`${leader ? onOneLine(leader.value) : ''}\n`)
  if (!leader) say(`nobody leads ${JSON.stringify(name)}`)
}

/** A token as a string: as a number it could lose its last digits. */
function asJson(name: string, leader: Leader | undefined): string {
  const { value, token, session } = leader ?? {}
  return JSON.stringify({ name, leader: leader ? { value, token: String(token), session } : null })
}

/** Any client may have written the value: it shall neither make a second line nor steer a terminal. */
export function onOneLine(value: string): string {
  return value.replace(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const description = `Prints what the leader of the election NAME says about itself: its --value, by default its host \
and process id. Asks the store, and no member of it that lags behind.`

const help = `
Examples:
  $ leasehold leader scheduler
  $ leasehold leader scheduler --watch
  $ curl "http://$(leasehold leader web)/status"
  $ leasehold leader web --json | jq -r '.leader.token'

With --json a line is {"name":"web","leader":{"value":"…","token":"12","session":"…"}},
or {"name":"web","leader":null} while nobody leads. Without it, control characters
in the value are written as \\u000a, and --watch prints an empty line while nobody
leads; the leader of another program may say an empty text, and only --json and the
exit status tell that from nobody.

Exit status: 0 if somebody leads, or
  3    nobody leads, as \`systemctl status\` has it for what does not run; no
       failure gives this status, so a script can rely on it
  64   wrong usage
  69   the store is unavailable, or refused the credentials: for --watch, at the
       start; later it says so and asks again
--watch exits 128+n when signal n ends it (130 after Ctrl-C, as \`tail -f\`), and 0
at the first change that nobody reads any more.`
