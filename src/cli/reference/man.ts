// The man page of the command, man/leasehold.1. `npm run manual` writes it. https://man7.org/linux/man-pages/man7/groff_man.7.html
import type { Command } from 'commander'
import { type Definition, definitionsOf, textAfterHelp } from './definition.ts'

/** The page. It has no date and no version, so that it changes only with the definitions. */
export function manOf(program: Command): string {
  const definitions = definitionsOf(program)
  return [
    '.\\" Made from the definitions of the command by: npm run manual',
    '.TH LEASEHOLD 1 "" Leasehold "User Commands"',
    '.SH NAME',
    `leasehold \\- ${escaped(withoutStop(program.description()))}`,
    '.SH SYNOPSIS',
    ...definitions.flatMap(({ usage }) => ['.br', escaped(usage)]).slice(1),
    '.SH SUBCOMMANDS',
    ...definitions.flatMap(sectionOf),
    '.SH ENVIRONMENT',
    ...verbatim(textAfterHelp(program)),
    '.SH SEE ALSO',
    '.BR flock (1),',
    '.BR systemd.service (5)',
    '',
  ].join('\n')
}

function sectionOf({ name, description, options, more }: Definition): string[] {
  const listed = options.flatMap((option) => [
    '.TP',
    `.B ${escaped(option.flags)}`,
    escaped(option.description),
  ])
  return [`.SS leasehold ${name}`, escaped(description), ...listed, '.PP', ...verbatim(more)]
}

/** Text that keeps its lines. */
function verbatim(text: string): string[] {
  return ['.nf', ...text.split('\n').map(escaped), '.fi']
}

/** A hyphen would become a typographic one, and a line must not begin like a request. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&')
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '')
}
