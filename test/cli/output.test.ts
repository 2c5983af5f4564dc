// The output of leasehold without a reader, or when it cannot be written.
import { beforeEach, describe, expect, test } from 'vitest'
import { leasehold, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

/** All subcommands that print, with a holder to print. */
const printing: [string, string][] = [
  ['--version', 'leasehold --version'],
  ['--help', 'leasehold --help'],
  ['run --help', 'leasehold run --help'],
  ['ls', 'leasehold ls'],
  ['ls --json', 'leasehold ls --json'],
  ['ls --watch', 'leasehold ls --watch'],
  ['leader', 'leasehold leader x'],
  ['leader --watch --json', 'leasehold leader x --watch --json'],
  ['break', 'leasehold break x --token "$LEASEHOLD_TOKEN"'],
]

/** A candidate whose command runs this script, in which the word leasehold is the command. */
function leading(script: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const shell = 'OWN="$1 $2"; export OWN; exec "$@"'
  // The broken stream tells the script to end.
  const command = ['sh', '-c', `trap '' TERM; leasehold() { $OWN "$@"; }; ${script}`]
  if (script.includes('break')) return leasehold(['run', 'x', '--', ...command], { env, shell }).ended
  return leasehold(['lead', 'x', '--value', 'me', '--', ...command], { env, shell }).ended
}

describe.runIf(process.platform === 'linux')('on a full disk, exits 1 and says why:', () => {
  test.each(printing)('%s', async (_, command) => {
    const { stderr } = await leading(`${command} >/dev/full; echo "status $?" >&2`)
    expect(stderr).toMatch(/^leasehold: cannot write to stdout: ENOSPC.*\n/)
    expect(stderr).toMatch(/^status 1$/m)
    expect(stderr).not.toMatch(/\n {4}at /)
  })
})

describe('if its reader is gone, ends without a message:', () => {
  test.each(printing)('%s', async (_, command) => {
    const { stderr } = await leading(`{ sleep 0.2; ${command}; echo "status $?" >&2; } | true; sleep 0`)
    expect(stderr.replace(/^leasehold: hold lost.*\n/gm, '')).toBe('status 0\n')
  })
})

test('a message on stderr that nobody reads does not end the command under its lock', async () => {
  const script = 'sleep 300 & echo done' // that it is stopped, leasehold says
  const run = leasehold(['run', 'x', '--', 'sh', '-c', script], { env, shell: '"$@" 2>/dev/full' })
  expect(await run.ended).toEqual({ status: 0, stdout: 'done\n', stderr: '' })
})
