// A line of a crontab that a person runs by hand, before its tick or to try it; and a record that a host with a wrong clock
// has left, which a person removes.
import { beforeEach, describe, expect, test } from 'vitest'
import { present, useCrontab, yearly, yearsAgo } from './crontab.ts'
import { leasehold, type Run } from './leasehold.ts'

const hosts = useCrontab()
const { cron, ran } = hosts

describe('a run by hand', () => {
  /** A minute of the day that is eight to nine minutes ahead, so that its tick is too far ahead for as long as a test takes. */
  function soon(): { readonly tick: string; readonly options: string[] } {
    const at = new Date(Math.ceil(Date.now() / 60_000 + 8) * 60_000)
    const schedule = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`
    return { tick: at.toISOString(), options: ['--schedule', schedule, '--tz', 'UTC'] }
  }
  const byHand = (options: string[], command: string[]) =>
    leasehold(['cron', 'x', ...options, '--', ...command], { env: hosts.env })

  test('long before the tick runs nothing, says which tick it would be, and exits 4', async () => {
    const { tick, options } = soon()
    const { status, stdout, stderr } = await byHand(options, ['echo', 'ran']).ended
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' })
    expect(stderr).toMatch(`leasehold: the next tick is that of ${tick}, in `)
    expect(stderr).toMatch(/ [89] minutes: too early to take it, and nothing was run; --now .*\n$/)
    const allowed = await byHand([...options, '--ahead', '10m'], ['sh', '-c', 'echo $LEASEHOLD_TICK']).ended
    expect(allowed).toEqual({ status: 0, stdout: `${tick}\n`, stderr: '' })
  })

  test('with --now runs the command once under the lock, and the tick still comes', async () => {
    const { options } = soon()
    const script = ['sh', '-c', 'echo "$LEASEHOLD_NAME|$LEASEHOLD_TICK"; exit 3']
    expect(await byHand([...options, '--now'], script).ended).toEqual({
      status: 3,
      stdout: 'x|\n',
      stderr: '',
    })
    const tick = await byHand([...options, '--ahead', '10m'], ['echo', 'ran']).ended
    expect(tick).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })

  test('with --dry-run says what would happen, and runs nothing', async () => {
    const { tick, options } = soon()
    const dryRun = (more: string[], command: string[] = []) =>
      leasehold(['cron', 'x', ...more, '--dry-run', ...command], { env: hosts.env }).ended
    expect(await dryRun(options)).toMatchObject({
      status: 4,
      stdout: '',
      stderr: expect.stringContaining(tick),
    })
    await ran(yearsAgo(3))
    const would = await dryRun(yearly, ['--', 'echo', 'ran'])
    expect(would).toMatchObject({ status: 0, stdout: '' })
    expect(would.stderr).toContain('2 ticks since')
    expect(would.stderr).toContain(`the tick of ${present.toISOString()} would run here, now`)
    expect((await cron(['--quiet'], ['echo', 'ran']).ended).stdout).toBe('ran\n')
    expect((await dryRun(yearly)).stderr).toMatch(/^leasehold: the tick of \S+ was run at .*\n$/)
  })
})

describe('a host whose clock is years ahead', () => {
  beforeEach(() => ran(yearsAgo(-10)))
  const wrong = new RegExp(
    `^leasehold: "x": the tick of ${yearsAgo(-10).toISOString()} is on record, taken by .*--reset`,
  )

  test('does not keep the tick from running, and every host says so and exits 78', async () => {
    const first = await cron([], ['echo', 'ran']).ended
    expect(first).toMatchObject({ status: 78, stdout: 'ran\n', stderr: expect.stringMatching(wrong) })
    const second = await cron([], ['echo', 'ran']).ended
    expect(second).toMatchObject({ status: 78, stdout: '', stderr: expect.stringMatching(wrong) })
  })

  test('does not hide the exit status of the command', async () => {
    expect(await cron([], ['sh', '-c', 'exit 7']).ended).toMatchObject({ status: 7 })
  })

  test('leaves nothing on record that --reset does not remove', async () => {
    const reset = (): Run => leasehold(['cron', 'x', '--reset'], { env: hosts.env })
    const first = await reset().ended
    expect(first.stderr).toMatch(
      new RegExp(`^leasehold: forgot the tick of ${yearsAgo(-10).toISOString()}, which was run`),
    )
    expect(first).toMatchObject({ status: 0, stdout: '' })
    expect(await reset().ended).toMatchObject({ status: 0, stderr: 'leasehold: no tick is on record\n' })
    expect(await cron([], ['echo', 'ran']).ended).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })
})
