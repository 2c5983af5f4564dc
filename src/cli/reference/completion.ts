// The scripts with which shells complete the arguments of `leasehold`, made from the definitions of the subcommands. Owns what
// each shell needs; names of locks come from `leasehold ls`, which gets two seconds.
import type { Command } from 'commander'
import { type Definition, definitionsOf } from './definition.ts'

/** The shells. */
export const shells = ['bash', 'zsh', 'fish'] as const
/** One of the shells. */
export type Shell = (typeof shells)[number]

/** The script of a shell. */
export function completionOf(shell: Shell, program: Command): string {
  return { bash, zsh, fish }[shell](definitionsOf(program))
}

/** Prints the names of locks, one a line. Names with blanks are left out: a shell would take them for several words. */
const names = `timeout 2 leasehold ls 2>/dev/null | awk 'NR > 1 && $1 != "" && $1 != "CRON" { print $1 }' | sort -u`

const flagsOf = ({ options }: Definition): string[] =>
  options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined))

// Long: one script, which reads best in one piece.
function bash(definitions: readonly Definition[]): string {
  const cases = definitions.map(
    (each) => `    ${each.name}) options='${[...flagsOf(each), '--help'].join(' ')}' ;;`,
  )
  const withValue = definitions.flatMap(({ options }) =>
    options.filter(({ required }) => required).map(({ long }) => long),
  )
  const verbs = definitions.map(({ name }) => name).join(' ')
  const named = definitions.filter(({ takesName }) => takesName).map(({ name }) => name)
  return `# bash completion for leasehold: eval "$(leasehold completion bash)"
_leasehold() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" options='' index
  COMPREPLY=()
  for ((index = 2; index < COMP_CWORD; index++)); do
    if [ "\${COMP_WORDS[index]}" = -- ]; then
      if ((index == COMP_CWORD - 1)); then COMPREPLY=($(compgen -c -- "$current"))
      else COMPREPLY=($(compgen -f -- "$current")); fi
      return
    fi
  done
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${verbs} --help --version' -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) return ;;
  esac
  case "$previous" in ${[...new Set(withValue)].join(' | ')}) return ;; esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) case "\${COMP_WORDS[1]}" in
      completion) COMPREPLY=($(compgen -W '${shells.join(' ')}' -- "$current")) ;;
      ${named.join(' | ')}) COMPREPLY=($(compgen -W "$(${names})" -- "$current")) ;;
    esac ;;
  esac
}
complete -F _leasehold leasehold
`
}

/** A text in single quotes, of which zsh and fish need each kind escaped. */
const single = (text: string): string => text.replaceAll("'", `'\\''`)
const inZsh = (text: string): string => single(text).replace(/[[\]:]/g, '\\$&')

// Long: one script, which reads best in one piece.
function zsh(definitions: readonly Definition[]): string {
  const verbs = definitions.map(({ name, summary }) => `    '${name}:${inZsh(summary)}'`)
  const cases = definitions.map((each) => {
    const options = each.options.map(({ long, description, required }) => {
      return `'${long}[${inZsh(description)}]${required ? ':value:' : ''}'`
    })
    const words = each.takesName ? ["'*:name:_leasehold_names'"] : []
    const shell = each.name === 'completion' ? [`'1:shell:(${shells.join(' ')})'`] : []
    return `    ${each.name}) _arguments -S ${[...options, ...words, ...shell].join(' ')} ;;`
  })
  return `#compdef leasehold
# zsh completion for leasehold: leasehold completion zsh > "\${fpath[1]}/_leasehold"
_leasehold_names() {
  local -a found
  found=(\${(f)"$(${names})"})
  compadd -a found
}
_leasehold() {
  local -a verbs
  verbs=(
${verbs.join('\n')}
  )
  if ((CURRENT == 2)); then _describe subcommand verbs; return; fi
  local dashes=\${words[(i)--]}
  if ((dashes < CURRENT)); then
    words=("\${(@)words[dashes + 1,-1]}")
    ((CURRENT -= dashes))
    _normal
    return
  fi
  words=("\${(@)words[2,-1]}")
  ((CURRENT -= 1))
  case \${words[1]} in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _leasehold ]; then _leasehold "$@"; elif (($+functions[compdef])); then compdef _leasehold leasehold; fi
`
}

// Long: one script, which reads best in one piece.
function fish(definitions: readonly Definition[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const verbs = definitions.map(
    ({ name, summary }) =>
      `complete -c leasehold -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
  )
  const options = definitions.flatMap(({ name, options }) =>
    options.map(({ long = '', description, required }) => {
      const seen = `-n '__leasehold_before_dashes ${name}'`
      return `complete -c leasehold ${seen} -l ${long.slice(2)}${required ? ' -x' : ''} -d ${quoted(description)}`
    }),
  )
  const named = definitions.filter(({ takesName }) => takesName).map(({ name }) => name)
  return `# fish completion for leasehold: leasehold completion fish > ~/.config/fish/completions/leasehold.fish
function __leasehold_before_dashes
  __fish_seen_subcommand_from $argv; and not contains -- -- (commandline -opc)
end
function __leasehold_command
  set -l words (commandline -opc)
  set -l at (contains -i -- -- $words); or return 1
  set -e words[1..$at]
  complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end
complete -c leasehold -f -n 'contains -- -- (commandline -opc)' -a '(__leasehold_command)'
${verbs.join('\n')}
${options.join('\n')}
complete -c leasehold -f -n '__leasehold_before_dashes ${named.join(' ')}' -a "(${names.replaceAll('$', '\\$').replaceAll('"', '\\"')})"
complete -c leasehold -f -n '__leasehold_before_dashes completion' -a '${shells.join(' ')}'
`
}
