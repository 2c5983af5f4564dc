// Processes that a command leaves running, and processes after a kill of leasehold itself: none may run without the
// lock.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../src/index.ts'
import { guardiansOf, leasehold, type Run, temporaryFolder, untilGone } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const deaf = `trap '' TERM; echo deaf $$; while :; do sleep 0.05; done`

/** A command that starts `left` in the background and exits with 3 as soon as it is ready. */
function leaving(left: string, ...options: string[]): Run {
  const script = `sh -c "$0" "$1" & until [ -e "$1" ]; do sleep 0.02; done; exit 3`
  const ready = join(temporaryFolder(), 'ready')
  return leasehold(['run', 'x', ...options, '--', 'sh', '-c', script, left, ready], { env })
}

describe('a process that the command leaves in the background', () => {
  test('gets SIGTERM, and the status stays the command’s', async () => {
    const left = 'trap "echo told; exit" TERM; echo left $$; touch "$0"; while :; do sleep 0.02; done'
    const { status, stdout, stderr } = await leaving(left).ended
    expect(stdout).toMatch(/^left \d+\ntold\n$/)
    expect(stderr).toMatch(/^leasehold: the command left processes running.*\n/)
    expect(status).toBe(3)
  })

  test('gets SIGKILL after the grace when it ignores SIGTERM, and the next holder runs only then', async () => {
    const run = leaving(
      'trap "" TERM; echo left $$; touch "$0"; while :; do sleep 0.02; done',
      '--grace',
      '300ms',
    )
    const left = await run.pidOf('left')
    const next = await leasehold(['run', 'x', '--', 'ps', '-o', 'stat=', '-p', String(left)], { env }).ended
    expect(next.stdout).toMatch(/^(Z.*\n)?$/)
    expect(next.stderr).toBe('')
    expect(await run.ended).toMatchObject({ status: 3 })
  })

  test('may end by itself within a moment, as a reader of the command’s output does', async () => {
    const script = `(sleep 0.1; echo late) & exit 0`
    const ending = await leasehold(['run', 'x', '--', 'sh', '-c', script], { env }).ended
    expect(ending).toEqual({ status: 0, stdout: 'late\n', stderr: '' })
  })
})

describe('when leasehold is killed with SIGKILL', () => {
  test('the command is killed at once on a store that then frees the lock at once, whatever signals it ignores', async () => {
    const command = ['sh', '-c', `sh -c "$0" & ${deaf}`, deaf]
    const run = leasehold(['run', 'x', '--grace', '10s', '--', ...command], { env })
    await run.says(/deaf \d+\ndeaf \d+\n/)
    const pids = [...run.stdout.matchAll(/deaf (\d+)/g)].map(([, pid]) => Number(pid))
    const [guardian = 0] = guardiansOf(run)
    expect(guardian).toBeGreaterThan(0)
    await using client = await connect(env.LEASEHOLD_URL)
    const next = client.mutex('x').acquire()
    run.signal('SIGKILL')
    await next
    const taken = performance.now()
    await Promise.all([...pids, guardian].map(untilGone))
    expect(performance.now() - taken).toBeLessThan(1_000) // and not after a grace of seconds
  })

  test('the command is stopped, even if it has only just begun', async () => {
    for (let round = 0; round < 10; round += 1) {
      const run = leasehold(['run', `x${round}`, '--', 'sh', '-c', 'echo begun $$; exec sleep 100'], { env })
      const pid = await run.pidOf('begun')
      run.signal('SIGKILL')
      await untilGone(pid)
    }
  })

  test('the guardian outlives the SIGTERM that a service manager sends to everybody', async () => {
    const run = leasehold(['run', 'x', '--grace', '300ms', '--', 'sh', '-c', deaf], { env })
    const pid = await run.pidOf('deaf')
    const [guardian = 0] = guardiansOf(run)
    for (const each of [guardian, run.pid]) process.kill(each, 'SIGTERM')
    run.signal('SIGKILL')
    await untilGone(pid)
  })
})

describe('after a normal end', () => {
  test('no guardian is left', async () => {
    const run = leasehold(['run', 'x', '--', 'sh', '-c', 'echo shell $$; cat'], { env, input: 'x' })
    await run.ended
    await expect.poll(() => guardiansOf(run)).toEqual([])
  })

  test('no reader of its output has to wait: $(leasehold run …) ends with the command', async () => {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'x=$("$@" 2>&1); echo "got $x"',
      'sh',
      ...(await argv()),
    ])
    expect(stdout).toBe('got ran\n')
  })
})

async function argv(): Promise<string[]> {
  const { program } = await import('./leasehold.ts')
  return [
    'env',
    `LEASEHOLD_URL=${env.LEASEHOLD_URL}`,
    process.execPath,
    program(),
    'run',
    'x',
    '--',
    'echo',
    'ran',
  ]
}
