// Reads the definitions of the subcommands, from which the reference, the man page and the completions are made. Owns what
// they have in common: the text after the help, and the options that a person sees.
import type { EventEmitter } from 'node:events'
import type { Command, Option } from 'commander'

/** A subcommand as a reader sees it. */
export interface Definition {
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly usage: string
  readonly options: readonly Option[]
  /** The text that the help has after the options. */
  readonly more: string
  /** Whether a command may follow after `--`. */
  readonly takesCommand: boolean
  /** Whether its first argument is the name of a lock, or the beginning of names. */
  readonly takesName: boolean
}

/** All subcommands, in the order of the help. */
export function definitionsOf(program: Command): Definition[] {
  return program.commands.map((command) => {
    const usage = command.usage()
    const [first] = command.registeredArguments.map((argument) => argument.name())
    return {
      name: command.name(),
      summary: command.summary(),
      description: command.description(),
      usage: `leasehold ${command.name()} ${usage}`,
      options: command.options.filter(({ hidden }) => !hidden),
      more: textAfterHelp(command),
      takesCommand: usage.includes(' -- '),
      takesName: first === 'NAME' || first === 'PREFIX',
    }
  })
}

/** The text that a command prints after its help, without blank lines around it. */
export function textAfterHelp(command: Command): string {
  let text = ''
  const write = (part: string): void => {
    text += part
  }
  // Commander calls these listeners when it prints the help; its types do not say that it is an EventEmitter.
  const emitter = command as unknown as EventEmitter
  emitter.emit('afterHelp', { error: false, command, write })
  return text.replace(/^\n+|\s+$/g, '')
}
