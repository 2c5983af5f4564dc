// `leasehold leader`: says who leads. Owns how an answer is written, for people and for scripts; the library reads it.

import type { Command } from 'commander'
import type { Election } from '../../api/election.ts'
import { orAborted } from '../../base/abort.ts'
import { printable, printableJson, quoted } from '../../base/printable.ts'
import type { Leader } from '../../contract.ts'
import { checkName } from '../../core/arguments.ts'
import { type Visit, withClient } from '../client.ts'
import { exitStatus, messageOf, print, say } from '../exit.ts'
import { urlOption } from '../options.ts'

/** The options. */
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
      await withClient({ ...options, readsOnly: true }, (visit) => tell(visit, name, options))
    })
}

/** Writes who leads, once or at each change, and resolves with the exit status. */
async function tell({ client, signals }: Visit, name: string, options: LeaderOptions): Promise<number> {
  const election = client.election(name)
  if (options.watch) return watch(election, signals.interrupted, options)
  const leader = await orAborted(election.leader(), signals.interrupted)
  write(name, leader, options)
  return leader ? 0 : exitStatus.nobody
}

/**
 * Writes who leads at each change. Rejects with Interrupted, and with UnreadError when the reader of stdout has gone.
 */
async function watch(election: Election, signal: AbortSignal, options: LeaderOptions): Promise<number> {
  let told = ''
  const onError = (error: unknown): void => {
    const message = messageOf(error)
    if (message !== told) say(`${message}; asking again`)
    told = message
  }
  for await (const leader of election.observe({ signal, onError })) {
    told = ''
    write(election.name, leader, options)
  }
  return 0
}

function write(name: string, leader: Leader | undefined, { watch, json }: LeaderOptions): void {
  if (json) {
    print(`${asJson(name, leader)}\n`)
    return
  }
  if (leader || watch) print(`${leader ? printable(leader.value, Number.MAX_SAFE_INTEGER) : ''}\n`)
  if (!leader) say(`nobody leads ${quoted(name)}`)
}

/** The answer as JSON. The token is a string: as a number it could lose its last digits. */
function asJson(name: string, leader: Leader | undefined): string {
  const { value, token, session } = leader ?? {}
  return printableJson({ name, leader: leader ? { value, token: String(token), session } : null })
}

const description = `Prints what the leader of the election NAME says about itself: its --value, by default its host \
and process id. The answer is a consistent read of the store.`

const help = `
Examples:
  $ leasehold leader scheduler
  $ leasehold leader scheduler --watch
  $ curl "http://$(leasehold leader web)/status"
  $ leasehold leader web --json | jq -r '.leader.token'

With --json a line is {"name":"web","leader":{"value":"…","token":"12","session":"…"}},
or {"name":"web","leader":null} while nobody leads. Without it, control characters
in the value are written as \\u000a, and --watch prints an empty line while nobody
leads. The leader of another program may have an empty text; only --json and the
exit status show that somebody leads then.

Exit status: 0 if somebody leads, or
  3    nobody leads, as \`systemctl status\` exits for a service that does not run;
       no failure gives this status, so a script can rely on it
  64   wrong usage
  69   the store is unavailable, or refused the credentials: for --watch, at the
       start; later it says so and asks again
--watch exits 128+n when signal n ends it (130 after Ctrl-C, as \`tail -f\`), and 0
at the first change after the reader of its output has gone.`
