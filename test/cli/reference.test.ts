// The reference, the man page and the completions, which are made from the definitions of the subcommands.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { wholeProgram } from '../../src/cli/program.ts'
import { completionOf, type Shell } from '../../src/cli/reference/completion.ts'
import { definitionsOf } from '../../src/cli/reference/definition.ts'
import { manOf } from '../../src/cli/reference/man.ts'
import { markdownOf, withReference } from '../../src/cli/reference/markdown.ts'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let whole: Awaited<ReturnType<typeof wholeProgram>>
beforeAll(async () => {
  whole = await wholeProgram()
})

const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined
const advice = 'npm run manual'

test('the reference in docs/command.md is up to date', () => {
  const page = readFileSync('docs/command.md', 'utf8')
  expect(page, advice).toBe(withReference(page, markdownOf(whole)))
})

test('the man page is up to date', () => {
  expect(readFileSync('man/leasehold.1', 'utf8'), advice).toBe(manOf(whole))
})

test('the reference and the man page have each subcommand with each of its options', () => {
  const definitions = definitionsOf(whole)
  expect(definitions.map(({ name }) => name)).toEqual(expect.arrayContaining(['run', 'doctor', 'completion']))
  const [page, man] = [markdownOf(whole), manOf(whole).replaceAll('\\-', '-')]
  for (const { name, options, more } of definitions) {
    expect(page).toContain(`### leasehold ${name}\n`)
    expect(man).toContain(`.SS leasehold ${name}\n`)
    expect(more).toMatch(/Exit status/)
    for (const { flags } of options) {
      expect(page).toContain(`| \`${flags}\` |`)
      expect(man).toContain(`.B ${flags}\n`)
    }
  }
})

test.runIf(has('man'))('man shows the page without a warning', () => {
  const { stdout, stderr, status } = spawnSync('man', ['--warnings', '-l', 'man/leasehold.1'], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '200', LC_ALL: 'C.UTF-8' },
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  expect(stdout).toMatch(/leasehold doctor/)
})

/** A folder with the real command, and a lock that is held while `use` runs. */
async function withLock(name: string, use: (env: NodeJS.ProcessEnv) => void): Promise<void> {
  const folder = temporaryFolder()
  const shim = join(folder, 'leasehold')
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${program()}" "$@"\n`)
  chmodSync(shim, 0o755)
  const url = `file:${join(folder, 'locks')}`
  const holder = leasehold(['run', name, '--url', url, '--', 'sh', '-c', 'echo held; read x'], { open: true })
  await holder.says(/held/)
  use({ ...process.env, PATH: `${folder}:${process.env.PATH}`, LEASEHOLD_URL: url })
  holder.write('\n')
  await holder.ended
}

/** The completions of bash for these words, of which the last is completed. */
function inBash(words: readonly string[], env: NodeJS.ProcessEnv = process.env): string[] {
  const script = `${completionOf('bash', whole)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _leasehold; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-uc', script, 'bash', ...words], { encoding: 'utf8', env })
    .split('\n')
    .filter(Boolean)
}

test.runIf(has('bash'))('bash completes subcommands, options and the words after --', () => {
  expect(inBash(['leasehold', 'le'])).toEqual(['lead', 'leader'])
  expect(inBash(['leasehold', 'run', 'x', '--per'])).toEqual(['--permits'])
  expect(inBash(['leasehold', 'doctor', '--'])).toEqual(['--json', '--ttl', '--url', '--help'])
  expect(inBash(['leasehold', 'run', 'x', '--ttl', ''])).toEqual([])
  expect(inBash(['leasehold', 'completion', 'f'])).toEqual(['fish'])
  expect(inBash(['leasehold', 'run', 'x', '--', 'printen'])).toContain('printenv')
})

test.runIf(has('bash'))('bash completes the names of locks', async () => {
  await withLock('nightly-report', (env) => {
    expect(inBash(['leasehold', 'break', 'nigh'], env)).toEqual(['nightly-report'])
    expect(inBash(['leasehold', 'break', 'other'], env)).toEqual([])
  })
})

/** A file with the script of a shell, in a folder of its own. */
function scriptFile(shell: Shell): string {
  const file = join(temporaryFolder(), `script.${shell}`)
  writeFileSync(file, completionOf(shell, whole))
  return file
}

test.each(['bash', 'zsh', 'fish'] as const)('%s can read its script, if that shell is there', (shell) => {
  const file = scriptFile(shell)
  expect(readFileSync(file, 'utf8')).toContain('permits')
  if (!has(shell)) return
  const { stderr, status } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
})

test.runIf(has('fish'))('fish completes subcommands and options', () => {
  const file = scriptFile('fish')
  const complete = (line: string): string => {
    const env = { ...process.env, HOME: temporaryFolder() }
    return execFileSync('fish', ['-c', `source ${file}; complete -C '${line}'`], { encoding: 'utf8', env })
  }
  expect(complete('leasehold doct')).toMatch(/^doctor\t/)
  expect(complete('leasehold run x --per')).toMatch(/^--permits\t/)
})

test('completion prints the script of a shell, and refuses other shells', async () => {
  const shell: Shell = 'zsh'
  const { status, stdout } = await leasehold(['completion', shell]).ended
  expect({ status, stdout }).toEqual({ status: 0, stdout: completionOf(shell, whole) })
  const wrong = await leasehold(['completion', 'tcsh']).ended
  expect(wrong.stderr).toMatch(/'tcsh' is invalid.*bash, zsh, fish/)
  expect(wrong.status).toBe(64)
})
