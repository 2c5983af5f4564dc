// The messages and exits of `leasehold cron` for a wrong line of a crontab, and for a store that is not there.
import { describe, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { useCrontab } from './crontab.ts'
import { leasehold } from './leasehold.ts'

const hosts = useCrontab()
const { cron } = hosts

describe('wrong usage exits 64 and says what is wrong, before the store is asked', () => {
  const nowhere = { LEASEHOLD_URL: 'etcd://127.0.0.1:1/' }

  test.each<[string, string[], RegExp]>([
    ['no NAME', ['--schedule', '@daily'], /missing required argument 'NAME'/],
    ['no NAME before the command', ['--schedule', '@daily', '--', 'echo'], /'NAME': it stands before --/],
    ['no --schedule', ['x', '--', 'echo'], /'--schedule <expr>' not specified; usage: .*--schedule '0 3/],
    ['no command', ['x', '--schedule', '@daily'], /'CMD'; usage: leasehold cron NAME --schedule/],
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
    const client = await connect(hosts.env.LEASEHOLD_URL)
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
