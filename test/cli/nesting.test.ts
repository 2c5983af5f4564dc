// A command below a command: leasehold in the command of another leasehold.
import { beforeEach, describe, expect, test } from 'vitest'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const inner = (...args: string[]): string[] => [process.execPath, program(), ...args]

describe('leasehold that would wait for the lock under which it runs exits 64 and says so', () => {
  test.each<[string, string[], string[]]>([
    ['run below run', ['run', 'x'], inner('run', 'x')],
    ['one of several names below another', ['run', 'x'], inner('run', 'a', 'x')],
    ['below several names', ['run', 'x', 'z'], inner('run', 'x')],
    ['two levels below', ['run', 'x'], inner('run', 'y', '--', ...inner('run', 'x'))],
    ['--try, which could never succeed', ['run', 'x'], inner('run', 'x', '--try')],
    ['lead below run', ['run', 'x'], inner('lead', 'x')],
    ['run below lead', ['lead', 'x', '--value', 'me'], inner('run', 'x')],
    ['the last of all permits', ['run', 'x', '--permits', '1'], inner('run', 'x', '--permits', '1')],
  ])('%s', async (_, outer, command) => {
    const { status, stdout, stderr } = await leasehold([...outer, '--', ...command, '--', 'echo', 'ran'], {
      env,
    }).ended
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
    expect(stderr).toMatch(
      /^leasehold: this command runs under "x" already, held by .*\(pid \d+\), and would wait for itself/,
    )
  })
})

describe('leasehold below leasehold runs its command', () => {
  test.each<[string, string[], string[]]>([
    ['under another name', ['run', 'x'], inner('run', 'x/y')],
    ['in another store', ['run', 'x'], inner('run', 'x', '--url', 'memory:')],
    ['with a permit that is left', ['run', 'x', '--permits', '2'], inner('run', 'x', '--permits', '2')],
  ])('%s', async (_, outer, command) => {
    const ending = leasehold([...outer, '--', ...command, '--', 'echo', 'ran'], { env }).ended
    expect(await ending).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })

  test('if the outer hold is over, and only the environment still names it', async () => {
    const outer = await leasehold(['run', 'x', '--', 'sh', '-c', 'echo "$LEASEHOLD_HOLDS"'], { env }).ended
    const LEASEHOLD_HOLDS = outer.stdout.trim()
    expect(JSON.parse(LEASEHOLD_HOLDS)).toMatchObject([{ name: 'x' }])
    const later = leasehold(['run', 'x', '--', 'echo', 'ran'], { env: { ...env, LEASEHOLD_HOLDS } })
    expect(await later.ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })

  test.each(['', 'nonsense', '{}', '[null, 1, {"name":"x"}]'])(
    'any other value of LEASEHOLD_HOLDS: %j',
    async (text) => {
      const run = leasehold(['run', 'x', '--', 'echo', 'ran'], { env: { ...env, LEASEHOLD_HOLDS: text } })
      expect(await run.ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
    },
  )
})
