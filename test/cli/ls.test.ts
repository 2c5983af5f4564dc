// `leasehold ls` shows the holders and waiters, once or after each change, for people and for programs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { printableJson } from '../../src/base/printable.ts'
import { documentOf, fitted, table, widthOf } from '../../src/cli/states.ts'
import { connect, type Leasehold } from '../../src/index.ts'
import { leasehold, program, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

/** A client of the same store, inside of the test. */
async function client(): Promise<Leasehold> {
  const opened = await connect(env.LEASEHOLD_URL ?? '')
  onTestFinished(() => opened.close())
  return opened
}

/** Waits in line, until the end of the test. */
async function waitFor(name: string, place: number): Promise<void> {
  const own = await client()
  const asked = own.mutex(name).acquire()
  asked.catch(() => {}) // the client is closed before its turn comes
  await expect.poll(async () => (await own.survey(name))[0]?.claims.length).toBe(place + 1)
}

const ls = (...args: string[]) => leasehold(['ls', ...args], { env })
const me = `\\S+ \\(pid ${process.pid}\\)`
const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ'

test('each claim has a line with its name, kind, place, host and process, time and token, in order', async () => {
  const own = await client()
  const hold = await own.mutex('deploy').acquire()
  await waitFor('deploy', 1)
  await waitFor('deploy', 2)
  await own.semaphore('gpu', { permits: 4 }).acquire()

  const { status, stdout, stderr } = await ls().ended

  const lines = stdout.split('\n')
  expect(lines[0]).toMatch(/^NAME +KIND +STATE +WHO +SINCE +TOKEN +TTL$/)
  expect(lines[1]).toMatch(new RegExp(`^deploy +mutex +holds +${me} +${time} +${hold.token} +-$`))
  expect(lines[2]).toMatch(new RegExp(`^deploy +mutex +waits 1 +${me} +${time} +\\d+ +-$`))
  expect(lines[3]).toMatch(new RegExp(`^deploy +mutex +waits 2 +${me} +${time} +\\d+ +-$`))
  expect(lines[4]).toMatch(new RegExp(`^gpu +semaphore/4 +holds +${me}`))
  expect(lines).toHaveLength(6)
  const columns = lines.slice(0, 5).map((line) => line.search(/STATE|holds|waits/))
  expect(new Set(columns).size).toBe(1)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test('an election is distinguished from a mutex, with and without values of its candidates', async () => {
  const own = await client()
  await own.election('silent').campaign()
  await own.election('talking').campaign({ value: 'http://10.0.0.1/' })
  await own.mutex('lock').acquire()
  const { stdout } = await ls().ended
  expect(
    stdout
      .match(/^\w+ +\w+/gm)
      ?.slice(1)
      .map((line) => line.replace(/ +/, ' ')),
  ).toEqual(['lock mutex', 'silent election', 'talking election'])
  expect(stdout).toMatch(new RegExp(`^silent +election +holds +${me}`, 'm'))
})

test('a prefix leaves out all names that do not begin with it', async () => {
  const own = await client()
  for (const name of ['a/one', 'a/two', 'ab', 'b']) await own.mutex(name).acquire()
  const { stdout } = await ls('a/').ended
  expect(stdout.match(/^\S+/gm)).toEqual(['NAME', 'a/one', 'a/two'])
})

test('if nobody holds or waits, it says so on stderr, and succeeds', async () => {
  const hold = await (await client()).mutex('a').acquire()
  await hold.release()
  expect(await ls().ended).toEqual({ status: 0, stdout: '', stderr: 'leasehold: nobody holds or waits\n' })
})

test('--json is one document, with tokens as strings and null for what is not known', async () => {
  const own = await client()
  const hold = await own.mutex('deploy').acquire()
  const term = await own.election('leader').campaign({ value: 'http://10.0.0.1/' })
  await waitFor('deploy', 1)

  const { stdout } = await ls('--json').ended

  const { url, names } = JSON.parse(stdout)
  expect(url).toBe(own.url)
  expect(names.map(({ name }: { name: string }) => name)).toEqual(['deploy', 'leader'])
  const [{ holders, waiters, ...deploy }, leader] = names
  expect(deploy).toEqual({ name: 'deploy', kind: 'mutex', permits: 1 })
  expect(holders).toMatchObject([{ pid: process.pid, token: String(hold.token), ttlLeftMs: null }])
  expect(Math.abs(Date.parse(holders[0].since) - Date.now())).toBeLessThan(60_000)
  expect(waiters).toMatchObject([{ pid: process.pid }])
  const candidate = { value: 'http://10.0.0.1/', host: null, pid: null, since: null }
  expect(leader.holders).toMatchObject([{ ...candidate, token: String(term.token) }])
})

test('cron jobs are shown below the claims with their last tick, its host and its end', async () => {
  const own = await client()
  await own.mutex('deploy').acquire()
  await own.mutex('other').run((hold) => hold.checkpoint('page 7'))
  const tick = new Date('2026-03-01T08:00:00Z')
  await own.cron('nightly', {}).run(() => {}, { tick })
  let end = (): void => {}
  const running = own.cron('now', {}).run(() => new Promise<void>((resolve) => (end = resolve)), { tick })
  await expect.poll(async () => (await own.cronJobs('n')).length).toBe(2)

  const { status, stdout } = await ls().ended
  const { cronJobs } = JSON.parse((await ls('--json').ended).stdout)
  const { stdout: some } = await ls('nig').ended

  const [claims = '', jobs = ''] = stdout.split('\n\n')
  expect(claims).toMatch(/^NAME .*\ndeploy .*\nnow .*$/)
  const at = '2026-03-01T08:00:00Z'
  expect(jobs).toMatch(
    new RegExp(
      `^CRON JOB +LAST TICK +WHO +BEGAN +ENDED\nnightly +${at} +${me} +${time} +${time}\nnow +${at} +${me} +${time} +no\n$`,
    ),
  )
  const ran = { tick: tick.toISOString(), pid: process.pid, since: expect.any(String) }
  expect(cronJobs).toMatchObject([
    { name: 'nightly', ...ran, done: true, ended: expect.any(String) },
    { name: 'now', ...ran, done: false, ended: null },
  ])
  expect(some).toMatch(/^CRON JOB .*\nnightly .*\n$/)
  expect(status).toBe(0)
  end()
  await running
})

test('--json without a name is a document, too', async () => {
  expect(JSON.parse((await ls('--json').ended).stdout).names).toEqual([])
})

test('the text of a holder is escaped when an error names the holder after a wait', async () => {
  const value = JSON.stringify({ host: 'web\x1b[2J', pid: 7 })
  await (await client()).election('a').campaign({ value })
  const { stderr } = await leasehold(['run', 'a', '--try', '--', 'true'], { env }).ended
  expect(stderr).toContain('held by web\\u001b[2J (pid 7)')
})

test('texts of other clients are shown unchanged, except characters that a terminal obeys', async () => {
  const value = '\x1b[2J\x9b31mred\u202egnp\nnext \ud83d\udd12'
  await (await client()).election('a').campaign({ value })

  const { stdout } = await ls().ended
  const { stdout: document } = await ls('--json').ended

  expect(stdout).toContain('\\u001b[2J\\u009b31mred\\u202egnp\\u000anext \ud83d\udd12')
  expect(stdout.split('\n')).toHaveLength(3)
  for (const text of [stdout, document]) expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
  expect(JSON.parse(document).names[0].holders[0].value).toBe(value)
})

test('--watch prints again after each change, and only then, until Ctrl-C', async () => {
  const own = await client()
  const first = await own.mutex('one').acquire()
  const run = ls('--watch')
  await run.says(/one +mutex +holds/)
  await new Promise((resolve) => setTimeout(resolve, 4_500)) // nothing may be told
  expect(run.stdout.match(/^NAME/gm)).toHaveLength(1)
  const hold = await own.mutex('two').acquire()
  await run.says(/two +mutex +holds/)
  await first.release()
  await hold.release()
  await run.says(/nobody holds or waits/)
  run.signal('SIGINT')

  const { status, stdout } = await run.ended
  expect(status).toBe(0)
  expect(stdout.match(/^NAME/gm)?.length).toBeLessThanOrEqual(3)
  expect(stdout.match(/^one .*\n\nNAME/gm)).toHaveLength(1)
})

test('--watch --json prints one document on each line', async () => {
  const own = await client()
  await own.mutex('one').acquire()
  const run = ls('--watch', '--json')
  await run.says(/"one"/)
  await own.mutex('two').acquire()
  await run.says(/"two"/)
  run.signal('SIGINT')
  const { status, stdout } = await run.ended
  const documents = stdout.trimEnd().split('\n')
  const names = documents.map((line) => JSON.parse(line).names.map(({ name }: { name: string }) => name))
  expect(names).toEqual([['one'], ['one', 'two']])
  expect(status).toBe(0)
})

test('on a terminal --watch redraws in place, no more lines than fit, until Ctrl-C', async () => {
  const own = await client()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await own.mutex(name).acquire()
  const command = `stty rows 6 cols 30; exec '${process.execPath}' '${program()}' ls --watch`
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], { env: { ...process.env, ...env } })
  onTestFinished(() => void terminal.kill())
  const ended = once(terminal, 'close')
  let shown = ''
  terminal.stdout.on('data', (text) => (shown += text))
  const frames = (): string[] => shown.split('\x1b[H').slice(1)

  await expect.poll(() => frames().length, { timeout: 15_000 }).toBe(1)
  const hold = await own.mutex('0').acquire()
  await expect.poll(() => frames().at(-1), { timeout: 15_000 }).toMatch(/^NAME.*\r\n0 .*\r\n.*\r\n.* 4 more/)
  terminal.stdin.write('\x03')

  const [status] = await ended
  for (const frame of frames()) {
    const lines = frame.replaceAll('\x1b[K', '').split('\r\n')
    expect(lines).toHaveLength(5)
    for (const line of lines.slice(0, 4)) expect(line.length).toBeLessThanOrEqual(30)
  }
  expect({ status, held: hold.held }).toEqual({ status: 0, held: true })
})

test('a store that is not there exits 69, and a prefix that no name has exits 64', async () => {
  const gone = await leasehold(['ls', '--url', 'etcd://root:hunter2@127.0.0.1:1/']).ended
  const away = await leasehold(['ls', '--url', 'etcd://127.0.0.1:1/']).ended
  const bad = await ls('a\nb').ended
  expect(gone.status).toBeGreaterThanOrEqual(64)
  expect(gone.stderr).not.toContain('hunter2')
  expect(away).toMatchObject({ status: 69, stderr: expect.stringMatching(/^leasehold: .*127\.0\.0\.1:1/) })
  expect(bad).toMatchObject({ status: 64, stderr: expect.stringMatching(/prefix: "a\\nb" has a control/) })
})

test('columns stay aligned if letters of names and holders are two columns wide', () => {
  const claim = (value: string) => ({ session: 's', held: true, value, token: 7n })
  const states = ['ascii', '夜間報告', 'ＡＢ', 'é', '🔒'].map((name) => ({
    name,
    permits: 1,
    claims: [claim(name)],
  }))
  const lines = table(states).trimEnd().split('\n')
  const before = lines.map((line) => widthOf(/^.*?(?=KIND|election)/.exec(line)?.[0]))
  expect(new Set(before).size).toBe(1)
  for (const line of lines) expect(widthOf(fitted(line, 11))).toBeLessThanOrEqual(11)
  expect(fitted('夜間報告', 5)).toBe('夜間')
})

test('a document of many large values stays short enough to be written', () => {
  const value = 'x'.repeat(1_000_000)
  const claims = Array.from({ length: 700 }, () => ({ session: 's', held: true, value, token: 7n }))
  const text = printableJson(documentOf('memory:', [{ name: 'a', permits: 700, claims }]))
  expect(text.length).toBeLessThan(4_000_000)
})
