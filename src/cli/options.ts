// The options and arguments that several subcommands take, and their help. Owns how a command to run is separated from
// leasehold's own arguments.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { checkName } from '../core/arguments.ts'
import { parseDuration } from './duration.ts'
import type { Guardians } from './process/guardians.ts'

/** The options of every subcommand that runs a command. */
export interface HoldOptions {
  readonly ttl?: number
  readonly grace: number
  readonly url?: string
  readonly quiet?: boolean
  readonly stripEnv?: string[]
}

/** The command, its name, and the source of its guardian. */
export interface Assignment {
  /** The first name, which is the only one of most subcommands. */
  readonly name: string
  readonly names: readonly string[]
  readonly command: readonly string[]
  readonly guardians: Guardians
}

/** Runs the command under the name. */
export type RunUnder<O extends HoldOptions> = (assignment: Assignment, options: O) => Promise<void>

/**
 * Gives a subcommand the form `NAME [options] -- CMD [ARG...]`, with the options that all subcommands of this form
 * share; with `several` all words before `--` are names. The help shows the subcommand's own options before them, and its own text after them. `guardians` supplies the
 * guardian of the command. If the command is optional, the subcommand checks it.
 */
export function takesCommand<O extends HoldOptions>(
  subcommand: Command,
  guardians: Guardians,
  run: RunUnder<O>,
  { optional = false, several = false }: { readonly optional?: boolean; readonly several?: boolean } = {},
): Command {
  return (
    subcommand
      .usage(`NAME${several ? '...' : ''} [options] -- CMD [ARG...]`)
      // Not required here: commander would miss CMD where the word before it, NAME, is missing.
      .argument('[CMD...]', 'the command and its arguments, after --; no shell reads them')
      .addOption(ttlOption())
      .addOption(graceOption())
      .addOption(urlOption())
      .option('--strip-env <NAME...>', 'variables of the environment that the command does not get', toNames)
      .option('--quiet', 'do not report the wait, nor that the name was not free')
      .action(async (name: string, words: string[], options: O, self: Command) => {
        if (wordsAfterDashes() > words.length)
          self.error("error: missing required argument 'NAME': it stands before --")
        const more =
          several && wordsAfterDashes() >= 0 ? words.slice(0, words.length - wordsAfterDashes()) : []
        const [names, command] = [[name, ...more], words.slice(more.length)]
        const left = command.length === 0
        if (left && !optional) self.error("error: missing required argument 'CMD'")
        if (!left && !followsDashes(command)) self.error('error: put -- between the options and the command')
        for (const each of names) checkName(each)
        await run({ name, names, command, guardians }, options)
      })
  )
}

/** The URL of the store. */
export function urlOption(): Option {
  return new Option('--url <url>', 'the store (default: $LEASEHOLD_URL, else file:)')
}

/** The time to live. */
export function ttlOption(): Option {
  const about = 'time to live: how soon others get the lock when this machine dies'
  // The default depends on the store, which is not loaded yet.
  return new Option('--ttl <time>', `${about} (default: the store's, 15s)`).argParser(toMs)
}

function graceOption(): Option {
  const about = 'time between SIGTERM and SIGKILL when the command has to stop'
  return new Option('--grace <time>', about).default(10_000, '10s').argParser(toMs)
}

/** Commander calls it once for each name. */
function toNames(name: string, before: string[] = []): string[] {
  return parsed(() => {
    if (name === '' || /[=*?]/.test(name)) throw new RangeError('it takes names of variables, as they are')
    return [...before, name]
  })
}

/** Without this, `run -- ls -l` would run `-l` under the lock `ls`. */
function followsDashes(command: readonly string[]): boolean {
  return wordsAfterDashes() === command.length
}

/** The number of words after `--`; -1 without it. */
function wordsAfterDashes(): number {
  const dashes = process.argv.indexOf('--')
  return dashes < 0 ? -1 : process.argv.length - dashes - 1
}

/** A length of time, for an option. */
export function toMs(text: string): number {
  return parsed(() => parseDuration(text))
}

/** The result of `parse` for an option. Commander puts the name and the value of the option before the message. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^\w+: /, ''))
  }
}
