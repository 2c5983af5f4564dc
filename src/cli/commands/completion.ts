// `leasehold completion`: prints the script with which a shell completes the arguments. cli/reference/ makes the scripts.
import { Argument, type Command } from 'commander'
import { print } from '../exit.ts'
import { completionOf, type Shell, shells } from '../reference/completion.ts'

/** Adds the subcommand to the program. `whole` resolves with the program that has all subcommands. */
export function addCompletion(program: Command, whole: () => Promise<Command>): void {
  program
    .command('completion')
    .summary('print the completion script of a shell')
    .description(
      'Prints a script with which bash, zsh or fish complete subcommands, options and names of locks.',
    )
    .addArgument(new Argument('<SHELL>', 'the shell').choices(shells))
    .addHelpText('after', help)
    .action(async (shell: Shell) => print(completionOf(shell, await whole())))
}

const help = `
Names of locks come from leasehold ls, with the store of LEASEHOLD_URL; names with
blanks are left out. After -- the command is completed as without leasehold.

Examples:
  $ eval "$(leasehold completion bash)"                          # in ~/.bashrc
  $ leasehold completion zsh > "\${fpath[1]}/_leasehold"
  $ leasehold completion fish > ~/.config/fish/completions/leasehold.fish

Exit status: 0, or
  64   wrong usage`
