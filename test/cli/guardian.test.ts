// Leasehold or its guardian is stopped, hangs or is killed while the command runs: the command is gone before anybody else
// can hold its lock.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  guardiansOf,
  isRunning,
  leasehold,
  processState,
  type Run,
  temporaryFolder,
  untilGone,
} from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const short = ['--ttl', '2s']
/** Prints that it got the signal, and goes on. */
const deaf = ['sh', '-c', 'trap "echo told" TERM; echo deaf $$; while :; do sleep 0.02; done']

/** Waits for the lock, and returns which of these processes run at the moment at which it holds. */
async function runningUnderTheNext(...pids: number[]): Promise<string> {
  const script = `for pid; do ps -o pid=,stat= -p "$pid" | grep -v Z; done; exit 0`
  const command = ['sh', '-c', script, 'sh', ...pids.map(String)]
  return (await leasehold(['run', 'x', ...short, '--', ...command], { env }).ended).stdout
}

async function guardianOf(run: Run): Promise<number> {
  const [guardian = 0] = guardiansOf(run)
  expect(guardian).toBeGreaterThan(0)
  return guardian
}

describe('a command that ignores SIGTERM gets it before the deadline, and is gone when the next one holds,', () => {
  test('when leasehold alone is stopped', async () => {
    const run = leasehold(['run', 'x', ...short, '--', ...deaf], { env })
    const pid = await run.pidOf('deaf')
    run.signal('SIGSTOP')
    expect(isRunning(pid)).toBe(true)
    expect(await runningUnderTheNext(pid)).toBe('')
    expect(run.stdout).toMatch(/^deaf \d+\ntold\n$/)
    expect(processState(run.pid)[0]).toBe('T')
    run.signal('SIGCONT')
    expect(await run.ended).toMatchObject({ status: 70 })
  })

  test('when the event loop of leasehold hangs', async () => {
    const hang = join(temporaryFolder(), 'hang')
    const preload = `
      import { existsSync } from 'node:fs'
      setInterval(() => { while (existsSync(${JSON.stringify(hang)})); }, 10).unref()`
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(preload)}`
    const run = leasehold(['run', 'x', ...short, '--', ...deaf], { env: { ...env, NODE_OPTIONS } })
    const pid = await run.pidOf('deaf')
    writeFileSync(hang, '')
    expect(await runningUnderTheNext(pid)).toBe('')
    expect(run.stdout).toMatch(/^deaf \d+\ntold\n$/)
    rmSync(hang)
    expect(await run.ended).toMatchObject({ status: 70 })
  })
})

test('a command that ends on SIGTERM has time to do so while leasehold is stopped', async () => {
  const script =
    'trap "echo told; sleep 0.2; echo done; exit 3" TERM; echo tame $$; while :; do sleep 0.02; done'
  const run = leasehold(['run', 'x', '--ttl', '4s', '--', 'sh', '-c', script], { env })
  await run.pidOf('tame')
  run.signal('SIGSTOP')
  await run.says(/^told\ndone$/m)
  run.signal('SIGCONT')
  // Its renewals go on in time; but the command did not end by itself.
  const { status, stderr } = await run.ended
  expect(status).toBe(70)
  expect(stderr).toMatch(
    /leasehold stood still, and the deadline came near|no contact with the store|hold lost/,
  )
})

test('renewals reach the guardian: a command may run for many times to live', async () => {
  const run = leasehold(['run', 'x', ...short, '--', 'sh', '-c', 'sleep 4; echo done'], { env })
  expect(await run.ended).toEqual({ status: 0, stdout: 'done\n', stderr: '' })
})

test('when the guardian is stopped, leasehold stops the command by itself after a loss', async () => {
  const run = leasehold(['run', 'x', ...short, '--grace', '100ms', '--', ...deaf], { env })
  const pid = await run.pidOf('deaf')
  process.kill(await guardianOf(run), 'SIGSTOP')
  const token = (await leasehold(['ls', '--json'], { env }).ended).stdout.match(/"token": "(\d+)"/)?.[1] ?? ''
  await leasehold(['break', 'x', '--token', token], { env }).ended
  expect(await run.ended).toMatchObject({ status: 70, stdout: `deaf ${pid}\ntold\n` })
  expect(isRunning(pid)).toBe(false)
  await expect.poll(() => guardiansOf(run)).toEqual([])
})

test('when the guardian is killed, the command is stopped, the exit is 70, and only then others hold', async () => {
  const run = leasehold(['run', 'x', '--grace', '300ms', '--', ...deaf], { env })
  const pid = await run.pidOf('deaf')
  const next = runningUnderTheNext(pid)
  process.kill(await guardianOf(run), 'SIGKILL')
  const { status, stdout, stderr } = await run.ended
  expect({ status, stdout }).toEqual({ status: 70, stdout: `deaf ${pid}\ntold\n` })
  expect(stderr).toMatch(/^leasehold: the guardian of the command has ended; stopping the command$/m)
  expect(await next).toBe('')
  await untilGone(pid)
})

test('a signal that comes while the command starts reaches it', async () => {
  for (let round = 0; round < 5; round += 1) {
    const run = leasehold(['run', 'x', '--', 'sh', '-c', 'echo shell $$; exec sleep 100'], { env })
    await run.says(/shell/)
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143 })
  }
})

describe('a guardian is started', () => {
  /** Runs leasehold, and says how many guardians it had started by its end. */
  async function guardiansOfRun(...args: string[]): Promise<number> {
    const spawned = join(temporaryFolder(), 'spawned')
    const run = leasehold(args, { env: { ...env, NODE_OPTIONS: noting(spawned) } })
    await run.ended
    return countIn(spawned)
  }

  const [free, other] = [
    ['--', 'true'],
    ['--schedule', '* * * * *'],
  ]

  test('for each command that runs, also one of cron', async () => {
    expect(await guardiansOfRun('run', 'x', ...free)).toBe(1)
    expect(await guardiansOfRun('cron', 'x', ...other, '--now', ...free)).toBe(1)
  })

  test('for nothing else: not for a lock that is not free, and not for a call that runs no command', async () => {
    const holder = leasehold(['run', 'x', '--', 'sh', '-c', 'echo held; cat'], { env, open: true })
    await holder.says(/held/)
    const runs = [
      ['run', 'x', '--try', ...free],
      ['cron', 'y', '--schedule', '0 0 29 2 *', '--ahead', '1s', ...free],
      ['cron', 'y', ...other, '--dry-run'],
      ['cron', 'y', '--reset'],
    ]
    const counts = await Promise.all(runs.map((args) => guardiansOfRun(...args)))
    expect(counts).toEqual([0, 0, 0, 0])
  })

  test('for a candidate only when it leads', async () => {
    const spawned = join(temporaryFolder(), 'spawned')
    const leader = leasehold(['lead', 'x', '--', 'sh', '-c', 'echo leads; cat'], { env, open: true })
    await leader.says(/leads/)
    const standby = leasehold(['lead', 'x', '--', 'echo', 'next'], {
      env: { ...env, NODE_OPTIONS: noting(spawned) },
    })
    await untilOneWaits()
    expect(countIn(spawned)).toBe(0)
    leader.signal('SIGTERM')
    expect((await standby.ended).stdout).toBe('next\n')
    expect(countIn(spawned)).toBe(1)
  })
})

/** Resolves when one candidate waits for "x". */
async function untilOneWaits(): Promise<void> {
  const { stderr } = await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended
  if (!stderr.includes('with 1 waiting')) await untilOneWaits()
}

/** Options of Node that note each guardian that this process starts. */
function noting(file: string): string {
  const preload = `
    import child from 'node:child_process'
    import { appendFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const { spawn } = child
    child.spawn = (program, args, options) => {
      if (args.includes('leasehold-guardian')) appendFileSync(${JSON.stringify(file)}, 'guardian\\n')
      return spawn(program, args, options)
    }
    syncBuiltinESMExports()`
  return `--import=data:text/javascript,${encodeURIComponent(preload)}`
}

function countIn(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
}
