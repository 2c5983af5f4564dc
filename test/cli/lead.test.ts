// A command that runs while its candidate leads: which candidate leads, and how leadership is handed over and lost.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { leasehold, type Run, type RunSettings, temporaryFolder, untilGone } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const tame = ['sh', '-c', 'echo leads $$; exec sleep 300']
/** Says once what it was told, and goes on. */
const deaf = (signal: string): string[] => [
  'sh',
  '-c',
  `trap "echo told" ${signal}; echo leads $$; while :; do sleep 0.02; done`,
]

function lead(value: string, options: string[], command = tame, settings: RunSettings = {}): Run {
  return leasehold(['lead', 'x', '--value', value, ...options, '--', ...command], { env, ...settings })
}

const isFree = async (): Promise<boolean> =>
  (await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).status === 0

const leader = async (): Promise<string> => (await leasehold(['leader', 'x'], { env }).ended).stdout.trim()

/** The values of the candidates in line, the leader first. */
const lineOf = async (): Promise<string[]> => {
  const { stdout } = await leasehold(['ls', 'x', '--json'], { env }).ended
  return [...stdout.matchAll(/"value":\s*"(\w+)"/g)].map(([, value = '']) => value)
}

/** Waits until this many candidates stand in line behind the leader. The message of a try that fails says how many. */
async function untilWaiting(count: number): Promise<void> {
  const { stderr } = await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended
  if (!stderr.includes(`with ${count} waiting`)) await untilWaiting(count)
}

test('one candidate leads at a time, and every client can read its value', async () => {
  const first = lead('one', [])
  await first.pidOf('leads')
  const second = lead('two', [])
  await untilWaiting(1)
  expect(second.stdout).toBe('')
  expect(await leader()).toBe('one')
  first.signal('SIGTERM')
  await second.pidOf('leads')
  expect(await leader()).toBe('two')
  expect(await first.ended).toMatchObject({ status: 143, stderr: '' })
  second.signal('SIGTERM')
  expect(await second.ended).toMatchObject({ status: 143, stderr: '' })
  expect(await leader()).toBe('')
})

test('the next one leads only when the command has ended, which may take its time after SIGTERM', async () => {
  const script = 'trap "echo told; read -r _; exit 3" TERM; echo leads $$; while :; do sleep 0.02; done'
  const first = lead('one', [], ['sh', '-c', script], { open: true })
  await first.pidOf('leads')
  const second = lead('two', [])
  await untilWaiting(1)
  first.signal('SIGTERM')
  await first.says(/^told$/m)
  expect(await leader()).toBe('one')
  first.write('\n')
  await second.pidOf('leads')
  expect(await first.ended).toMatchObject({ status: 3, stderr: expect.not.stringContaining('leasehold') })
})

test('without --value, others read the host and the process id of the leader', async () => {
  const run = leasehold(['lead', 'x', '--', ...tame], { env })
  await run.pidOf('leads')
  expect(JSON.parse(await leader())).toMatchObject({ host: expect.any(String), pid: run.pid })
})

test('the command learns the name, the token and the store from its environment', async () => {
  const script = 'echo "$LEASEHOLD_NAME|$LEASEHOLD_TOKEN|$LEASEHOLD_URL"'
  const { stdout } = await lead('one', [], ['sh', '-c', script]).ended
  expect(stdout).toMatch(/^x\|\d+\|file:\S+\n$/)
})

describe('a command that ends by itself ends leasehold with its status, and leadership is given back', () => {
  test.each([
    ['0', ['true'], 0, ''],
    ['any other', ['sh', '-c', 'exit 7'], 7, ''],
    ['70, which is no loss when it is the command’s own', ['sh', '-c', 'exit 70'], 70, ''],
    ['127 for a command that is not there', ['no-such-command'], 127, 'command not found: "no-such-command"'],
    ['126 for a file that is not executable', ['/etc/passwd'], 126, 'it is not executable'],
  ])('%s', async (_, command, status, message) => {
    const ending = await lead('one', [], command).ended
    expect(ending).toEqual({ status, stdout: '', stderr: expect.stringContaining(message) })
    expect(ending.stderr.split('\n').length - 1).toBe(message ? 1 : 0)
    expect(await isFree()).toBe(true)
  })
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 0],
] as const)('%s ends a standby at once, which leaves the line and says nothing', async (signal, status) => {
  const first = lead('one', [])
  await first.pidOf('leads')
  const second = lead('two', [])
  await untilWaiting(1)
  second.signal(signal)
  expect(await second.ended).toEqual({ status, stdout: '', stderr: '' })
  first.signal('SIGTERM')
  await first.ended
  expect(await isFree()).toBe(true)
})

describe('a command that does not end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('when told by %s is killed after the grace', async (signal) => {
    const command = deaf(signal.replace('SIG', ''))
    const run = lead('one', ['--grace', '300ms'], command)
    const pid = await run.pidOf('leads')
    run.signal(signal)
    const { status, stdout, stderr } = await run.ended
    expect(stdout).toContain('told')
    // The shell may say that its `sleep` was terminated.
    expect(stderr.match(/^leasehold: .*$/gm)).toEqual([
      `leasehold: the command still ran 0.3 s after ${signal}; killing it`,
    ])
    expect(status).toBe(137)
    await untilGone(pid)
    expect(await isFree()).toBe(true)
  })

  test('after SIGHUP goes on to lead, like a server that reads its settings again', async () => {
    const run = lead('one', ['--grace', '100ms'], deaf('HUP'))
    await run.pidOf('leads')
    run.signal('SIGHUP')
    await run.says(/^told$/m)
    expect(await leader()).toBe('one')
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143, stderr: expect.not.stringContaining('leasehold') })
  })
})

describe('when leadership is lost, here since leasehold was stopped for longer than its time to live', () => {
  /**
   * With 1 s a renewal that is 0.4 s late is a loss, and a busy machine has that. Then leasehold stops the command before
   * the test stops leasehold.
   */
  const ttl = '4s'

  /** A leader that has lost to another candidate and does not know it yet. */
  async function deposed(command: string[], signal?: NodeJS.Signals): Promise<{ old: Run; now: Run }> {
    const old = lead('old', ['--ttl', ttl, '--grace', '300ms'], command)
    await old.pidOf('leads')
    const now = lead('new', [])
    await untilWaiting(1)
    if (signal) old.signal(signal)
    if (signal) await old.says(/^told$/m)
    old.signal('SIGSTOP')
    await now.pidOf('leads')
    old.signal('SIGCONT')
    return { old, now }
  }

  test('the command is killed, and the candidate stands in line again and leads when its turn comes', async () => {
    const { old, now } = await deposed(deaf('TERM'))
    await old.says(/^leasehold: "x" is led from here no longer; standing for election again$/m)
    expect(old.stderr).toMatch(/^(Terminated\n)?leasehold: hold lost: .*\n/)
    await untilGone(await old.pidOf('leads'))
    await untilWaiting(1)
    expect(await leader()).toBe('new')
    now.signal('SIGTERM')
    await old.says(/leads \d+\n(told\n)?leads \d+\n/) // the guardian asks before it kills
    expect(await leader()).toBe('old')
    old.signal('SIGKILL')
    await old.ended
  })

  test('a standby that has led before still ends at once by SIGTERM', async () => {
    const { old } = await deposed(deaf('TERM'))
    await old.says(/standing for election again/)
    await untilWaiting(1)
    old.signal('SIGTERM')
    expect(await old.ended).toMatchObject({ status: 0 })
  })

  test('a candidate that had been told to end does not stand again: the exit is 70', async () => {
    const run = lead('old', ['--ttl', ttl, '--grace', '1h'], deaf('TERM'))
    await run.pidOf('leads')
    const now = lead('new', [])
    await untilWaiting(1)
    run.signal('SIGTERM')
    await run.says(/^told$/m)
    run.signal('SIGSTOP')
    await now.pidOf('leads')
    run.signal('SIGCONT')
    const { status, stderr } = await run.ended
    expect(stderr.match(/^leasehold: .*$/gm)).toEqual([expect.stringMatching(/hold lost: /)])
    expect(status).toBe(70)
  })
})

describe('the next leader', () => {
  test('a candidate of a higher priority leads before those that came first', async () => {
    const first = lead('one', ['--priority', '1'])
    await first.pidOf('leads')
    const second = lead('two', ['--priority', '1'])
    await untilWaiting(1)
    const third = lead('three', ['--priority', '2'])
    await untilWaiting(2)
    await expect.poll(async () => (await lineOf()).at(1), { timeout: 20_000, interval: 50 }).toBe('three')
    first.signal('SIGTERM')
    await third.pidOf('leads')
    expect(second.stdout).toBe('')
  })

  test('after the signal of --drain-on a leader goes on until another candidate waits, and its command gets no signal', async () => {
    const first = lead('one', ['--drain-on', 'USR1'], deaf('USR1'))
    await first.pidOf('leads')
    first.signal('SIGUSR1')
    const second = lead('two', [])
    await second.pidOf('leads')
    expect(first.stdout).not.toContain('told')
    second.signal('SIGTERM')
    await first.says(/leads \d+\n[\s\S]*leads \d+\n/) // it leads again if nobody else does
    first.signal('SIGTERM')
    await first.ended
  })

  test('--value-from is asked before each campaign', async () => {
    const run = leasehold(['lead', 'x', '--value-from', 'echo "$LEASEHOLD_TEST"', '--', ...tame], {
      env: { ...env, LEASEHOLD_TEST: '10.0.0.7:80' },
    })
    await run.pidOf('leads')
    expect(await leader()).toBe('10.0.0.7:80')
  })
})

describe('the role is announced', () => {
  test('to the hooks, in order', async () => {
    const hooks = ['--on-lead', 'echo "$LEASEHOLD_ROLE of $LEASEHOLD_NAME, $LEASEHOLD_TOKEN" >> "$OUT"']
    hooks.push('--on-standby', 'echo "$LEASEHOLD_ROLE of $LEASEHOLD_NAME" >> "$OUT"')
    const out = join(temporaryFolder(), 'roles')
    const first = lead('one', [])
    await first.pidOf('leads')
    const second = lead('two', hooks, tame, { env: { ...env, OUT: out } })
    await untilWaiting(1)
    first.signal('SIGTERM')
    await second.pidOf('leads')
    second.signal('SIGTERM')
    await second.ended
    expect(readFileSync(out, 'utf8')).toMatch(/^standby of x\nleader of x, \d+\n$/)
  })

  test('and a hook that fails causes a message, and ends nothing', async () => {
    const run = lead('one', ['--on-lead', 'echo why >&2; exit 3'])
    await run.says(/^leasehold: on becoming leader: Command failed: .*why/m)
    expect(await leader()).toBe('one')
  })
})

describe('wrong usage exits 64 and says what is wrong, without standing for election', () => {
  test.each<[string, string[], RegExp]>([
    ['no NAME', [], /missing required argument 'NAME'/],
    ['no command', ['x'], /missing required argument 'CMD'/],
    ['a command without --', ['x', 'echo'], /put -- between/],
    ['no NAME before the command', ['--', 'ls', '-l'], /'NAME': it stands before --/],
    ['an empty NAME', ['', '--', 'echo'], /NAME: "" is empty/],
    ['--value without a text', ['x', '--value', '--', 'echo'], /--value.*it takes a text before the --/],
    [
      '--value that is empty',
      ['x', '--value', '', '--', 'echo'],
      /--value.*it takes a text that is not empty/,
    ],
    [
      '--priority that is no number',
      ['x', '--priority', '1.5', '--', 'echo'],
      /--priority.*a whole number from 0/,
    ],
    [
      '--drain-on with a signal that ends',
      ['x', '--drain-on', 'TERM', '--', 'echo'],
      /--drain-on.*it takes HUP, USR1, USR2/,
    ],
    [
      '--value beside --value-from',
      ['x', '--value', 'a', '--value-from', 'b', '--', 'echo'],
      /cannot be used with option/,
    ],
    ['--try, which a standby has not', ['x', '--try', '--', 'echo'], /unknown option '--try'/],
    ['--permits, which an election has not', ['x', '--permits', '2', '--', 'echo'], /unknown option/],
    ['--grace that is no time', ['x', '--grace', 'soon', '--', 'echo'], /--grace.*'soon'/],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await leasehold(['lead', ...args], { env }).ended
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^leasehold: .*\n$/)
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  })

  test('a name that a semaphore uses', async () => {
    await leasehold(['run', 'x', '--permits', '2', '--', ...tame], { env }).pidOf('leads')
    const { status, stderr } = await lead('one', []).ended
    expect(stderr).toMatch(/^leasehold: .*"x" is in use as a semaphore.*\n$/)
    expect(status).toBe(64)
  })
})

test('a store that is not there at the start is waited for until a signal ends it', async () => {
  const run = lead('one', ['--url', 'etcd://127.0.0.1:1/'])
  await run.says(/^leasehold: .*127\.0\.0\.1:1.*; it tries again$/m)
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 0, stdout: '' })
})

test('lead --help shows examples and every exit status, and succeeds', async () => {
  const { status, stdout } = await leasehold(['lead', '--help']).ended
  for (const word of ['Examples', 'LEASEHOLD_TOKEN', '64', '69', '70', '126', '127', '--value', '--grace']) {
    expect(stdout).toContain(word)
  }
  expect(status).toBe(0)
})
