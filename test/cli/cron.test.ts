// One line of a crontab on many hosts, each of them a process here: which host runs the tick, and what the others print and
// exit with.
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { crontabOf, host, runAsCron } from './as-cron.ts'
import { present, useCrontab, yearly, yearsAgo } from './crontab.ts'
import { leasehold, untilGone } from './leasehold.ts'

const hosts = useCrontab()
const { cron, ran } = hosts
const tame = ['sh', '-c', 'echo runs $$; exec sleep 300']

/** Waits until this many claims wait in line. The message of a try that fails says how many. */
async function untilWaiting(count: number): Promise<void> {
  const { stderr } = await leasehold(['run', 'x', '--try', '--', 'true'], { env: hosts.env }).ended
  if (!stderr.includes(`with ${count} waiting`)) await untilWaiting(count)
}

test('of ten hosts one runs the command; the others exit 0 at once, and with --verbose name the host that runs it', async () => {
  const runs = Array.from({ length: 10 }, () => cron(['--verbose'], tame))
  // Another host may hear who runs the tick, and end, before the command has said anything: so `any`, not `race`.
  const first = await Promise.any(runs.map((run) => run.says(/^runs \d+$/m).then(() => run)))
  const others = await Promise.all(runs.filter((run) => run !== first).map((run) => run.ended))
  const tick = present.toISOString()
  const by = `by ${hostname()} \\(pid ${first.pid}\\), and has not ended`
  const stderr = new RegExp(`^leasehold: the tick of ${tick} was begun at \\S+Z ${by}\n$`)
  for (const ending of others)
    expect(ending).toEqual({ status: 0, stdout: '', stderr: expect.stringMatching(stderr) })
  first.signal('SIGTERM')
  expect(await first.ended).toMatchObject({ status: 143, stderr: '' })
  const after = await cron(['--verbose'], ['echo', 'again']).ended
  const done = `by ${hostname()} \\(pid ${first.pid}\\), until \\S+Z`
  expect(after.stderr).toMatch(new RegExp(`^leasehold: the tick of ${tick} was run at \\S+Z ${done}\n$`))
})

test.each(['docs/cron.md', 'docs/deploying.md'])(
  'the crontab of %s works with the variables that cron itself has: one of two hosts runs the tick',
  async (page) => {
    const { variables, jobs } = crontabOf(page)
    expect(jobs).toHaveLength(1)
    const [{ schedule, command } = { schedule: '', command: '' }] = jobs
    expect(command).toContain(`--schedule '${schedule}'`) // all hosts mean the same tick
    expect(variables.PATH).toMatch(/^\/usr\/local\/bin:/) // there is where npm installs it
    const store = (text: string): string => text.replace(/etcd:\S+/, hosts.env.LEASEHOLD_URL)
    const own = store(command).replace(schedule, yearly[1] ?? '')
    const printed = await Promise.all(
      [0, 1].map(() => {
        const { home, bin } = host({ name: 'nightly.sh', text: '#!/bin/sh\necho it is night\n' })
        const { PATH = '', ...others } = variables
        const shared = Object.entries(others).map(([name, value]) => [name, store(value)])
        const settings = { ...Object.fromEntries(shared), PATH: PATH.replace('/usr/local/bin', bin) }
        return runAsCron(own, { home, variables: settings })
      }),
    )
    expect(printed.toSorted()).toEqual(['', 'it is night\n'])
  },
)

test('a host that does not run the tick prints nothing if no terminal is attached, so cron sends no mail', async () => {
  await cron([], ['true']).ended
  expect(await cron([], ['echo', 'again']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
})

describe('the exit status is that of the command, whose tick counts as run', () => {
  test.each([
    ['0', ['true'], 0, ''],
    ['any other', ['sh', '-c', 'exit 7'], 7, ''],
    ['137 where a signal killed it', ['sh', '-c', 'kill -9 $$'], 137, ''],
    ['127 for a command that is not there', ['no-such-command'], 127, 'command not found: "no-such-command"'],
  ])('%s', async (_, command, status, message) => {
    const ending = await cron([], command).ended
    expect(ending).toEqual({ status, stdout: '', stderr: expect.stringContaining(message) })
    const after = await cron(['--retry'], ['echo', 'again']).ended
    expect(after).toMatchObject({ status: 0, stdout: '' })
  })
})

test('the command learns the tick, the name, the token and the store from its environment', async () => {
  const script = 'echo "$LEASEHOLD_TICK|$LEASEHOLD_NAME|$LEASEHOLD_TOKEN|$LEASEHOLD_URL"'
  const { stdout } = await cron([], ['sh', '-c', script]).ended
  expect(stdout).toMatch(new RegExp(`^${present.toISOString()}\\|x\\|\\d+\\|file:\\S+\\n$`))
})

describe('when the host is killed half-way', () => {
  test('with --retry another one, which has waited, runs the command again', async () => {
    const first = cron(['--retry'], tame)
    const pid = await first.pidOf('runs')
    const second = cron(['--retry'], tame)
    await untilWaiting(1)
    expect(second.stdout).toBe('')
    first.signal('SIGKILL')
    await second.pidOf('runs')
    await untilGone(pid)
    second.signal('SIGTERM')
    expect((await second.ended).status).toBe(143)
  })

  test('without --retry no host does, since half of the work may be done', async () => {
    const first = cron([], tame)
    await first.pidOf('runs')
    first.signal('SIGKILL')
    await untilGone(first.pid)
    const { status, stdout, stderr } = await cron(['--verbose'], ['echo', 'again']).ended
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toContain(`(pid ${first.pid}), and has not ended`)
  })
})

describe('ticks that no host ran', () => {
  const script = ['sh', '-c', 'echo "$LEASEHOLD_TICK"']

  test('are named on stderr', async () => {
    await ran(yearsAgo(3))
    const { status, stdout, stderr } = await cron([], script).ended
    const line = (years: number) =>
      `leasehold: the tick of ${yearsAgo(years).toISOString()} was run by nobody\n`
    expect(stderr).toBe(line(2) + line(1))
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${present.toISOString()}\n` })
  })

  test('are run one after the other with --catch-up, before the present one', async () => {
    await ran(yearsAgo(3))
    const { status, stdout, stderr } = await cron(['--catch-up'], script).ended
    const ticks = [yearsAgo(2), yearsAgo(1), present].map((tick) => `${tick.toISOString()}\n`)
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: ticks.join(''), stderr: '' })
  })
})

describe('a signal', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s ends a host that waits, which leaves the line', async (signal, status) => {
    const holder = leasehold(['run', 'x', '--', ...tame], { env: hosts.env })
    await holder.pidOf('runs')
    const run = cron([], ['echo', 'ran'])
    await untilWaiting(1)
    run.signal(signal)
    expect(await run.ended).toEqual({ status, stdout: '', stderr: '' })
    holder.signal('SIGTERM')
    await holder.ended
    expect((await cron([], ['echo', 'ran']).ended).stdout).toBe('ran\n')
  })

  test('reaches the command that runs, which may take its time to end', async () => {
    const script = 'trap "echo told; exit 3" TERM; echo runs $$; while :; do sleep 0.02; done'
    const run = cron(['--grace', '1h'], ['sh', '-c', script])
    await run.pidOf('runs')
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 3, stdout: expect.stringContaining('told') })
  })
})

test('a lock that is lost while the command runs ends it, and the exit is 70', async () => {
  const run = cron([], ['sh', '-c', 'echo "token $LEASEHOLD_TOKEN"; exec sleep 300'])
  const token = String(await run.pidOf('token'))
  await leasehold(['break', 'x', '--token', token], { env: hosts.env }).ended
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/^leasehold: hold lost: .*; stopping the command\n$/)
  expect(status).toBe(70)
})

test('--quiet prints nothing about other hosts and about ticks that no host ran', async () => {
  await ran(yearsAgo(3))
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
})
