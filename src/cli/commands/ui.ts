// `leasehold ui`: serves a page that shows the locks of a store as they change. Owns its options and its messages; the folder
// ui/ has the server and the page.

import { type Command, Option } from 'commander'
import { untilAborted } from '../../base/abort.ts'
import { checkPrefix } from '../../core/arguments.ts'
import { type Visit, withClient } from '../client.ts'
import { Interrupted, print, say, signalStatus } from '../exit.ts'
import { parsed, urlOption } from '../options.ts'
import { Access, newToken } from '../ui/access.ts'
import { answerBreak, refuseBreak } from '../ui/breaking.ts'
import { Feed } from '../ui/feed.ts'
import { UiServer } from '../ui/server.ts'

/** The options. */
interface UiOptions {
  readonly host: string
  readonly port: number
  readonly allowBreak?: boolean
  readonly url?: string
}

/** Adds the subcommand to the program. */
export function addUi(program: Command): void {
  program
    .command('ui')
    .summary('show the locks on a page in a browser')
    .description(description)
    .argument('[PREFIX]', 'only names that begin with it', '')
    .addOption(portOption())
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--allow-break', 'let the page take locks away from their holders')
    .addOption(urlOption())
    .addHelpText('after', help)
    .action((prefix: string, options: UiOptions) => {
      checkPrefix(prefix)
      return withClient({ ...options, readsOnly: true }, (visit) => serve(visit, prefix, options))
    })
}

/** Serves until a signal ends it, which is its normal end. */
async function serve({ client, clock, signals }: Visit, prefix: string, options: UiOptions): Promise<number> {
  const { host, port, allowBreak: mayBreak = false } = options
  const token = newToken(clock)
  const access = new Access(token, host)
  const feed = new Feed(client, clock, { prefix, mayBreak })
  const onBreak = (body: string) => (mayBreak ? answerBreak(client, body) : refuseBreak())
  const server = await UiServer.listen({ access, feed, clock, onBreak }, { host, port })
  try {
    if (!isLoopback(host)) say(warning(host))
    print(`http://${addressOf(host)}:${server.port}/?token=${token}\n`)
    say(`open this URL in a browser; Ctrl-C ends it${mayBreak ? '' : ', and nothing can be changed there'}`)
    return await untilAborted<number>(signals.interrupted, () => () => {})
  } catch (error) {
    const ends = [signalStatus('SIGINT'), signalStatus('SIGTERM')]
    if (error instanceof Interrupted && ends.includes(error.status)) return 0
    throw error
  } finally {
    server.close()
  }
}

function portOption(): Option {
  return new Option('--port <number>', 'the port to listen on')
    .default(0, 'any that is free')
    .argParser(toPort)
}

function toPort(text: string): number {
  return parsed(() => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
    throw new RangeError('it takes a port from 1 to 65535, or 0 for any that is free')
  })
}

/** Whether only this machine can reach the address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** The address in a URL. An address that stands for all others is replaced by that of this machine. */
function addressOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function warning(host: string): string {
  return `--host ${host}: other machines can reach the page. The token and all names travel there unencrypted; over an untrusted network use ssh -L instead`
}

const description = `Serves a page that shows who holds which lock and who waits, live: the lines in order, the times to \
live, elections, cron jobs, and what changed in the last 15 minutes. It prints the URL of the page, with a token that \
the browser needs.`

const help = `
The page reads the store about once per second while it is open, once for all
browsers, and nothing while no page is open. It loads nothing from elsewhere.
With --allow-break it has a button at each holder, which asks for the token that
the page shows, as leasehold break does. To see the page of another machine:
ssh -L 7420:127.0.0.1:7420 HOST leasehold ui --port 7420

Examples:
  $ leasehold ui
  $ leasehold ui billing/ --port 7420
  $ leasehold ui --url etcd://10.0.0.1:2379/prod/ --allow-break

Exit status: 0 after SIGINT (Ctrl-C) or SIGTERM, or
  1    the address is not free
  64   wrong usage
  69   the store is unavailable at the start, or refused the credentials; later the
       page says so, and asks again`
