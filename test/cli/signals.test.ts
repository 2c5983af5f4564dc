// Signals: to a command that runs, to leasehold while it waits for the lock, and those of a terminal.
import { constants } from 'node:os'
import { beforeEach, expect, test } from 'vitest'
import { leasehold, processState, type Run, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

function telltale(): Run {
  // INT and QUIT are ignored in the background jobs of a shell, and then cannot be trapped: so node starts
  // the child.
  const node = `
    const { spawn } = require('node:child_process')
    const tell = (who) => ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGTERM']
      .forEach((name) => process.on(name, () => {
        console.log(who, name)
        if (name === 'SIGTERM') setTimeout(() => process.exit(3), 50)
      }))
    if (process.argv[1]) tell('child'), console.log('ready'), setInterval(() => {}, 1000)
    else tell('leader'), spawn(process.execPath, ['-e', process.env.SCRIPT, 'child'], { stdio: 'inherit' })`
  return leasehold(['run', 'x', '--', process.execPath, '-e', node], { env: { ...env, SCRIPT: node } })
}

test.each(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const)(
  '%s reaches every process of the command, which may go on under its lock',
  async (signal) => {
    const run = telltale()
    await run.says(/ready/)
    run.signal(signal)
    await Promise.all([run.says(new RegExp(`leader ${signal}`)), run.says(new RegExp(`child ${signal}`))])
    expect(await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 75 })
    run.signal('SIGTERM')
    const { status, stdout, stderr } = await run.ended
    expect(stdout.match(new RegExp(`child ${signal}`, 'g'))).toHaveLength(1)
    expect({ status, stderr }).toEqual({ status: 3, stderr: '' })
  },
)

test('if a signal ends the command, leasehold exits with its status, and the lock is free', async () => {
  const run = leasehold(['run', 'x', '--', 'sh', '-c', 'echo shell $$; sleep 300'], { env })
  await run.pidOf('shell')
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 143, stderr: '' })
  expect(await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 0 })
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
  '%s while waiting for the lock leaves the line and exits 128+n',
  async (signal) => {
    const first = leasehold(['run', 'x', '--', 'sh', '-c', 'echo shell $$; sleep 300'], { env })
    await first.pidOf('shell')
    const waiting = leasehold(['run', 'x', '--', 'echo', 'ran'], { env })
    await untilWaiting()
    waiting.signal(signal)
    const status = 128 + constants.signals[signal]
    expect(await waiting.ended).toEqual({ status, stdout: '', stderr: '' })
    first.signal('SIGTERM')
    await first.ended
    expect(await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 0 })
  },
)

/** Waits until a claim waits in line. The message of a wait that times out says how many do. */
async function untilWaiting(): Promise<void> {
  const asked = await leasehold(['run', 'x', '--wait', '10ms', '--', 'true'], { env }).ended
  if (!/with [2-9] waiting|with 1 waiting/.test(asked.stderr)) await untilWaiting()
}

test('Ctrl-Z stops the command together with leasehold, and both go on afterwards', async () => {
  // No fork: a shell whose child is stopped before it has become `sleep` waits in another state than `T`.
  const run = leasehold(['run', 'x', '--', 'sh', '-c', 'echo shell $$; exec sleep 300'], { env })
  const pid = await run.pidOf('shell')
  run.signal('SIGTSTP')
  await expect.poll(() => [processState(pid)[0], processState(run.pid)[0]]).toEqual(['T', 'T'])
  run.signal('SIGCONT')
  await expect.poll(() => [processState(pid)[0], processState(run.pid)[0]]).toEqual(['S', 'S'])
  run.signal('SIGTERM')
  expect(await run.ended).toMatchObject({ status: 143, stderr: '' })
})

test('a command that Ctrl-Z stops for longer than its lock lasts gets SIGTERM, and has ended before the next one runs', async () => {
  const script = 'trap "echo told" TERM; echo shell $$; while :; do sleep 0.02; done'
  const run = leasehold(['run', 'x', '--ttl', '2s', '--', 'sh', '-c', script], { env })
  const pid = await run.pidOf('shell')
  run.signal('SIGTSTP')
  await expect.poll(() => processState(run.pid)[0]).toBe('T')
  const next = await leasehold(['run', 'x', '--ttl', '2s', '--', 'ps', '-o', 'stat=', '-p', `${pid}`], {
    env,
  }).ended
  expect(next.stdout).toBe('')
  run.signal('SIGCONT')
  const { status, stdout, stderr } = await run.ended
  expect({ status, stdout }).toEqual({ status: 70, stdout: `shell ${pid}\ntold\n` })
  expect(stderr).toMatch(/^(Terminated\n)?leasehold: hold lost: .*\n$/)
})
