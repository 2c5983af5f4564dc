// `leasehold doctor` without servers: the folder of a file: store, memory, endpoints that do not answer as their store would,
// and the rules by which a fact becomes a finding.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { file } from '../../src/backends/file/index.ts'
import { parseMounts, troubleOf } from '../../src/backends/file/mounts.ts'
import { clockFinding, offsetOf } from '../../src/backends/shared/clock-offset.ts'
import { faultsOf, isAffected } from '../../src/backends/shared/versions.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Finding } from '../../src/base/finding.ts'
import { diagnose } from '../../src/cli/doctor/diagnosis.ts'
import { judged } from '../../src/cli/doctor/event-loop.ts'
import { timingFindings } from '../../src/cli/doctor/timing.ts'
import { connect } from '../../src/connect.ts'
import type { Facts } from '../../src/contract.ts'
import { leasehold, temporaryFolder } from './leasehold.ts'

const isRoot = process.geteuid?.() === 0

/** The findings about a store. */
async function findingsOf(url: string): Promise<readonly Finding[]> {
  const { signal } = new AbortController()
  return (await diagnose({ url, clock: systemClock(), signal, measuredMs: 0 })).findings
}

const levels = (findings: readonly Finding[]): string[] =>
  findings.map(({ check, about, level }) => `${level} ${check}${about === undefined ? '' : `, ${about}`}`)
const about = (findings: readonly Finding[], what: string): Finding | undefined =>
  findings.find((finding) => finding.about === what)

/** The address of a server that does this to each connection or request. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The address of a server that accepts connections and never says a word. */
function silent(): Promise<string> {
  return listening(createServer((socket) => onTestFinished(() => void socket.destroy())))
}

/** The address of a proxy that answers everything with its own page. */
function proxy(): Promise<string> {
  return listening(createHttpServer((_, response) => response.end('<html><b>Sign in</b></html>')))
}

test('a folder of a store that was used is healthy, and the command exits 0', async () => {
  const directory = temporaryFolder()
  await (await connect(file({ directory }))).close()

  const { status, stdout, stderr } = await leasehold(['doctor', '--url', `file:${directory}`]).ended

  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ok +place, users: this user alone \(owner \d+, group \d+, mode 0700\)$/m)
  expect(stdout).toMatch(/^ok +session: opened in .* ms, renewed in .* ms, ended in .* ms$/m)
  expect(stdout).toMatch(/its lock is free at once; that of a process that hangs is free after 15 s/)
  expect(stdout).toMatch(/\n0 problems, \d warnings?\n$/)
  expect(status).toBe(0)
})

test('a folder that does not exist is named, and is not made', async () => {
  const directory = join(temporaryFolder(), 'a', 'b')
  const findings = await findingsOf(`file:${directory}`)
  expect(about(findings, 'folder')).toMatchObject({ level: 'ok', data: { path: directory, exists: false } })
  expect(findings.some(({ check }) => check === 'session')).toBe(false)
  expect(existsSync(join(directory, '..'))).toBe(false)
})

test('a folder without a database gets none', async () => {
  const directory = temporaryFolder()
  expect(levels(await findingsOf(`file:${directory}`)).filter((line) => /^problem/.test(line))).toEqual([])
  expect(readdirSync(directory)).toEqual([])
})

test.runIf(isRoot)('a folder of another user is a problem, also for root, and names the owner', async () => {
  const directory = temporaryFolder()
  chownSync(directory, 12_345, 12_345)
  chmodSync(directory, 0o700)
  expect(about(await findingsOf(`file:${directory}`), 'users')).toMatchObject({
    level: 'problem',
    text: expect.stringContaining('owner 12345, group 12345, mode 0700'),
    next: expect.stringContaining('run as the user with the id 12345'),
  })
})

test.runIf(isRoot)('a folder that this user cannot see is not said to be missing', async () => {
  const directory = join(temporaryFolder(), 'locks') // the folder above it is for root alone
  mkdirSync(directory)
  process.seteuid?.(12_345)
  const findings = await findingsOf(`file:${directory}`).finally(() => process.seteuid?.(0))
  expect(about(findings, 'folder')?.text).toMatch(/; this user cannot see whether it exists$/)
})

test.each([
  [0o2770, 'note', /shared with the group \d+/],
  [0o1777, 'warning', /shared with every user/],
  [0o777, 'warning', /other users may write into the folder, although/],
])('a folder with the mode %o says which other users can use it', async (mode, level, text) => {
  const directory = join(temporaryFolder(), 'locks')
  mkdirSync(directory)
  chmodSync(directory, mode)
  expect(about(await findingsOf(`file:${directory}`), 'users')).toMatchObject({
    level,
    text: expect.stringMatching(text),
    next: expect.any(String),
  })
})

test('a path below a file is a problem that names the path', async () => {
  const findings = await findingsOf('file:/dev/null/locks')
  expect(findings.filter(({ level }) => level === 'problem')).toMatchObject([
    { check: 'place', text: expect.stringContaining('/dev/null') },
  ])
})

test('a database of another program is a problem, and stays as it is', async () => {
  const directory = temporaryFolder()
  const database = join(directory, 'leasehold.db')
  writeFileSync(database, 'no database at all, but a text of another program')
  const findings = await findingsOf(`file:${directory}`)
  expect(findings.filter(({ level }) => level === 'problem')).toMatchObject([
    { check: 'store', text: expect.stringContaining(`${database} is not a database`) },
  ])
  expect(readFileSync(database, 'utf8')).toMatch(/^no database/)
})

const mountinfo = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw - nfs4 nas:/srv rw
31 30 0:41 / /srv/local\\040disk rw - xfs /dev/sdb rw
40 22 0:50 / /run rw - tmpfs tmpfs rw
41 22 0:51 / /run rw - overlay overlay rw
`

test.each([
  ['/home/locks', 'ext4', undefined],
  ['/srv/locks', 'nfs4', 'network'],
  ['/srv/local disk/locks', 'xfs', undefined],
  ['/srvother', 'ext4', undefined],
  ['/run/locks', 'overlay', 'container'],
])('the file system of %s is %s', (path, type, trouble) => {
  expect(parseMounts(mountinfo, path)?.type).toBe(type)
  expect(troubleOf(type)).toBe(trouble)
})

test('the store in memory says that nobody else can use it', async () => {
  expect(await findingsOf('memory:')).toContainEqual(
    expect.objectContaining({
      check: 'place',
      level: 'note',
      text: expect.stringContaining('no other process'),
    }),
  )
})

test.each(['etcd', 'consul'])(
  '%s: each endpoint is told with its own error, within seconds',
  async (scheme) => {
    const [hangs, page] = [await silent(), await proxy()]
    const began = performance.now()

    const findings = await findingsOf(`${scheme}://${hangs},${page},127.0.0.1:1/`)

    expect(performance.now() - began).toBeLessThan(15_000)
    expect(about(findings, hangs)).toMatchObject({
      level: 'problem',
      text: expect.stringMatching(/no answer within 3000 ms/),
    })
    expect(about(findings, '127.0.0.1:1')).toMatchObject({ text: expect.stringMatching(/ECONNREFUSED/) })
    expect(about(findings, page)).toMatchObject({ level: 'problem' })
    expect(about(findings, page)?.text).not.toContain('\n')
    expect(findings.some(({ check }) => check === 'session' || check === 'permission')).toBe(false)
  },
)

test('a report has its next step under each problem, and exits 1', async () => {
  const { status, stdout, stderr } = await leasehold(['doctor', '--url', 'consul://127.0.0.1:1/'], {
    env: { CONSUL_HTTP_TOKEN: 'hunter2' },
  }).ended
  expect(stdout).toMatch(
    /^problem {2}endpoint, 127\.0\.0\.1:1: connect ECONNREFUSED.*\n {9}-> start the server/m,
  )
  expect(stdout).toMatch(/\n1 problem, 0 warnings\n$/)
  expect(stdout + stderr).not.toContain('hunter2')
  expect(status).toBe(1)
})

test('--json is one document with the shape that docs/command.md promises', async () => {
  const { status, stdout } = await leasehold(['doctor', '--json', '--url', 'memory:']).ended
  const document = JSON.parse(stdout)
  expect(Object.keys(document)).toEqual([
    ...['url', 'from', 'healthy', 'leasehold', 'node', 'platform', 'ttlMs', 'findings'],
  ])
  expect(document).toMatchObject({ url: 'memory:', from: '--url', healthy: true, ttlMs: 15_000 })
  for (const finding of document.findings) {
    expect(Object.keys(finding)).toEqual(['check', 'level', 'about', 'text', 'next', 'data'])
    expect(['ok', 'note', 'warning', 'problem']).toContain(finding.level)
    expect(finding.next === null).toBe(finding.level === 'ok')
  }
  expect(status).toBe(0)
})

test.each([
  [['--url', 'etcd://:x:/'], /--url/],
  [['--ttl', '5'], /--ttl.*'5'/],
  [['a\nb'], /NAME: "a\\nb"/],
  [['--ttl', '1ms'], /--ttl in ms: 1 is out of range/],
])('doctor %j is wrong usage', async (args, message) => {
  const { status, stdout, stderr } = await leasehold(['doctor', ...args]).ended
  expect(stderr).toMatch(message)
  expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
})

const fault = (fixed: string[], since?: string) => {
  return {
    id: 'x',
    level: 'note',
    text: 't',
    next: 'n',
    fixed,
    ...(since === undefined ? {} : { since }),
  } as const
}

test.each([
  ['3.4.20', fault(['3.4.21', '3.5.5']), true],
  ['3.4.21', fault(['3.4.21', '3.5.5']), false],
  ['3.5.4', fault(['3.4.21', '3.5.5']), true],
  ['3.5.16', fault(['3.4.21', '3.5.5']), false],
  ['3.6.0', fault(['3.4.21', '3.5.5']), false],
  ['3.3.27', fault(['3.4.21', '3.5.5']), true],
  ['3.5.2', fault(['3.5.3'], '3.5.0'), true],
  ['3.4.2', fault(['3.5.3'], '3.5.0'), false],
  ['9.9.9', fault([]), true],
  ['1.21.5+ent', fault(['1.21.6'], '1.21.5'), true],
])('whether %s has a fault that %o describes: %s', (version, known, expected) => {
  expect(isAffected(version, known)).toBe(expected)
  expect(faultsOf('etcd', [version, version], [known])).toHaveLength(expected ? 1 : 0)
})

test('several answers leave a small error of the clock, and one answer half a second', () => {
  const noon = Date.parse('2026-03-01T12:00:00Z')
  const date = (ms: number): string => new Date(Math.floor(ms / 1_000) * 1_000).toUTCString()
  /** A server that is 5 seconds ahead, with a trip of 10 ms. */
  const answer = (atMs: number) => {
    return { sentMs: noon + atMs, receivedMs: noon + atMs + 10, date: date(noon + atMs + 5_005) }
  }
  expect(offsetOf([answer(0)])?.boundMs).toBeGreaterThan(450)
  const some = offsetOf([0, 170, 340, 510, 680, 850].map(answer))
  expect(some?.boundMs).toBeLessThan(110)
  expect(Math.abs((some?.offsetMs ?? 0) - 5_000)).toBeLessThanOrEqual(some?.boundMs ?? 0)
  expect(offsetOf([{ sentMs: 0, receivedMs: 1, date: undefined }])).toBeUndefined()
  expect(offsetOf([{ ...answer(0) }, { ...answer(0), date: date(noon + 60_000) }])).toBeUndefined()
})

test('clocks are a finding only if they surely differ by more than 5 seconds', () => {
  const level = (offsetMs: number) => clockFinding('a server', { offsetMs, boundMs: 100 }).level
  expect([5_050, -5_200, 31_000].map(level)).toEqual(['ok', 'warning', 'problem'])
  expect(clockFinding('a server', undefined).level).toBe('note')
})

test('a late event loop is judged by the time between renewals', () => {
  const level = (mostMs: number) => judged({ mostMs, p99Ms: 0 }, 3_000).level
  expect([900, 1_100, 3_100].map(level)).toEqual(['ok', 'warning', 'problem'])
})

const consul: Facts = {
  ...{ scheme: 'consul', ttlMs: { min: 10_000, max: 86_400_000, default: 15_000 }, fair: true },
  ...{ lockDelayMs: 30_000, endsEarly: true, electionMs: 24_000, freesOnCrash: false, answersAtOnce: false },
  ...{ checkpointBytesMax: 1, valueBytesMax: 1 },
}

test('a lock-delay that is too short for an election is a warning, and the one that it names is none', () => {
  expect(timingFindings(15_000, consul, 5).map(({ level }) => level)).toEqual(['ok'])
  const [hold, election] = timingFindings(15_000, { ...consul, lockDelayMs: 20_000 }, 5)
  expect(hold?.data).toMatchObject({ holdMs: 18_000, lockDelayMs: 20_000 })
  expect(election).toMatchObject({ level: 'warning', next: expect.stringContaining('lockDelayMs=') })
  const lockDelayMs = Number(election?.data?.neededMs)
  expect(timingFindings(15_000, { ...consul, lockDelayMs }, 5)).toHaveLength(1)
})

test('a renewal that takes a third of its time limit is a warning', () => {
  expect(timingFindings(15_000, consul, 999).map(({ level }) => level)).toEqual(['ok'])
  expect(timingFindings(15_000, consul, 1_001).map(({ level }) => level)).toEqual(['ok', 'warning'])
})
