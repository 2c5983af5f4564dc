// A command on a terminal, which `script` makes: it stays in the session and the process group of its caller, as under
// flock or `timeout --foreground`, and still nothing of it outlives the lock.
import { execFileSync } from 'node:child_process'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  isRunning,
  leasehold,
  processState,
  type Run,
  type RunSettings,
  temporaryFolder,
  untilGone,
} from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

function onTerminal(script: string, settings: RunSettings & { options?: string[] } = {}): Run {
  const { options = [], ...rest } = settings
  const args = ['run', 'x', ...options, '--', 'sh', '-c', script]
  return leasehold(args, { env, terminal: true, open: true, ...rest })
}

/** The text that the terminal has shown, with the line ends of a file. */
const shown = (run: Run): string => run.stdout.replaceAll('\r', '')

/** Prints the process id of the `leasehold` that runs this. */
const tellOwn = `echo leasehold $(echo "$LEASEHOLD_HOLDS" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/')`

const isFree = async (): Promise<boolean> =>
  (await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).status === 0

/** As `pidOf`, which does not know the line ends of a terminal. */
async function pidOf(run: Run, word: string): Promise<number> {
  return Number((await run.says(new RegExp(`^${word} (\\d+)\\r?$`, 'm')))[1])
}

describe.runIf(process.platform === 'linux')('on a terminal, the command', () => {
  test('can open it and ask, as ssh and sudo do', async () => {
    const run = onTerminal('echo "ready?"; read -r answer </dev/tty; echo "got $answer"')
    await run.says(/ready\?/)
    run.write('yes\n')
    expect((await run.ended).status).toBe(0)
    expect(shown(run)).toMatch(/^got yes$/m)
  })

  test('has job control if it is a shell', async () => {
    const run = leasehold(['run', 'x', '--', 'sh', '-ic', 'exit 3'], { env, terminal: true, open: true })
    expect((await run.ended).status).toBe(3)
    expect(shown(run)).not.toMatch(/job control/)
  })

  test('is stopped when it reads in the background, and takes nothing of what is typed for the shell', async () => {
    const shell = 'set -m; "$@" & echo job $!; read -r line; echo "shell has $line"; kill -KILL -$!'
    const run = onTerminal(`${tellOwn}; echo command $$; read -r line; echo "command has $line"`, { shell })
    const pid = await pidOf(run, 'command')
    await expect.poll(() => processState(pid)[0]).toBe('T')
    run.write('typed\n')
    await run.ended
    expect(shown(run)).toMatch(/^shell has typed$/m)
    expect(shown(run)).not.toContain('command has')
  })

  test('gets Ctrl-C once, and may go on under its lock', async () => {
    const run = onTerminal(
      'trap "echo told" INT; echo ready; while :; do sleep 0.02; read -r line && exit 3; done',
    )
    await run.says(/ready/)
    run.write('\x03')
    await run.says(/told/)
    expect(await isFree()).toBe(false)
    run.write('end\n')
    expect((await run.ended).status).toBe(3)
    expect(shown(run).match(/^.*told$/gm)).toHaveLength(1)
  })

  test('gets a signal that is sent to leasehold alone, even one that a terminal also sends', async () => {
    const run = onTerminal(`trap "echo told; exit 3" INT; ${tellOwn}; while :; do sleep 0.02; done`)
    process.kill(await pidOf(run, 'leasehold'), 'SIGINT')
    expect((await run.ended).status).toBe(3)
    expect(shown(run).match(/^told$/gm)).toHaveLength(1)
  })

  test('gets a signal that is sent to all processes called leasehold', async () => {
    const run = onTerminal(`trap "echo told; exit 3" TERM; ${tellOwn}; while :; do sleep 0.02; done`)
    const own = await pidOf(run, 'leasehold')
    const pids = execFileSync('ps', ['-A', '-o', 'pid=,args=', '-ww'], { encoding: 'utf8' })
      .split('\n')
      .flatMap((line) => (line.includes(`leasehold-guardian ${own}`) ? [Number.parseInt(line, 10)] : []))
    for (const pid of [...pids, own]) process.kill(pid, 'SIGTERM')
    expect(pids).toHaveLength(1)
    expect((await run.ended).status).toBe(3)
  })

  test('ignores Ctrl-Z if no shell could continue it, and so does leasehold', async () => {
    const run = onTerminal(`${tellOwn}; echo ready; read -r line; exit 3`)
    await pidOf(run, 'leasehold')
    run.write('\x1a')
    await run.says(/\^Z/)
    run.write('end\n')
    expect((await run.ended).status).toBe(3)
  })

  test('is stopped by Ctrl-Z with leasehold, and goes on with it', async () => {
    const shell = 'set -m; "$@"; echo prompt; read -r line; fg; exit $?'
    const run = onTerminal(`${tellOwn}; echo command $$; exec sleep 300`, { shell })
    const pids = [await pidOf(run, 'leasehold'), await pidOf(run, 'command')]
    run.write('\x1a')
    await expect.poll(() => pids.map((pid) => processState(pid)[0])).toEqual(['T', 'T'])
    await run.says(/prompt/)
    run.write('\n')
    await expect.poll(() => pids.map((pid) => processState(pid)[0])).toEqual(['S', 'S'])
    process.kill(pids[0] ?? 0, 'SIGTERM')
    expect((await run.ended).status).toBe(143)
  })
})

describe.runIf(process.platform === 'linux')(
  'on a terminal, nothing of the command outlives its lock',
  () => {
    const deaf = 'trap "" TERM; while :; do sleep 0.05; done'

    test('processes that it leaves running are stopped; its neighbour in a pipeline is not', async () => {
      const shell =
        '"$@" | { while read -r line; do echo "heard $line"; done; sleep 0.5; echo "neighbour lives"; }'
      const left = `(${deaf}) & echo left $!; exit 0`
      const run = onTerminal(left, { shell, options: ['--grace', '100ms'] })
      const [, pid] = await run.says(/heard left (\d+)/)
      await run.ended
      expect(shown(run)).toMatch(/^neighbour lives$/m)
      expect(isRunning(Number(pid))).toBe(false)
    })

    test('also when leasehold is killed, and a process whose parent has ended', async () => {
      const run = onTerminal(
        `sh -c '(${deaf.replaceAll('"', '\\"')}) & echo orphan $!'; echo command $$; ${tellOwn}; ${deaf}`,
      )
      const pids = [await pidOf(run, 'orphan'), await pidOf(run, 'command')]
      process.kill(await pidOf(run, 'leasehold'), 'SIGKILL')
      await Promise.all(pids.map(untilGone))
      expect(await isFree()).toBe(true)
    })

    test('also when leasehold alone is stopped', async () => {
      const run = onTerminal(`echo command $$; ${tellOwn}; ${deaf}`, { options: ['--ttl', '1s'] })
      const pid = await pidOf(run, 'command')
      process.kill(await pidOf(run, 'leasehold'), 'SIGSTOP')
      const next = ['run', 'x', '--ttl', '1s', '--', 'ps', '-o', 'stat=', '-p', String(pid)]
      expect((await leasehold(next, { env }).ended).stdout).toBe('')
    })
  },
)
