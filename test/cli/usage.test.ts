// The output and the exit status of the command after wrong arguments, or a request for help.
import { describe, expect, test } from 'vitest'
import { parseDuration } from '../../src/cli/duration.ts'
import { withMeaning } from '../../src/cli/other-words.ts'
import { wholeProgram } from '../../src/cli/program.ts'
import { leasehold } from './leasehold.ts'

const refused: [title: string, args: string[], message: RegExp][] = [
  ['no subcommand', [], /Usage: leasehold/],
  ['an unknown subcommand', ['walk'], /unknown command 'walk'/],
  ['the word of another tool', ['lock', 'x', '--', 'echo'], /'lock' \(Did you mean run\?\)\n$/],
  ['a misspelt subcommand', ['docter'], /'docter' \(Did you mean doctor\?\)\n$/],
  ['an unknown option', ['run', 'x', '--nope', '--', 'echo'], /unknown option '--nope'/],
  ['no NAME', ['run'], /missing required argument 'NAME'/],
  ['no NAME before the command', ['run', '--', 'ls', '-l'], /'NAME': it stands before --/],
  ['no NAME before a command of one word', ['run', '--', 'true'], /'NAME': it stands before --/],
  [
    'a --service without its --port, also while the store is away',
    ['lead', 'x', '--url', 'etcd://127.0.0.1:1/', '--service', 'web', '--', 'true'],
    /--service and --port: give both or none/,
  ],
  ['no NAME before the work of a leader', ['lead', '--', 'true'], /'NAME': it stands before --/],
  ['no command', ['run', 'x'], /missing required argument 'CMD'/],
  ['no command after --', ['run', 'x', '--'], /'CMD'; usage: leasehold run NAME\.\.\. \[options\] -- CMD/],
  ['a command without --', ['run', 'x', 'echo'], /put -- between.*; usage: leasehold run NAME/],
  ['two PREFIXes', ['ls', 'a', 'b'], /too many arguments.*; usage: leasehold ls \[options\] \[PREFIX\]/],
  ['an empty NAME', ['run', '', '--', 'echo'], /NAME: "" is empty/],
  ['a NAME with a control character', ['run', 'a\nb', '--', 'echo'], /NAME: "a\\nb" has a control character/],
  ['a NAME of 513 bytes', ['run', 'x'.repeat(513), '--', 'echo'], /NAME: 513 bytes of UTF-8/],
  ['--permits 0', ['run', 'x', '--permits', '0', '--', 'echo'], /--permits.*from 1 to 10000/],
  ['--permits 1.5', ['run', 'x', '--permits', '1.5', '--', 'echo'], /--permits.*a whole number/],
  ['--permits abc', ['run', 'x', '--permits', 'abc', '--', 'echo'], /--permits.*'abc'.*a whole number/],
  ['--ttl without a unit', ['run', 'x', '--ttl', '5', '--', 'echo'], /--ttl.*'5'.*ms, s, m, h/],
  ['--ttl below the range', ['run', 'x', '--ttl', '999ms', '--', 'echo'], /--ttl in ms: 999 is out of range/],
  ['--wait below 0', ['run', 'x', '--wait', '-1s', '--', 'echo'], /--wait/],
  ['--grace that is no time', ['run', 'x', '--grace', 'soon', '--', 'echo'], /--grace.*'soon'/],
  ['--try with --wait', ['run', 'x', '--try', '--wait', '1s', '--', 'echo'], /cannot be used with/],
  ['a --port of ui that is none', ['ui', '--port', '65536'], /--port.*'65536'.*from 1 to 65535, or 0/],
  ['an unknown scheme', ['run', 'x', '--url', 'redis://h/', '--', 'echo'], /--url.*"redis:" is not known/],
  ['a URL without a scheme', ['run', 'x', '--url', 'localhost', '--', 'echo'], /--url.*no scheme/],
  ['a malformed URL', ['run', 'x', '--url', 'etcd://:x:/', '--', 'echo'], /--url/],
  ['a malformed host of Consul', ['run', 'x', '--url', 'consul://h:x/', '--', 'echo'], /--url.*no host:port/],
  ['a parameter that Consul has not', ['run', 'x', '--url', 'consul://h/?ns=a', '--', 'echo'], /--url.*"ns"/],
  [
    'an empty folder on Consul',
    ['run', 'x', '--url', 'consul://h/a//b', '--', 'echo'],
    /--url.*an empty part/,
  ],
  [
    '--ttl below the range of Consul',
    ['run', 'x', '--ttl', '9s', '--url', 'consul://127.0.0.1:1/', '--', 'echo'],
    /--ttl in ms: 9000 is out of range; it takes a number from 10000 to 86400000 on consul/,
  ],
]

describe('wrong usage exits 64 and says what is wrong, without running the command', () => {
  test.each(refused)('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await leasehold(args).ended
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
    if (args.length > 0) expect(stderr).toMatch(/^leasehold: .*\n$/)
  })
})

test('each word of other tools means a subcommand that exists', async () => {
  const names = (await wholeProgram()).commands.map((command) => command.name())
  const words = ['lock', 'elect', 'who', 'schedule', 'status', 'unlock', 'dashboard', 'ping']
  const meant = words.map((word) => /mean (\w+)\?/.exec(withMeaning(`unknown command '${word}'`))?.[1])
  expect(meant).toEqual(['run', 'lead', 'leader', 'cron', 'ls', 'break', 'ui', 'doctor'])
  expect(names).toEqual(expect.arrayContaining(meant))
  expect(withMeaning("unknown command 'constructor'")).toBe("unknown command 'constructor'")
})

test('the error for an unknown scheme in LEASEHOLD_URL names that variable', async () => {
  const { status, stderr } = await leasehold(['run', 'x', '--', 'true'], { env: { LEASEHOLD_URL: 'redis:' } })
    .ended
  expect(stderr).toContain('LEASEHOLD_URL')
  expect(status).toBe(64)
})

test.each([
  ['etcd', {}],
  ['consul', { CONSUL_HTTP_TOKEN: 'hunter2', CONSUL_HTTP_AUTH: 'root:hunter2' }],
])('a store that is not there exits 69, on one line that names it: %s', async (scheme, env) => {
  const url = `${scheme}://127.0.0.1:1/`
  const { status, stderr } = await leasehold(['run', 'x', '--url', url, '--', 'true'], { env }).ended
  expect(stderr).toMatch(/^leasehold: .*127\.0\.0\.1:1.*\n$/)
  expect(stderr).not.toContain('hunter2')
  expect(status).toBe(69)
})

test.each(['etcd', 'consul'])('a password in a URL is never shown: %s', async (scheme) => {
  const url = `${scheme}://root:hunter2@127.0.0.1:1/`
  const { status, stderr } = await leasehold(['run', 'x', '--url', url, '--', 'true']).ended
  expect(stderr).not.toContain('hunter2')
  expect(status).toBeGreaterThanOrEqual(64)
})

test('--help names the subcommands and the environment, and succeeds', async () => {
  const { status, stdout } = await leasehold(['--help']).ended
  expect(stdout).toMatch(/run .*a lock[\s\S]*LEASEHOLD_URL/)
  expect(status).toBe(0)
})

test('run --help shows examples and every exit status, and succeeds', async () => {
  const { status, stdout } = await leasehold(['run', '--help']).ended
  for (const word of ['Examples', 'LEASEHOLD_TOKEN', '64', '69', '70', '75', '126', '127', '--ttl']) {
    expect(stdout).toContain(word)
  }
  expect(status).toBe(0)
})

test('run --help says that the default time to live is that of the store', async () => {
  const { stdout } = await leasehold(['run', '--help']).ended
  expect(stdout.replace(/\s+/g, ' ')).toContain("(default: the store's, 15s)")
})

test('a variable of Consul that names an unreadable file exits 64, and the error names both', async () => {
  const env = { CONSUL_HTTP_TOKEN_FILE: '/no/such/token' }
  const { status, stderr } = await leasehold(['run', 'x', '--url', 'consul:', '--', 'true'], { env }).ended
  expect(stderr).toBe('leasehold: CONSUL_HTTP_TOKEN_FILE: "/no/such/token" cannot be read (ENOENT)\n')
  expect(status).toBe(64)
})

test('--version prints the version of the package', async () => {
  expect(await leasehold(['--version']).ended).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
})

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['1h', 3_600_000],
  ['0s', 0],
])('the time %s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '5', 's', '-1s', '1 s', '1d', '1s1s', '1e3s', 'Infinitys'])(
  'the time %j is refused',
  (text) => {
    expect(() => parseDuration(text)).toThrow(RangeError)
  },
)
