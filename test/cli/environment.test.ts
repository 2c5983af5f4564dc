// The environment, descriptors and ignored signals that a command gets from the caller of leasehold. They must be the
// same as under flock.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { leasehold, type Run, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const readEnv = [process.execPath, '-p', 'JSON.stringify(process.env)']

async function envUnder(shell: string, ...options: string[]): Promise<Record<string, string>> {
  const { stdout } = await leasehold(['run', 'x', ...options, '--', ...readEnv], { env, shell }).ended
  return JSON.parse(stdout)
}

describe('the environment of the command', () => {
  const odd = {
    'my.var': '1',
    'a-b': '2',
    'BASH_FUNC_f%%': '() { echo; }',
    'npm_config_//host/:_authToken': 't',
    empty: '',
    lines: 'a\nb',
    NODE_OPTIONS: '--no-warnings',
  }

  test('is that of leasehold, whatever the names of its variables, plus only the variables of the hold', async () => {
    const set = Object.entries(odd).map(([name, value]) => `'${name}=${value}'`)
    const got = await envUnder(`env -i PATH="$PATH" LEASEHOLD_URL="$LEASEHOLD_URL" ${set.join(' ')} "$@"`)
    expect(got).toMatchObject(odd)
    const own = ['LEASEHOLD_NAME', 'LEASEHOLD_TOKEN', 'LEASEHOLD_TOKENS', 'LEASEHOLD_URL', 'LEASEHOLD_HOLDS']
    expect(Object.keys(got).sort()).toEqual(['PATH', ...own, ...Object.keys(odd)].sort())
  })

  test('lacks the variables that --strip-env names', async () => {
    const secret = 'ETCDCTL_USER=a:b CONSUL_HTTP_TOKEN=t "$@"'
    expect(await envUnder(secret)).toMatchObject({ ETCDCTL_USER: 'a:b', CONSUL_HTTP_TOKEN: 't' })
    const got = await envUnder(secret, '--strip-env', 'ETCDCTL_USER', 'CONSUL_HTTP_TOKEN', 'none')
    expect(got).not.toHaveProperty('ETCDCTL_USER')
    expect(got).not.toHaveProperty('CONSUL_HTTP_TOKEN')
    expect(got).toHaveProperty('PATH')
  })

  test('--strip-env refuses a pattern, since it would strip nothing', async () => {
    const args = ['run', 'x', '--strip-env', 'ETCDCTL_*', '--', 'true']
    const { status, stderr } = await leasehold(args, { env }).ended
    expect(stderr).toMatch(/--strip-env.*names of variables/)
    expect(status).toBe(64)
  })
})

describe.runIf(process.platform === 'linux')('open descriptors', () => {
  test('reach the command, whatever their numbers are', async () => {
    const file = join(temporaryFolder(), 'out')
    const script = 'echo three >&3; echo seven >&7; echo nine >&9; cat <&5'
    const shell = 'exec 3>"$OUT" 7>>"$OUT" 9>>"$OUT" 5</etc/hostname; exec "$@"'
    const run = leasehold(['run', 'x', '--', 'sh', '-c', script], { env: { ...env, OUT: file }, shell })
    expect(await run.ended).toEqual({ status: 0, stdout: readFileSync('/etc/hostname', 'utf8'), stderr: '' })
    expect(readFileSync(file, 'utf8')).toBe('three\nseven\nnine\n')
  })

  test('are only those that leasehold was given, and none of its own', async () => {
    const shell = 'exec 6</dev/null 8</etc/hostname; ls /proc/self/fd; echo --; "$@"'
    const { stdout } = await leasehold(['run', 'x', '--', 'ls', '/proc/self/fd'], { env, shell }).ended
    const [given, got] = stdout.split('--\n')
    expect(given).toMatch(/^0\n1\n(.*\n)*6\n(.*\n)*8\n/)
    expect(got).toBe(given)
  })

  test('that share one file, as those of a job server do, work', async () => {
    const fifo = join(temporaryFolder(), 'fifo')
    const shell = 'mkfifo "$FIFO"; exec 3<>"$FIFO"; exec 4>&3; exec "$@"'
    const script = 'echo token >&4; read -r word <&3; echo "got $word"'
    const run = leasehold(['run', 'x', '--', 'sh', '-c', script], { env: { ...env, FIFO: fifo }, shell })
    expect(await run.ended).toEqual({ status: 0, stdout: 'got token\n', stderr: '' })
  })

  test('that are pipes stay blocking for the command', async () => {
    const script = 'cat /proc/self/fdinfo/1 /proc/self/fdinfo/2'
    const shell = '"$@" 2>&1 | cat'
    const { stdout } = await leasehold(['run', 'x', '--', 'sh', '-c', script], { env, shell }).ended
    const flags = [...stdout.matchAll(/flags:\s*(\d+)/g)].map(([, octal = '']) => Number.parseInt(octal, 8))
    expect(flags.map((bits) => bits & 0o4000)).toEqual([0, 0])
  })
})

describe.runIf(process.platform === 'linux')('a signal that the caller ignores', () => {
  /** Prints its process id and that of leasehold, and ends when it reads a line from stdin. */
  const patient = `echo pid $$; echo leasehold $(echo "$LEASEHOLD_HOLDS" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/')
    read -r line; echo "end $line"`

  async function survivor(shell: string): Promise<{ run: Run; own: number; command: number }> {
    const run = leasehold(['run', 'x', '--', 'sh', '-c', patient], { env, shell, open: true })
    return { run, own: await run.pidOf('leasehold'), command: await run.pidOf('pid') }
  }

  // As bash and zsh set it, `_` is how leasehold learns of nohup.
  test.each([
    ['SIGHUP under nohup', '_=/usr/bin/nohup nohup "$@"', 'SIGHUP'],
    ['SIGHUP in a script that ignores it', `trap '' HUP; "$@"; exit $?`, 'SIGHUP'],
    ['SIGINT in a script that ignores it', `trap '' INT; "$@"; exit $?`, 'SIGINT'],
  ] as const)('is ignored by leasehold and by the command: %s', async (_, shell, signal) => {
    const { run, own, command } = await survivor(shell)
    for (const pid of [own, command]) process.kill(pid, signal)
    for (const pid of [own, command]) process.kill(pid, 'SIGWINCH') // comes later, and does nothing
    run.write('now\n')
    expect(await run.ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/end now\n$/) })
  })

  test('does not keep other signals from the command', async () => {
    const { run, own } = await survivor(`trap '' HUP; "$@"; exit $?`)
    process.kill(own, 'SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143 })
  })

  test('changes neither the environment nor the arguments of the command', async () => {
    const set = `env my.var=1 'a b=$HOME *' "$@"; exit $?`
    const got = await envUnder(`trap '' HUP; ${set}`)
    expect(got).toMatchObject({ 'my.var': '1', 'a b': '$HOME *' })
    expect(Object.keys(got)).toEqual(Object.keys(await envUnder(set)))
  })
})
