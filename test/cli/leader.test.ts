// The leader, as a person and as a script read it.
import { spawn } from 'node:child_process'
import { beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let env: { LEASEHOLD_URL: string }
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

test('the value of the leader stands alone on stdout', async () => {
  await using client = await connect(env.LEASEHOLD_URL)
  await client.election('x').campaign({ value: '10.0.0.7:8080' })
  expect(await leasehold(['leader', 'x'], { env }).ended).toEqual({
    status: 0,
    stdout: '10.0.0.7:8080\n',
    stderr: '',
  })
})

test('if nobody leads: nothing on stdout, a message on stderr, and a status that no failure has', async () => {
  expect(await leasehold(['leader', 'x'], { env }).ended).toEqual({
    status: 3,
    stdout: '',
    stderr: 'leasehold: nobody leads "x"\n',
  })
})

test('a value with several lines and colours is printed on one line, and unchanged with --json', async () => {
  await using client = await connect(env.LEASEHOLD_URL)
  const value = 'a\nb\u001b[31m"é'
  const term = await client.election('x').campaign({ value })
  expect((await leasehold(['leader', 'x'], { env }).ended).stdout).toBe('a\\u000ab\\u001b[31m"é\n')
  const { stdout } = await leasehold(['leader', 'x', '--json'], { env }).ended
  expect(JSON.parse(stdout)).toMatchObject({ leader: { value, token: String(term.token) } })
})

test('no value of a leader controls the terminal, with --json or without, and no part of it is left out', async () => {
  await using client = await connect(env.LEASEHOLD_URL)
  const value = `a\u009b2J\u202egnp\u061c\u2028${'x'.repeat(300)}`
  await client.election('x').campaign({ value })
  for (const form of [[], ['--json']]) {
    const { stdout } = await leasehold(['leader', 'x', ...form], { env }).ended
    expect(stdout).toMatch(/^[^\p{Cc}\p{Zl}\p{Bidi_Control}]+\n$/u)
    expect(stdout).toContain('a\\u009b2J\\u202egnp\\u061c\\u2028x')
    if (form.length > 0) expect(JSON.parse(stdout).leader.value).toBe(value)
  }
})

test('--json prints one object on one line, with a leader and without one', async () => {
  const nobody = await leasehold(['leader', 'x', '--json'], { env }).ended
  expect(nobody).toEqual({ status: 3, stdout: '{"name":"x","leader":null}\n', stderr: '' })
  await using client = await connect(env.LEASEHOLD_URL)
  const { token } = await client.election('x').campaign({ value: 'one' })
  const { status, stdout } = await leasehold(['leader', 'x', '--json'], { env }).ended
  expect(stdout).toMatch(/^\{.*\}\n$/)
  expect(JSON.parse(stdout)).toEqual({
    name: 'x',
    leader: { value: 'one', token: String(token), session: expect.stringMatching(/./) },
  })
  expect(status).toBe(0)
})

describe('--watch', () => {
  test('prints each change, also that nobody leads, until a signal ends it', async () => {
    const watch = leasehold(['leader', 'x', '--watch'], { env })
    await watch.says(/^\n/)
    await using client = await connect(env.LEASEHOLD_URL)
    const term = await client.election('x').campaign({ value: 'one' })
    await watch.says(/^one\n/m)
    await term.proclaim('two')
    await watch.says(/^two\n/m)
    await term.resign()
    await watch.says(/two\n\n/)
    watch.signal('SIGINT')
    const nobody = 'leasehold: nobody leads "x"\n'
    expect(await watch.ended).toEqual({ status: 130, stdout: '\none\ntwo\n\n', stderr: nobody + nobody })
  })

  test('with --json is one object per change', async () => {
    const watch = leasehold(['leader', 'x', '--watch', '--json'], { env })
    await watch.says(/null/)
    await using client = await connect(env.LEASEHOLD_URL)
    await client.election('x').campaign({ value: 'one' })
    await watch.says(/one/)
    watch.signal('SIGTERM')
    const { status, stdout, stderr } = await watch.ended
    const told = stdout.trimEnd().split('\n')
    expect(told.map((line) => JSON.parse(line).leader?.value)).toEqual([undefined, 'one'])
    expect({ status, stderr }).toEqual({ status: 143, stderr: '' })
  })

  test('ends quietly at a change that nobody reads any more', async () => {
    const script = '{ "$@"; echo "status $?" >&2; } | head -1'
    const watch = [process.execPath, program(), 'leader', 'x', '--watch', '--json']
    const shell = spawn('sh', ['-c', `( ${script} ) 2>&1; echo over`, 'sh', ...watch], {
      env: { ...process.env, ...env },
      detached: true,
    })
    onTestFailed(() => void process.kill(-(shell.pid ?? 0), 'SIGKILL'))
    let said = ''
    shell.stdout.on('data', (data) => (said += data))
    await expect.poll(() => said, { timeout: 10_000 }).toContain('null')
    await using client = await connect(env.LEASEHOLD_URL)
    const term = await client.election('x').campaign({ value: 'one' })
    for (let turn = 0; !said.includes('over'); turn += 1) {
      await term.proclaim(String(turn)) // head may not have gone yet when the first change is told
      await expect
        .poll(() => said.includes('over'), { timeout: 200 })
        .toBe(true)
        .catch(() => {})
    }
    expect(said).toBe('{"name":"x","leader":null}\nstatus 0\nover\n')
  })
})

describe('wrong usage exits 64 and says what is wrong', () => {
  test.each<[string, string[], RegExp]>([
    ['no NAME', [], /missing required argument 'NAME'/],
    ['an empty NAME', [''], /NAME: "" is empty/],
    ['two names', ['x', 'y'], /too many arguments/],
    ['an unknown option', ['x', '--ttl', '1s'], /unknown option '--ttl'/],
    ['an unknown scheme', ['x', '--url', 'redis://h/'], /--url.*"redis:" is not known/],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await leasehold(['leader', ...args], { env }).ended
    expect(stderr).toMatch(message)
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  })
})

test('a store that is not there exits 69, which no script takes for "nobody leads"', async () => {
  const { status, stdout } = await leasehold(['leader', 'x', '--url', 'etcd://127.0.0.1:1/'], { env }).ended
  expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
})

test('leader --help shows examples, the shape of --json and every exit status, and succeeds', async () => {
  const { status, stdout } = await leasehold(['leader', '--help']).ended
  for (const word of ['Examples', '"leader":null', '3 ', '64', '69', '130', '--watch']) {
    expect(stdout).toContain(word)
  }
  expect(status).toBe(0)
})
