// The manifest of a CronJob in docs/cron.md: its command line runs with the real command, in a process whose clock shows the
// time of a tick, as in a Pod that was started a little late.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { clockAhead } from '../../../tools/servers/packages.mjs'
import { leasehold } from '../../cli/leasehold.ts'
import { blocksOf } from '../../documents.ts'

const folder = mkdtempSync(join(tmpdir(), 'leasehold-kubernetes-'))
afterAll(() => rmSync(folder, { recursive: true }))

const [block, ...more] = blocksOf('docs/cron.md').filter(({ language }) => language === 'yaml')
const { spec } = parse(block?.code ?? '')
const pod = spec.jobTemplate.spec.template.spec
const [container] = pod.containers
const [program, ...words]: string[] = [...container.command, ...container.args]
const after = (option: string): string | undefined => words[words.indexOf(option) + 1]

/** Runs the container's command in a folder with such a `nightly.sh`, 20 s after 3 o'clock in Berlin. */
async function startPod(script: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  writeFileSync(join(folder, 'nightly.sh'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, 'nightly.sh'), 0o755)
  const env = {
    ...(await clockAhead(Date.UTC(2026, 6, 2, 1, 0, 20) - Date.now())),
    LEASEHOLD_URL: `file:${join(folder, 'locks')}`,
  }
  return leasehold(words, { env, shell: `cd '${folder}' && exec "$@"` }).ended
}

test('it is one manifest, whose command means the schedule and the time zone that Kubernetes keeps', () => {
  expect(more).toEqual([])
  expect(program).toBe('leasehold')
  expect(after('--schedule')).toBe(spec.schedule)
  expect(after('--tz')).toBe(spec.timeZone)
  expect(container.env.map(({ name }: { name: string }) => name)).toEqual(['LEASEHOLD_URL'])
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(10) // the default of --grace
})

test('of two Pods for one tick one runs the command, and the other one completes without it', async () => {
  const first = await startPod('echo "$LEASEHOLD_TICK"')
  expect(first).toEqual({ status: 0, stdout: '2026-07-02T01:00:00.000Z\n', stderr: '' })
  const second = await startPod('echo "$LEASEHOLD_TICK"')
  expect(second.stdout).toBe('')
  expect(second.stderr).toMatch(/the tick of 2026-07-02T01:00:00\.000Z was run at 2026-07-02T01:00:2/)
  expect(second.status).toBe(0)
})

test('the failure of the command is that of the Pod', async () => {
  rmSync(join(folder, 'locks'), { recursive: true })
  expect((await startPod('exit 3')).status).toBe(3)
})
