// A command under a lock without faults: what the command gets, its output and status, and the order of waiters.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { leasehold, processGroup, program, type Run, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

/** Holds until its input ends, which is when the test writes the file that it waits for. */
async function holder(name: string, ...options: string[]): Promise<{ run: Run; release: () => void }> {
  const file = join(temporaryFolder(), 'end')
  const script = 'echo holds $$; until [ -e "$0" ]; do sleep 0.02; done'
  const run = leasehold(['run', name, ...options, '--', 'sh', '-c', script, file], { env })
  await run.says(/holds/)
  return { run, release: () => writeFileSync(file, '') }
}

test('the command learns the name, the token and the store from its environment', async () => {
  const script = 'echo "$LEASEHOLD_NAME|$LEASEHOLD_TOKEN|$LEASEHOLD_URL"'
  const { status, stdout } = await leasehold(['run', 'a job', '--', 'sh', '-c', script], { env }).ended
  expect(stdout).toMatch(/^a job\|\d+\|file:\S+\n$/)
  expect(status).toBe(0)
})

test('the token grows from one holder to the next', async () => {
  const tokenOf = async (): Promise<bigint> =>
    BigInt(
      (await leasehold(['run', 'x', '--', 'sh', '-c', 'echo $LEASEHOLD_TOKEN'], { env }).ended).stdout.trim(),
    )
  const first = await tokenOf()
  expect(await tokenOf()).toBeGreaterThan(first)
})

test('the command has the stdin, stdout and stderr of leasehold, which itself says nothing', async () => {
  const run = leasehold(['run', 'x', '--', 'sh', '-c', 'cat; echo err >&2'], { env, input: 'given' })
  expect(await run.ended).toEqual({ status: 0, stdout: 'given', stderr: 'err\n' })
})

test('arguments reach the command unchanged, without a shell, including those with dashes', async () => {
  const script = 'console.log(JSON.stringify(process.argv.slice(1)))'
  const args = ['$HOME', '*', '', '--', '--try', 'a b']
  const { stdout } = await leasehold(['run', 'x', '--', process.execPath, '-e', script, '--', ...args], {
    env,
  }).ended
  expect(JSON.parse(stdout)).toEqual(args)
})

test('the command leads a process group of its own', async () => {
  const { run } = await holder('x')
  const pid = await run.pidOf('holds')
  expect(processGroup(pid)).toBe(pid)
})

describe('the exit status', () => {
  test.each([0, 1, 7, 64, 255])('is that of the command: %d', async (status) => {
    const ending = await leasehold(['run', 'x', '--', 'sh', '-c', `exit ${status}`], { env }).ended
    expect(ending).toEqual({ status, stdout: '', stderr: '' })
  })

  test.each([
    ['TERM', 143],
    ['KILL', 137],
    ['SEGV', 139],
  ])('is 128+n for a command that SIG%s ended', async (signal, status) => {
    const ending = await leasehold(['run', 'x', '--', 'sh', '-c', `kill -${signal} $$`], { env }).ended
    expect(ending).toEqual({ status, stdout: '', stderr: '' })
  })

  test.each([
    ['127 for a command that is not there', 'no-such-command', 127, /command not found: "no-such-command"/],
    ['127 for an empty command', '', 127, /command not found: ""/],
    [
      '126 for a file that is not executable',
      '/etc/passwd',
      126,
      /cannot run "\/etc\/passwd": it is not executable/,
    ],
    ['126 for a folder', '/', 126, /cannot run "\/"/],
  ])('is %s, and the lock is released', async (_, command, status, message) => {
    const ending = await leasehold(['run', 'x', '--', command], { env }).ended
    expect(ending).toEqual({ status, stdout: '', stderr: expect.stringMatching(message) })
    expect(await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 0 })
  })
})

describe('a lock that is not free', () => {
  test.each([[['--try']], [['--wait', '0s']]])('exits 75 at once with %j', async (options) => {
    const { run } = await holder('x')
    const { status, stdout, stderr } = await leasehold(['run', 'x', ...options, '--', 'echo', 'ran'], { env })
      .ended
    expect({ status, stdout }).toEqual({ status: 75, stdout: '' })
    expect(stderr).toMatch(/^leasehold: "x" is not free.*\n$/)
    expect(run.exited).toBe(false)
  })

  test('exits 75 after --wait, and names the holder', async () => {
    const { run } = await holder('x')
    const { status, stderr } = await leasehold(['run', 'x', '--wait', '100ms', '--', 'echo', 'ran'], { env })
      .ended
    expect(stderr).toMatch(
      new RegExp(`^leasehold: "x" was not free within 100 ms: held by .*\\(pid ${run.pid}\\)\n$`),
    )
    expect(status).toBe(75)
  })

  test('is shown only by the exit status with --quiet', async () => {
    await holder('x')
    const ending = await leasehold(['run', 'x', '--try', '--quiet', '--', 'echo', 'ran'], { env }).ended
    expect(ending).toEqual({ status: 75, stdout: '', stderr: '' })
  })

  test('is waited for: the next command runs when the first has ended, not before', async () => {
    const first = await holder('x')
    const folder = temporaryFolder()
    const second = leasehold(['run', 'x', '--', 'touch', join(folder, 'ran')], { env })
    // A third that gives up proves that the store was asked meanwhile.
    await leasehold(['run', 'x', '--wait', '200ms', '--', 'true'], { env }).ended
    expect(existsSync(join(folder, 'ran'))).toBe(false)
    first.release()
    expect(await first.run.ended).toMatchObject({ status: 0 })
    expect(await second.ended).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(existsSync(join(folder, 'ran'))).toBe(true)
  })

  test('does not keep another name waiting', async () => {
    await holder('x')
    expect(await leasehold(['run', 'x/y', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 0 })
  })
})

describe('with --permits', () => {
  test('as many commands as there are permits run at a time', async () => {
    const first = await holder('x', '--permits', '2')
    await holder('x', '--permits', '2')
    const third = ['run', 'x', '--permits', '2', '--try', '--', 'true']
    expect(await leasehold(third, { env }).ended).toMatchObject({ status: 75 })
    first.release()
    await first.run.ended
    expect(await leasehold(third, { env }).ended).toMatchObject({ status: 0 })
  })

  test('a name in use with other permits exits 64 and says so', async () => {
    await holder('x', '--permits', '2')
    const { status, stderr } = await leasehold(['run', 'x', '--permits', '3', '--', 'true'], { env }).ended
    expect(stderr).toMatch(/^leasehold: .*"x" is in use .*permits.*\n$/)
    expect(status).toBe(64)
  })
})

test('--shared runs next to other readers, --exclusive alone, and ls shows which is which', async () => {
  const reader = await holder('catalog', '--shared')
  const both = await leasehold(['run', 'catalog', '--shared', '--', 'echo', 'read'], { env }).ended
  expect(both).toEqual({ status: 0, stdout: 'read\n', stderr: '' })
  const writer = ['run', 'catalog', '--exclusive', '--try', '--', 'echo', 'wrote']
  expect((await leasehold(writer, { env }).ended).status).toBe(75)
  const { stdout } = await leasehold(['ls'], { env }).ended
  expect(stdout).toMatch(/^catalog {2}rwlock {2}holds \(reads\) /m)
  const mutex = await leasehold(['run', 'catalog', '--', 'echo'], { env }).ended
  expect(mutex).toMatchObject({ status: 64, stdout: '' })
  expect(mutex.stderr).toMatch(/"catalog" is in use as a lock of readers and writers; this asks for a mutex/)
  reader.release()
  await reader.run.ended
  expect((await leasehold(writer, { env }).ended).stdout).toBe('wrote\n')
})

test('a command under --exclusive that asks for the same name again is told, and does not wait for itself', async () => {
  for (const [outer, inner] of [
    ['--exclusive', '--shared'],
    ['--shared', '--exclusive'],
  ] as const) {
    const script = `"$0" "$1" run x ${inner} -- echo inner`
    const args = ['run', 'x', outer, '--', 'sh', '-c', script, process.execPath, program()]
    const { status, stdout, stderr } = await leasehold(args, { env }).ended
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
    expect(stderr).toMatch(/runs under "x" already, .* would wait for itself/)
  }
})
