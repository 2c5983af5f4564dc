// The reference of the command as Markdown, for docs/command.md. `npm run manual` writes it there.
import type { Command } from 'commander'
import { type Definition, definitionsOf, textAfterHelp } from './definition.ts'

/** The lines around the reference in the document. */
export const borders = {
  begin: '<!-- reference: made by npm run manual -->',
  end: '<!-- end of reference -->',
}

/** The reference: all subcommands, with their options and the text of their help. */
export function markdownOf(program: Command): string {
  const parts = definitionsOf(program).map(sectionOf)
  const all = ['```text', textAfterHelp(program), '```'].join('\n')
  return [...parts, '### Environment', all].join('\n\n')
}

/** The document with a new reference between the borders. Throws if it has no borders. */
export function withReference(document: string, reference: string): string {
  const [head, tail] = [document.indexOf(borders.begin), document.indexOf(borders.end)]
  if (head < 0 || tail < head)
    throw new Error(`the document has no lines ${borders.begin} and ${borders.end}`)
  return `${document.slice(0, head)}${borders.begin}\n\n${reference}\n\n${document.slice(tail)}`
}

function sectionOf({ name, description, usage, options, more }: Definition): string {
  const rows = options.map((option) => `| \`${barless(option.flags)}\` | ${cell(option.description)} |`)
  const parts = [
    `### leasehold ${name}`,
    description,
    ['```text', usage, '```'].join('\n'),
    ...(rows.length > 0 ? [['| Option | |', '| --- | --- |', ...rows].join('\n')] : []),
    ['```text', more, '```'].join('\n'),
  ]
  return parts.join('\n\n')
}

function cell(text: string): string {
  return barless(text).replaceAll('<', '&lt;')
}

/** A bar would end the cell, also in code. */
function barless(text: string): string {
  return text.replaceAll('|', '\\|')
}
