// The unit file of docs/deploying.md, done by hand as systemd does it: its ExecStart is run, stopped as its KillMode says,
// and heard on its notification socket.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { parseDuration } from '../../src/cli/duration.ts'
import { guardiansOf, leasehold, temporaryFolder, untilGone } from './leasehold.ts'

const execute = promisify(execFile)
const unit = /```ini\n(.*?)```/s.exec(readFileSync('docs/deploying.md', 'utf8'))?.[1] ?? ''
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
const [, ...words] = setting('ExecStart').split(' ')
const options = words.slice(0, words.indexOf('--'))

/** Whether the machine has all of these programs. */
async function has(...commands: readonly (readonly [string, ...string[]])[]): Promise<boolean> {
  const tried = commands.map(([file, ...args]) => execute(file, args))
  return (await Promise.allSettled(tried)).every(({ status }) => status === 'fulfilled')
}

test('the unit kills remaining processes only after the grace of its own command line', () => {
  const graceMs = parseDuration(options[options.indexOf('--grace') + 1] ?? '')
  expect(graceMs).toBeGreaterThan(0)
  expect(parseDuration(setting('TimeoutStopSec'))).toBeGreaterThan(graceMs)
})

const canVerify = await has(['systemd-analyze', '--version'])
test.runIf(canVerify)('systemd reads the unit without a complaint', async () => {
  const folder = temporaryFolder()
  const shim = join(folder, 'leasehold')
  writeFileSync(shim, '#!/bin/sh\n')
  chmodSync(shim, 0o755)
  const file = join(folder, 'report.service')
  writeFileSync(file, unit.replace('/usr/bin/leasehold', shim))
  const { stdout, stderr } = await execute('systemd-analyze', ['verify', file])
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('report.service'))
  expect(said).toEqual([])
})

test('a stop of the unit sends its command one SIGTERM, waits for its end, and leaves nothing', async () => {
  expect(setting('KillMode')).toBe('mixed') // SIGTERM for the main process, SIGKILL for all that is left
  const script =
    'trap "echo told; n=1" TERM; echo job $$; until [ "$n" ]; do sleep 0.02; done; sleep 0.5; echo saved'
  const url = `file:${temporaryFolder()}`
  const run = leasehold([...options, '--url', url, '--', 'sh', '-c', script])
  const pid = await run.pidOf('job')
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 0, stdout: `job ${pid}\ntold\nsaved\n` })
  await untilGone(pid)
  await expect.poll(() => guardiansOf(run)).toEqual([])
})

test('a stop of the unit is a success, also where SIGTERM ends the command', async () => {
  const url = `file:${temporaryFolder()}`
  const run = leasehold([...options, '--url', url, '--', 'sh', '-c', 'echo job $$; exec sleep 300'])
  await run.pidOf('job')
  run.signal('SIGTERM')
  expect(setting('SuccessExitStatus').split(' ')).toContain(String((await run.ended).status))
})

/** One candidate leads `report`, and the next one stands by under this environment; then the first one ends. */
async function succeed(env: Record<string, string>, standsBy: () => Promise<unknown>): Promise<void> {
  const url = `file:${temporaryFolder()}`
  const command = ['--url', url, '--', 'sh', '-c', 'echo job $$; exec sleep 300']
  const first = leasehold([...options, ...command])
  await first.pidOf('job')
  const second = leasehold([...options, ...command], { env })
  await standsBy()
  expect(second.stdout).toBe('')
  first.signal('SIGTERM')
  await second.pidOf('job')
}

/**
 * A socket as that of systemd, which prints each datagram on a line. Node has no datagram sockets of Unix, so Python
 * opens it, and the real systemd-notify writes to it.
 */
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listens", flush=True)
while True: print(" ".join(s.recv(4096).decode().split("\\n")), flush=True)
`

/** Resolves with a line that has this text. */
function lineOf(child: ChildProcess, text: string): Promise<string> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  return new Promise((resolve) => lines.on('line', (line) => line.includes(text) && resolve(line)))
}

const canListen = await has(['python3', '--version'], ['systemd-notify', '--version'])
test.runIf(canListen)(
  'the unit is ready when its candidate stands by, and its status is the role',
  async () => {
    expect(setting('Type')).toBe('notify')
    expect(setting('NotifyAccess')).toBe('all') // a child of leasehold sends it
    const socket = join(temporaryFolder(), 'notify')
    const child = spawn('python3', ['-c', listener, socket])
    onTestFinished(() => void child.kill())
    await lineOf(child, 'listens')
    const [ready, leads] = [lineOf(child, 'READY=1'), lineOf(child, 'STATUS=leads')]

    await succeed({ NOTIFY_SOCKET: socket }, () => ready)

    expect(await ready).toContain('STATUS=stands by for report')
    expect(await leads).toContain('STATUS=leads report')
  },
)

test('the role is handed to systemd-notify, once for each change', async () => {
  const folder = temporaryFolder()
  const [shim, said] = [join(folder, 'systemd-notify'), join(folder, 'said')]
  writeFileSync(shim, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${said}'\n`)
  chmodSync(shim, 0o755)
  writeFileSync(said, '')
  const env = { NOTIFY_SOCKET: '@here', PATH: `${folder}:${process.env.PATH}` }
  const heard = (): string[] => readFileSync(said, 'utf8').trim().split('\n')

  await succeed(env, () =>
    expect.poll(heard, { timeout: 20_000 }).toEqual(['@here --ready --status=stands by for report']),
  )
  await expect.poll(heard, { timeout: 20_000 }).toHaveLength(2)
  expect(heard().at(1)).toBe('@here --ready --status=leads report')
})

test('a unit whose store is not up yet is not ready, and its stop is a success', async () => {
  expect(setting('TimeoutStartSec')).toBe('infinity')
  const folder = temporaryFolder()
  const [shim, said] = [join(folder, 'systemd-notify'), join(folder, 'said')]
  writeFileSync(shim, `#!/bin/sh\necho "$*" >> '${said}'\n`)
  chmodSync(shim, 0o755)
  writeFileSync(said, '')
  const env = { NOTIFY_SOCKET: '@here', PATH: `${folder}:${process.env.PATH}` }
  const run = leasehold([...options, '--url', 'etcd://127.0.0.1:1/', '--', 'true'], { env })
  await run.says(/it tries again/)
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 0, stdout: '' })
  expect(readFileSync(said, 'utf8')).toBe('')
})
