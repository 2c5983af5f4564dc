// The reference and the man page, which are made from the definitions of the subcommands. completion.test.ts has the
// completions.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { wholeProgram } from '../../src/cli/program.ts'
import { definitionsOf } from '../../src/cli/reference/definition.ts'
import { manOf } from '../../src/cli/reference/man.ts'
import { markdownOf, withReference } from '../../src/cli/reference/markdown.ts'

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
