// One line of a crontab on many hosts, each of them a process here: who runs the tick, and what the others say and exit with.
import { hostname } from 'node:os'
import { beforeEach, describe, expect, test } from 'vitest'
import { Schedule } from '../../src/cron/schedule.ts'
import { connect } from '../../src/index.ts'
import { leasehold, type Run, temporaryFolder, untilGone } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

/** A schedule whose present tick stays the present one for as long as a test takes. */
const yearly = ['--schedule', '0 0 1 1 *', '--tz', 'UTC']
const newYears = new Schedule('0 0 1 1 *', 'UTC')
const present = new Date(newYears.nearest(Date.now()) ?? 0)
const tame = ['sh', '-c', 'echo runs $$; exec sleep 300']

function cron(options: string[], command: string[]): Run {
  return leasehold(['cron', 'x', ...yearly, ...options, '--', ...command], { env })
}

/** Somebody ran the tick so many years before the present one; nobody did since. */
async function ranYearsAgo(years: number): Promise<void> {
  const client = await connect(env.LEASEHOLD_URL)
  await client.cron('x', {}).run(() => {}, { tick: yearsAgo(years) })
  await client.close()
}

function yearsAgo(years: number): Date {
  return new Date(Date.UTC(present.getUTCFullYear() - years, 0, 1))
}

/** Waits until so many stand in line, which who gives up is told. */
async function untilWaiting(count: number): Promise<void> {
  const { stderr } = await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended
  if (!stderr.includes(`with ${count} waiting`)) await untilWaiting(count)
}

test('of ten hosts one runs the command, and nine succeed at once and say who does', async () => {
  const runs = Array.from({ length: 10 }, () => cron([], tame))
  // Another host may hear who runs the tick, and end, before the command has said anything: so `any`, not `race`.
  const first = await Promise.any(runs.map((run) => run.says(/^runs \d+$/m).then(() => run)))
  const others = await Promise.all(runs.filter((run) => run !== first).map((run) => run.ended))
  const tick = present.toISOString()
  const stderr = `leasehold: the tick of ${tick} is run by ${hostname()} (pid ${first.pid})\n`
  for (const ending of others) expect(ending).toEqual({ status: 0, stdout: '', stderr })
  first.signal('SIGTERM')
  expect(await first.ended).toMatchObject({ status: 143, stderr: '' })
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

  test('without it nobody does, since half of the work may be done', async () => {
    const first = cron([], tame)
    await first.pidOf('runs')
    first.signal('SIGKILL')
    await untilGone(first.pid)
    const { status, stdout, stderr } = await cron([], ['echo', 'again']).ended
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toContain(`(pid ${first.pid})`)
  })
})

describe('ticks that no host ran', () => {
  const script = ['sh', '-c', 'echo "$LEASEHOLD_TICK"']

  test('are named on stderr', async () => {
    await ranYearsAgo(3)
    const { status, stdout, stderr } = await cron([], script).ended
    const line = (years: number) =>
      `leasehold: the tick of ${yearsAgo(years).toISOString()} was run by nobody\n`
    expect(stderr).toBe(line(2) + line(1))
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${present.toISOString()}\n` })
  })

  test('are run one after the other with --catch-up, before the present one', async () => {
    await ranYearsAgo(3)
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
    const holder = leasehold(['run', 'x', '--', ...tame], { env })
    await holder.pidOf('runs')
    const run = cron([], ['echo', 'ran'])
    await untilWaiting(1)
    run.signal(signal)
    expect(await run.ended).toEqual({ status, stdout: '', stderr: '' })
    holder.signal('SIGTERM')
    await holder.ended
    expect((await cron([], ['echo', 'ran']).ended).stdout).toBe('ran\n')
  })

  test('reaches the command that runs, which may take its time', async () => {
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
  await leasehold(['break', 'x', '--token', token], { env }).ended
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/^leasehold: hold lost: .*; stopping the command\n$/)
  expect(status).toBe(70)
})

test('--quiet says nothing of other hosts and of ticks that nobody ran', async () => {
  await ranYearsAgo(3)
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
})

describe('wrong usage exits 64 and says what is wrong, before the store is asked', () => {
  const nowhere = { LEASEHOLD_URL: 'etcd://127.0.0.1:1/' }

  test.each<[string, string[], RegExp]>([
    ['no NAME', ['--schedule', '@daily'], /missing required argument 'NAME'/],
    ['no --schedule', ['x', '--', 'echo'], /required option '--schedule <expr>' not specified/],
    ['no command', ['x', '--schedule', '@daily'], /missing required argument 'CMD'/],
    [
      'an hour too late',
      ['x', '--schedule', '0 25 * * *', '--', 'echo'],
      /field 2 is "25".*an hour takes 0 to 23/,
    ],
    ['too few fields', ['x', '--schedule', '0 3 *', '--', 'echo'], /takes five fields/],
    ['a shell that took the stars', ['x', '--schedule', '0', '3', '--', 'echo'], /put -- between|takes five/],
    ['no such day', ['x', '--schedule', '0 0 31 2 *', '--', 'echo'], /never comes true/],
    [
      'no such zone',
      ['x', '--schedule', '@daily', '--tz', 'Mars', '--', 'echo'],
      /"Mars" is not known.*Berlin/,
    ],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await leasehold(['cron', ...args], { env: nowhere }).ended
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^leasehold: .*\n$/)
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  })

  test('a name that a lock uses for checkpoints of its own', async () => {
    const client = await connect(env.LEASEHOLD_URL)
    await client.mutex('x').run((hold) => hold.checkpoint('page 7'))
    await client.close()
    const { status, stderr } = await cron([], ['true']).ended
    expect(stderr).toMatch(/^leasehold: "x" has a checkpoint that no cron job wrote.*\n$/)
    expect(status).toBe(64)
  })
})

test('a store that is not there before the next tick is due exits 69', async () => {
  const everySecond = ['--schedule', '* * * * * *', '--url', 'etcd://127.0.0.1:1/']
  const { status, stderr } = await leasehold(['cron', 'x', ...everySecond, '--', 'true'], { env }).ended
  expect(stderr).toMatch(/^leasehold: .*127\.0\.0\.1:1.*\n$/)
  expect(status).toBe(69)
})

test('cron --help shows examples, variables and every exit status, and succeeds', async () => {
  const { status, stdout } = await leasehold(['cron', '--help']).ended
  for (const word of [
    'crontab',
    'LEASEHOLD_TICK',
    '--retry',
    '--catch-up',
    '--tz',
    '64',
    '69',
    '70',
    '127',
  ]) {
    expect(stdout).toContain(word)
  }
  expect(status).toBe(0)
})
