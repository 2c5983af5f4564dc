// The image of docs/deploying.md without Docker: its words run as process 1 of a PID namespace, with and without the init that
// `docker run --init` puts before them.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { toolProgram } from '../../tools/servers/packages.mjs'
import { leasehold, type Run, temporaryFolder } from './leasehold.ts'

const image = /```text\n(FROM .*?)```/s.exec(readFileSync('docs/deploying.md', 'utf8'))?.[1] ?? ''
const setting = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(image)?.[1] ?? ''
const [first, ...words]: string[] = [...JSON.parse(setting('ENTRYPOINT')), ...JSON.parse(setting('CMD'))]

/** The words of `unshare` for a container: process 1 ends with it, and takes all others along. */
const user = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user']
const unshare = ['unshare', ...user, '--pid', '--fork', '--mount-proc', '--kill-child']
const missing = await promisify(execFile)('unshare', [...unshare.slice(1), 'true']).then(
  () => undefined,
  (error: Error) => error.message.trim().replaceAll('\n', ' '),
)
if (missing)
  test(`process 1 of a container is left out, since unshare does not work here: ${missing}`, () => {})
const inContainer: (title: string, run: () => Promise<void>) => void = missing ? () => {} : test

/** The init of Docker, or why it cannot be had here. */
const init = await toolProgram('tini').then(
  ({ file }) => ({ file }),
  ({ message }: Error) => ({ message }),
)

/**
 * The command of the image: it starts a process, whose parent ends at once, so that it becomes an orphan. It prints the
 * state of the orphan until nothing is left of it, and ends by SIGTERM.
 */
const script = `#!/bin/sh
cd "$(dirname "$0")" && mkfifo wake
trap 'echo told to stop; exit 7' TERM
sh -c 'sh -c "read -r word < wake" & echo $! > orphan'
echo now > wake
state() { cut -d ' ' -f 3 "/proc/$(cat orphan)/stat" 2>/dev/null; }
while now=$(state); do echo "orphan: $now"; sleep 0.05; done
echo 'orphan: gone'
sleep 300 &
wait
`

/** Starts the words of the image as process 1, below these. */
function start(...before: readonly string[]): Run {
  const file = join(temporaryFolder(), 'report.sh')
  writeFileSync(file, script, { mode: 0o755 })
  const own = words.map((word) => (word === setting('COPY').split(' ')[1] ? file : word))
  const env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
  return leasehold(own, { env, shell: `exec ${[...unshare, ...before].join(' ')} "$@"` })
}

/** The process id of process 1, as those outside of its container have it. */
const insideOf = ({ pid }: Run): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())

/** Stops it as `docker stop` does, and resolves with the status of the container. */
async function stopped(run: Run): Promise<{ status: number | null; stdout: string; stderr: string }> {
  process.kill(insideOf(run), 'SIGTERM')
  return run.ended
}

test('the image has words and no strings, runs the file that it copies, and its Node is supported', () => {
  const { name, bin, engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(setting('RUN')).toBe(`npm install --global ${name}`)
  expect(Object.keys(bin)).toContain(first)
  expect(words.at(-1)).toBe(setting('COPY').split(' ')[1])
  const [, node = ''] = /^node:(\d+)/.exec(setting('FROM')) ?? []
  expect(Number(node)).toBeGreaterThanOrEqual(Number(/>=(\d+)/.exec(engines.node)?.[1]))
})

inContainer(
  'as process 1 it passes SIGTERM on and exits with the status, but an orphan stays a zombie',
  async () => {
    const run = start()
    await run.says(/(orphan: Z\n){5}/) // an init takes a moment, too
    expect(await stopped(run)).toMatchObject({
      status: 7,
      stdout: expect.stringMatching(/told to stop\n$/),
    })
  },
)

if ('message' in init) test(`docker run --init is left out: ${init.message}`, () => {})
else
  inContainer(
    'below the init of Docker no orphan stays, and SIGTERM and the status pass through both',
    async () => {
      const run = start(init.file, '--')
      await run.says(/orphan: gone\n/)
      expect(await stopped(run)).toMatchObject({
        status: 7,
        stdout: expect.stringMatching(/told to stop\n$/),
      })
    },
  )

inContainer('a Node program as process 1 does not end by SIGTERM unless it has a handler', async () => {
  const program = `process.stdin.on('data', () => console.log('still here')); console.log('begins')`
  const shell = `exec ${unshare.join(' ')} "$1" -e "$PROGRAM"`
  const run = leasehold([], { env: { PROGRAM: program }, shell, open: true })
  await run.says(/begins/)
  process.kill(insideOf(run), 'SIGTERM')
  run.write('\n')
  await run.says(/still here/)
})
