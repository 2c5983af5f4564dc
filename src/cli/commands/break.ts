// `leasehold break`: takes a lock from its holder. Owns that it takes it only from the holder with the given token, and
// its messages.

import { type Command, InvalidArgumentError } from 'commander'
import type { Leasehold } from '../../api/leasehold.ts'
import { orAborted } from '../../base/abort.ts'
import { quoted } from '../../base/printable.ts'
import type { Standing } from '../../contract.ts'
import { checkName } from '../../core/arguments.ts'
import { describeHolders, tokenOf, who } from '../../core/holder.ts'
import { breakShown } from '../break-shown.ts'
import { withClient } from '../client.ts'
import { exitStatus, print, say } from '../exit.ts'
import { urlOption } from '../options.ts'

/** The options. */
interface BreakOptions {
  readonly token?: bigint
  readonly url?: string
}

/** Adds the subcommand to the program. */
export function addBreak(program: Command): void {
  program
    .command('break')
    .summary('take a lock away from its holder')
    .description(description)
    .argument('<NAME>', 'the lock')
    .option(
      '--token <token>',
      'the token of the holder: its LEASEHOLD_TOKEN, or as leasehold ls shows it',
      toToken,
    )
    .addOption(urlOption())
    .addHelpText('after', help)
    .action((name: string, options: BreakOptions) => {
      checkName(name)
      return withClient(options, ({ client, signals }) =>
        orAborted(breakIt(client, name, options.token), signals.interrupted),
      )
    })
}

async function breakIt(client: Leasehold, name: string, token: bigint | undefined): Promise<number> {
  const shown = quoted(name)
  if (token === undefined) {
    say(`${shown}: ${describe(await client.line(name))}; say --token to break it`)
    return exitStatus.usage
  }
  const { loser, broken } = await breakShown(client, name, token)
  if (broken) {
    print(`${shown}: taken from ${loser ? who(loser) : 'its holder'}, token ${token}\n`)
    return 0
  }
  const now = describe(await client.line(name))
  say(`${shown}: nothing was changed, since nobody holds it with token ${token}: ${now}`)
  return exitStatus.notFree
}

function describe(line: readonly Standing[]): string {
  const holders = describeHolders(line, (holder) => `${who(holder)} with token ${tokenOf(holder)}`)
  return holders ? `held by ${holders}` : 'nobody holds it'
}

/** Commander puts the name and the value of the option before the message. */
function toToken(text: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError('it takes the digits that leasehold ls shows')
}

const description = `Takes a lock, a permit or a term away from the holder with this token; the next in line \
holds at once. Without --token it only says who holds, and with which token.`

const help = `
The holder learns of it within a third of its time to live, mostly at once; then
leasehold run stops its command. Until then both may work: if that matters, stop
the holder first, or let the resource that they write to refuse the smaller
token. etcdctl lock and Go programs on etcd do not notice the loss: end their
process, too.

Examples:
  $ leasehold break nightly-report
  $ leasehold break nightly-report --token 4711

Exit status: 0 if the lock was taken away, or
  64   wrong usage, or no --token
  69   the store is unavailable, or refused the credentials
  75   nobody holds NAME with this token; nothing was changed`
