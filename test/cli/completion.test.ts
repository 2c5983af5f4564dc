// The completions: each script in its own shell, which completes lines as for a person that presses Tab.
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { wholeProgram } from '../../src/cli/program.ts'
import { completionOf, type Shell } from '../../src/cli/reference/completion.ts'
import { toolProgram } from '../../tools/servers/packages.mjs'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let whole: Awaited<ReturnType<typeof wholeProgram>>
beforeAll(async () => {
  whole = await wholeProgram()
})

/** Completes each of these lines at its end. Resolves with the words that the shell offers for each. */
type Completer = (lines: readonly string[], env: Env) => string[][]
type Env = Readonly<Record<string, string>>

/** A file with the script of a shell, in a folder of its own. */
function scriptFile(shell: Shell): string {
  const file = join(temporaryFolder(), '_leasehold')
  writeFileSync(file, completionOf(shell, whole))
  return file
}

const bash: Completer = (lines, env) => {
  const source = scriptFile('bash')
  const each = `source '${source}'; for line; do
    IFS=' ' read -ra COMP_WORDS <<< "$line"; [[ $line == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _leasehold; echo "\${COMPREPLY[*]}"; done`
  const printed = execFileSync('bash', ['-uc', each, 'bash', ...lines], { encoding: 'utf8', env })
  return wordsOf(printed)
}

/** The offers in each line of a text. A shell shows a word once that it found in several folders of PATH. */
const wordsOf = (printed: string): string[][] =>
  printed.split('\n').map((line) => [...new Set(line.split(' ').filter(Boolean))])

/** A shell in a pseudo-terminal of zsh's own: a key shows the line and clears it, after Tab has completed it. */
function zshIn({ file, env: libraries, home }: Awaited<ReturnType<typeof toolProgram>>): Completer {
  return (lines, env) => {
    const folder = temporaryFolder()
    const functions = `${home}/usr/share/zsh/functions`
    const paths = `module_path=(${home}/usr/lib/*/zsh/*(N)); fpath=(${functions} ${functions}/**/(N))`
    writeFileSync(join(folder, '.zshenv'), paths)
    writeFileSync(
      join(folder, '.zshrc'),
      // The list of zsh's own functions takes seconds to make, and is kept in the cache.
      `PS1=; autoload -Uz compinit; compinit -C -d '${home}/completions'; source '${scriptFile('zsh')}'
      show() { print -rn -- "[[$BUFFER]]"; BUFFER= }; zle -N show; bindkey '^X' show; print READY`,
    )
    const driver = `zmodload zsh/zpty; zpty inner "${file}" -d -i; zpty -r inner text '*READY*'
      for line; do zpty -w -n inner "$line"$'\\t\\C-x'; zpty -r inner text '*\\]\\]*'
      print -r -- "\${\${text##*\\[\\[}%%\\]\\]*}"; done`
    const printed = execFileSync(file, ['-dc', driver, 'zsh', ...lines], {
      encoding: 'utf8',
      env: { ...env, ...libraries, ZDOTDIR: folder, TERM: 'dumb' },
    })
    return lines.map((line, at) => addedTo(line, printed.split('\n')[at] ?? ''))
  }
}

/** The last word of a line that was completed to one word, which zsh shows by a blank. */
const addedTo = (line: string, completed: string): string[] =>
  completed !== line && completed.endsWith(' ') ? [completed.trimEnd().split(' ').at(-1) ?? ''] : []

function fishIn({ file, env: libraries, home }: Awaited<ReturnType<typeof toolProgram>>): Completer {
  return (lines, env) => {
    const share = `${home}/usr/share/fish`
    const each = `set fish_function_path ${share}/functions; set fish_complete_path ${share}/completions
      source '${scriptFile('fish')}'; for line in $argv; echo (complete -C $line | string split -f 1 \\t); end`
    const printed = execFileSync(file, ['--no-config', '-c', each, ...lines], {
      encoding: 'utf8',
      env: { ...env, ...libraries, HOME: temporaryFolder() },
    })
    return wordsOf(printed)
  }
}

/** The shells of this machine, and why others are not. Fetched before the tests begin: a download has no time limit. */
const completers: readonly (readonly [Shell, Completer | string])[] = await Promise.all([
  ['bash', bash] as const,
  toolProgram('zsh').then(
    (tool) => ['zsh', zshIn(tool)] as const,
    (error: Error) => ['zsh', error.message] as const,
  ),
  toolProgram('fish').then(
    (tool) => ['fish', fishIn(tool)] as const,
    (error: Error) => ['fish', error.message] as const,
  ),
])

/** A folder with the real command, and a lock that is held while `use` runs. */
async function withLock(name: string, use: (env: Env) => void): Promise<void> {
  const folder = temporaryFolder()
  const shim = join(folder, 'leasehold')
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${program()}" "$@"\n`)
  chmodSync(shim, 0o755)
  // The script gives the command two seconds, for the patience of a person. A busy machine takes longer to start it.
  const patient = join(folder, 'timeout')
  writeFileSync(patient, '#!/bin/sh\nshift; exec "$@"\n')
  chmodSync(patient, 0o755)
  const url = `file:${join(folder, 'locks')}`
  const holder = leasehold(['run', name, '--url', url, '--', 'sh', '-c', 'echo held; read x'], { open: true })
  await holder.says(/held/)
  use({ PATH: `${folder}:${process.env.PATH}`, LEASEHOLD_URL: url })
  holder.write('\n')
  await holder.ended
}

const expected: readonly (readonly [line: string, offers: readonly string[]])[] = [
  ['leasehold doct', ['doctor']],
  ['leasehold run x --per', ['--permits']],
  ['leasehold run x --ttl ', []],
  ['leasehold completion f', ['fish']],
  ['leasehold run x -- printen', ['printenv']],
  ['leasehold break nigh', ['nightly-report']],
  ['leasehold break other', []],
]

for (const [shell, completer] of completers) {
  if (typeof completer === 'string') test(`the completion of ${shell} is left out: ${completer}`, () => {})
  else
    test(`${shell} completes subcommands, options, the words after --, and the names of locks`, async () => {
      await withLock('nightly-report', (env) => {
        const found = completer(
          expected.map(([line]) => line),
          env,
        )
        expect(expected.map(([line], at) => [line, found[at]])).toEqual(expected)
      })
    })
}

test('completion prints the script of a shell, and refuses other shells', async () => {
  const shell: Shell = 'zsh'
  const { status, stdout } = await leasehold(['completion', shell]).ended
  expect({ status, stdout }).toEqual({ status: 0, stdout: completionOf(shell, whole) })
  const wrong = await leasehold(['completion', 'tcsh']).ended
  expect(wrong.stderr).toMatch(/'tcsh' is invalid.*bash, zsh, fish/)
  expect(wrong.status).toBe(64)
})
