// The unit file of docs/command.md, done by hand as systemd does it: its ExecStart is run, and stopped as its KillMode says.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseDuration } from '../../src/cli/duration.ts'
import { guardiansOf, leasehold, temporaryFolder, untilGone } from './leasehold.ts'

const unit = /```ini\n(.*?)```/s.exec(readFileSync('docs/command.md', 'utf8'))?.[1] ?? ''
const setting = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
const [, ...words] = setting('ExecStart').split(' ')
const options = words.slice(0, words.indexOf('--'))

test('the unit kills what is left only after the grace of its own command line', () => {
  const graceMs = parseDuration(options[options.indexOf('--grace') + 1] ?? '')
  expect(graceMs).toBeGreaterThan(0)
  expect(parseDuration(setting('TimeoutStopSec'))).toBeGreaterThan(graceMs)
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
