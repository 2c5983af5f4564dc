// LEASEHOLD_LOG=debug: the lines on stderr, the secrets that they must not have, and that they end nothing.
import { channel } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startLog } from '../../src/cli/event-log.ts'
import { present, yearly } from './crontab.ts'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}`, LEASEHOLD_LOG: 'debug' }
})

/** The lines of the log without their times, and with a letter for each number of ms. A slow run renews its session, too. */
function linesOf(stderr: string): string[] {
  const lines = stderr.split('\n').slice(0, -1)
  for (const line of lines) expect(line).toMatch(/^leasehold: debug \d{4}-\d\d-\d\dT[\d:.]{12}Z \S/)
  const text = (line: string): string => line.split(' ').slice(3).join(' ')
  return lines
    .map((line) => text(line).replace(/\b\d+ ms\b/, 'T'))
    .filter((line) => !/renewSession/.test(line))
}

/** A script that calls the same command as `$OWN`. */
const OWN = `${process.execPath} ${program()}`

describe('with debug, stderr gets a line for', () => {
  test('the session, the acquire, each request and the release of a run, with the token', async () => {
    const run = leasehold(['run', 'a\u202eb', '--wait', '9s', '--', 'sh', '-c', 'echo $LEASEHOLD_TOKEN'], {
      env,
    })
    const { status, stdout, stderr } = await run.ended
    expect(status).toBe(0)
    const token = stdout.trim()
    const [opened, ...lines] = linesOf(stderr)
    expect(opened).toMatch(/^session \S+ opened at file:\/\/\S+, time to live T$/)
    expect(lines).toEqual([
      'request createSession: answered after T',
      'acquire "a\\u202eb": mutex, waits for T',
      'request attempt: answered after T',
      `acquire "a\\u202eb": held after T, token ${token}`,
      'request destroySession: answered after T',
      `release "a\\u202eb", token ${token}: done after T`,
    ])
  })

  test('a hold that another client took away', async () => {
    const script = 'LEASEHOLD_LOG= $OWN break x --token $LEASEHOLD_TOKEN; exec sleep 30'
    const { status, stderr } = await leasehold(['run', 'x', '--', 'sh', '-c', script], {
      env: { ...env, OWN },
    }).ended
    expect(stderr).toMatch(
      /^leasehold: debug \S+ hold lost "x", token \d+, removed: hold lost: .*"x" was removed/m,
    )
    expect(status).toBe(70)
  })

  test('a leader of this client, and a tick', async () => {
    const [lead, cron] = await Promise.all([
      leasehold(['lead', 'e', '--value', 'me\u202e', '--', 'true'], { env }).ended,
      leasehold(['cron', 'c', ...yearly, '--', 'true'], { env }).ended,
    ])
    expect(linesOf(lead.stderr)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^leader "e": "me\\u202e", token \d+, of this client, seen by its candidate$/),
        'leader "e": none known, seen by its candidate',
      ]),
    )
    const ticks = linesOf(cron.stderr).filter((line) => line.startsWith('tick'))
    const [tick, ...others] = ticks
    expect(tick).toMatch(/^tick \S+ "c": ran after T, token \d+$/)
    expect(tick).toContain(present.toISOString())
    expect(others).toEqual([])
  })
})

test.each([
  ['is unset', {}],
  ['is empty', { LEASEHOLD_LOG: '' }],
])('a run that succeeds leaves stderr empty if LEASEHOLD_LOG %s', async (_, log) => {
  const { LEASEHOLD_URL = '' } = env
  const run = leasehold(['run', 'x', '--', 'echo', 'ran'], { env: { LEASEHOLD_URL, ...log } })
  expect(await run.ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
})

test('an unknown value is wrong usage: nothing runs, and stderr names the value that is allowed', async () => {
  const run = leasehold(['run', 'x', '--', 'echo', 'ran'], { env: { ...env, LEASEHOLD_LOG: 'tr\u202eace' } })
  const stderr = 'leasehold: LEASEHOLD_LOG: "tr\\u202eace" is not known; it takes debug\n'
  expect(await run.ended).toEqual({ status: 64, stdout: '', stderr })
})

describe('no line has', () => {
  test.each([
    ['etcd', { ETCDCTL_USER: 'root:pa55word' }, 'etcd://127.0.0.1:1/'],
    ['Consul', { CONSUL_HTTP_TOKEN: 'pa55word' }, 'consul://127.0.0.1:1/'],
  ])('the credentials for %s, although each request fails', async (_, secret, url) => {
    const run = leasehold(['run', 'x', '--url', url, '--', 'true'], { env: { ...env, ...secret } })
    await run.says(/debug \S+ request createSession: failed after \d+ ms: .*127\.0\.0\.1:1/)
    run.signal('SIGINT')
    const { stderr } = await run.ended
    expect(stderr).not.toMatch(/pa55word|root:/)
  })

  test('the password of a URL, which is refused', async () => {
    const run = leasehold(['ls', '--url', 'etcd://root:pa55word@127.0.0.1:1/'], { env })
    const { status, stderr } = await run.ended
    expect(status).toBe(64)
    expect(stderr).toMatch(/takes no credentials/)
    expect(stderr).not.toMatch(/pa55word/)
  })
})

test('a log that nobody reads ends neither leasehold nor its command', async () => {
  // The loop ends when the pipe has no reader any more.
  const shell = `exec 3>&1; { while (echo) 2>/dev/null; do :; done; "$@" 2>&1 >&3; echo "status $?" >&3; } | true`
  const { stdout } = await leasehold(['run', 'x', '--', 'echo', 'ran'], { env, shell }).ended
  expect(stdout).toBe('ran\nstatus 0\n')
})

describe('the line of', () => {
  let lines: string[]
  let stop: () => void
  beforeEach(() => {
    lines = []
    stop = startLog('debug', (line) => lines.push(line.replace(/^debug \S+Z /, '')))
  })
  afterEach(() => stop())

  const hold = { name: 'x', kind: 'mutex', token: 7n, session: 's', store: 'etcd://h/', client: {} }
  const error = new Error('no answer\n\u001b[31m')
  const session = { id: 's\n1', remainingMs: 0, status: 'lost' }

  test.each<[title: string, channel: string, event: object, line: string]>([
    [
      'a hold near its loss',
      'leasehold:hold.near-loss',
      { ...hold, remainingMs: 6_750.4, error: undefined },
      'hold near loss "x", token 7, 6750 ms left: its renewal is not answered yet',
    ],
    [
      'a hold near its loss whose renewal failed',
      'leasehold:hold.near-loss',
      { ...hold, remainingMs: 5_000, error },
      'hold near loss "x", token 7, 5000 ms left: no answer \\u001b[31m',
    ],
    [
      'a lost session',
      'leasehold:session.lost',
      { session, ttlMs: 15_000, cause: 'expired', error },
      'session s\\u000a1 lost, expired: no answer \\u001b[31m',
    ],
    [
      'a leader that an observer saw',
      'leasehold:leader.changed',
      { name: 'e', leader: { value: 'a\nb', token: 9n, session: 's' }, mine: false, seenBy: 'observer' },
      'leader "e": "a\\nb", token 9, seen by its observer',
    ],
    [
      'a tick that ran elsewhere',
      'leasehold:cron.tick',
      { name: 'c', tickMs: 0, outcome: 'taken', durationMs: 12.3 },
      'tick 1970-01-01T00:00:00.000Z "c": taken after 12 ms',
    ],
    [
      'an answered request, without the answer',
      'tracing:leasehold:request:asyncEnd',
      { operation: 'readCheckpoint', retry: 2, result: 'a checkpoint' },
      'request readCheckpoint, repetition 2: answered after unknown time',
    ],
    [
      'a release that failed',
      'tracing:leasehold:release:error',
      { ...hold, error },
      'release "x", token 7: failed after unknown time: no answer \\u001b[31m',
    ],
    [
      'an acquire of permits',
      'tracing:leasehold:acquire:start',
      { ...hold, kind: 'semaphore', permits: 4, weight: 3, waitMs: 0, ahead: 0 },
      'acquire "x": semaphore, 3 of 4 permits, does not wait',
    ],
    [
      'an event that cannot be shown',
      'tracing:leasehold:release:error',
      { ...hold, error: Object.create(null) },
      'an event of tracing:leasehold:release:error cannot be shown',
    ],
  ])('%s', (_, name, event, line) => {
    channel(name).publish(event)
    expect(lines).toEqual([line])
  })

  test('a request that failed is one line', () => {
    const event = { operation: 'attempt', retry: 0, error }
    for (const each of ['start', 'error', 'asyncStart', 'asyncEnd'])
      channel(`tracing:leasehold:request:${each}`).publish(event)
    expect(lines).toEqual([expect.stringMatching(/^request attempt: failed after \d+ ms: no answer/)])
  })
})
