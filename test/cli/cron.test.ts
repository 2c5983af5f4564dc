// One line of a crontab on many hosts, each of them a process here: which host runs the tick, and what the others print and
// exit with.
import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { leasehold, program, type Run, temporaryFolder, untilGone } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

/** A schedule of every year whose present tick is one or two months ago, so that it stays that for as long as a test takes. */
const now = new Date()
const present = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1))
const yearly = ['--schedule', `0 0 1 ${present.getUTCMonth() + 1} *`, '--tz', 'UTC']
const tame = ['sh', '-c', 'echo runs $$; exec sleep 300']

function cron(options: string[], command: string[]): Run {
  return leasehold(['cron', 'x', ...yearly, ...options, '--', ...command], { env })
}

/** Marks the tick of this many years ago as run, and no tick since then. */
async function ranYearsAgo(years: number): Promise<void> {
  const client = await connect(env.LEASEHOLD_URL)
  await client.cron('x', {}).run(() => {}, { tick: yearsAgo(years) })
  await client.close()
}

function yearsAgo(years: number): Date {
  return new Date(Date.UTC(present.getUTCFullYear() - years, present.getUTCMonth(), 1))
}

/** Waits until this many claims wait in line. The message of a try that fails says how many. */
async function untilWaiting(count: number): Promise<void> {
  const { stderr } = await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended
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

test('the crontab of the docs works with the PATH that cron itself has', async () => {
  const [, block = ''] = /```text\n(PATH=.*?)```/s.exec(readFileSync('docs/cron.md', 'utf8')) ?? []
  const [path = '', line = ''] = block.split('\n')
  const home = temporaryFolder()
  symlinkSync(process.execPath, join(home, 'node'))
  const main = pathToFileURL(program()).href
  writeFileSync(join(home, 'leasehold'), `#!/usr/bin/env node\nimport(${JSON.stringify(main)})\n`, {
    mode: 0o755,
  })
  writeFileSync(join(home, 'nightly.sh'), '#!/bin/sh\necho it is night\n', { mode: 0o755 })
  const command = line
    .replace('0 3 * * * leasehold', 'leasehold')
    .replace('0 3 * * *', '* * * * *')
    .replace(/etcd:\S+/, env.LEASEHOLD_URL ?? '')
  const cronEnv = { HOME: home, PATH: path.replace('PATH=/usr/local/bin', home) }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { env: cronEnv, cwd: home })
  expect(stdout).toBe('it is night\n')
})

test('a host that does not run the tick prints nothing if no terminal is attached, so cron sends no mail', async () => {
  await cron([], ['true']).ended
  expect(await cron([], ['echo', 'again']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
})

describe('a run by hand', () => {
  /** A minute of the day that is eight to nine minutes ahead, so that its tick is too far ahead for as long as a test takes. */
  function soon(): { readonly tick: string; readonly options: string[] } {
    const at = new Date(Math.ceil(Date.now() / 60_000 + 8) * 60_000)
    const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
    return { tick: at.toISOString(), options: ['--schedule', schedule, '--tz', 'UTC'] }
  }
  const byHand = (options: string[], command: string[]) =>
    leasehold(['cron', 'x', ...options, '--', ...command], { env })

  test('long before the tick runs nothing, says which tick it would be, and exits 4', async () => {
    const { tick, options } = soon()
    const { status, stdout, stderr } = await byHand(options, ['echo', 'ran']).ended
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' })
    expect(stderr).toMatch(`leasehold: the next tick is that of ${tick}, in `)
    expect(stderr).toMatch(/ [89] minutes: too early to take it, and nothing was run; --now .*\n$/)
    const allowed = await byHand([...options, '--ahead', '10m'], ['sh', '-c', 'echo $LEASEHOLD_TICK']).ended
    expect(allowed).toEqual({ status: 0, stdout: `${tick}\n`, stderr: '' })
  })

  test('with --now runs the command once under the lock, and the tick still comes', async () => {
    const { options } = soon()
    const script = ['sh', '-c', 'echo "$LEASEHOLD_NAME|$LEASEHOLD_TICK"; exit 3']
    expect(await byHand([...options, '--now'], script).ended).toEqual({
      status: 3,
      stdout: 'x|\n',
      stderr: '',
    })
    const tick = await byHand([...options, '--ahead', '10m'], ['echo', 'ran']).ended
    expect(tick).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })

  test('with --dry-run says what would happen, and runs nothing', async () => {
    const { tick, options } = soon()
    const dryRun = (more: string[], command: string[] = []) =>
      leasehold(['cron', 'x', ...more, '--dry-run', ...command], { env }).ended
    expect(await dryRun(options)).toMatchObject({
      status: 4,
      stdout: '',
      stderr: expect.stringContaining(tick),
    })
    await ranYearsAgo(3)
    const would = await dryRun(yearly, ['--', 'echo', 'ran'])
    expect(would).toMatchObject({ status: 0, stdout: '' })
    expect(would.stderr).toContain('2 ticks since')
    expect(would.stderr).toContain(`the tick of ${present.toISOString()} would run here, now`)
    expect((await cron(['--quiet'], ['echo', 'ran']).ended).stdout).toBe('ran\n')
    expect((await dryRun(yearly)).stderr).toMatch(/^leasehold: the tick of \S+ was run at .*\n$/)
  })
})

describe('a host whose clock is years ahead', () => {
  beforeEach(async () => {
    const client = await connect(env.LEASEHOLD_URL)
    await client.cron('x', {}).run(() => {}, { tick: yearsAgo(-10) })
    await client.close()
  })
  const wrong = new RegExp(
    `^leasehold: "x": the tick of ${yearsAgo(-10).toISOString()} is on record, taken by .*--reset`,
  )

  test('does not keep the tick from running, and every host says so and exits 78', async () => {
    const first = await cron([], ['echo', 'ran']).ended
    expect(first).toMatchObject({ status: 78, stdout: 'ran\n', stderr: expect.stringMatching(wrong) })
    const second = await cron([], ['echo', 'ran']).ended
    expect(second).toMatchObject({ status: 78, stdout: '', stderr: expect.stringMatching(wrong) })
  })

  test('does not hide the exit status of the command', async () => {
    expect(await cron([], ['sh', '-c', 'exit 7']).ended).toMatchObject({ status: 7 })
  })

  test('leaves nothing on record that --reset does not remove', async () => {
    const reset = (): Run => leasehold(['cron', 'x', '--reset'], { env })
    const first = await reset().ended
    expect(first.stderr).toMatch(
      new RegExp(`^leasehold: forgot the tick of ${yearsAgo(-10).toISOString()}, which was run`),
    )
    expect(first).toMatchObject({ status: 0, stdout: '' })
    expect(await reset().ended).toMatchObject({ status: 0, stderr: 'leasehold: no tick is on record\n' })
    expect(await cron([], ['echo', 'ran']).ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })
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
  await leasehold(['break', 'x', '--token', token], { env }).ended
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/^leasehold: hold lost: .*; stopping the command\n$/)
  expect(status).toBe(70)
})

test('--quiet prints nothing about other hosts and about ticks that no host ran', async () => {
  await ranYearsAgo(3)
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
  expect(await cron(['--quiet'], ['true']).ended).toEqual({ status: 0, stdout: '', stderr: '' })
})

describe('wrong usage exits 64 and says what is wrong, before the store is asked', () => {
  const nowhere = { LEASEHOLD_URL: 'etcd://127.0.0.1:1/' }

  test.each<[string, string[], RegExp]>([
    ['no NAME', ['--schedule', '@daily'], /missing required argument 'NAME'/],
    ['no NAME before the command', ['--schedule', '@daily', '--', 'echo'], /'NAME': it stands before --/],
    ['no --schedule', ['x', '--', 'echo'], /required option '--schedule <expr>' not specified/],
    ['no command', ['x', '--schedule', '@daily'], /missing required argument 'CMD'/],
    [
      'an hour too late',
      ['x', '--schedule', '0 25 * * *', '--', 'echo'],
      /field 2 is "25".*an hour takes 0 to 23/,
    ],
    ['too few fields', ['x', '--schedule', '0 3 *', '--', 'echo'], /takes five fields/],
    [
      'a shell that took the stars',
      ['x', '--schedule', '0', '3', '--', 'echo'],
      /whole expression in one pair of quotes/,
    ],
    ['a nickname that is none', ['x', '--schedule', '@dayly', '--', 'echo'], /@weekly, @daily and @hourly/],
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

describe('a store that is not there', () => {
  const nowhere = ['--url', 'etcd://127.0.0.1:1/']

  test('exits 69 when the time for new tries is over', async () => {
    const { status, stderr } = await cron([...nowhere, '--give-up', '0s'], ['true']).ended
    expect(stderr).toMatch(/^leasehold: .*127\.0\.0\.1:1.*\n$/)
    expect(status).toBe(69)
  })

  test('is waited for, with one message; a signal ends the wait', async () => {
    const run = cron(nowhere, ['echo', 'ran'])
    await run.says(/it tries again\n$/)
    expect(run.stdout).toBe('')
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143, stdout: '' })
  })
})

test('cron --help shows examples, variables and every exit status, and succeeds', async () => {
  const { status, stdout } = await leasehold(['cron', '--help']).ended
  for (const word of [
    'crontab',
    'LEASEHOLD_TICK',
    '--retry',
    '--catch-up',
    '--ahead',
    '--now',
    '--dry-run',
    '--reset',
    '--verbose',
    '--tz',
    '64',
    '69',
    '70',
    '78',
    '127',
  ]) {
    expect(stdout).toContain(word)
  }
  expect(status).toBe(0)
})
