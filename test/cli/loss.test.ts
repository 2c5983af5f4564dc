// The lock is lost while the command runs: the store reports it, or the store or leasehold itself falls
// silent. On a real etcd, which can be stopped, and whose keys an operator can remove.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { systemClock } from '../../src/base/clock.ts'
import { graceOnLossMs } from '../../src/cli/process/overseer.ts'
import { marginMs, requestMs } from '../../src/core/lifetime.ts'
import { startEtcd } from '../../tools/servers/run.mjs'
import { leasehold, type Run, untilGone } from './leasehold.ts'

let etcd: Awaited<ReturnType<typeof startEtcd>>
let env: Record<string, string>
let tests = 0

beforeAll(async () => {
  etcd = await startEtcd({ unsafeNoFsync: true })
})
afterAll(() => etcd.close())
beforeEach(() => {
  tests += 1
  env = { LEASEHOLD_URL: etcd.url(`t${tests}`) }
})

/** Prints a line with the time, in ms since 1970, for each SIGTERM and for each moment that it lives. */
const beats = `
  const who = process.argv[1]
  process.on('SIGTERM', () => {
    console.log(who + ' SIGTERM ' + Date.now())
    if (process.argv[2] === 'tame') process.exit()
  })
  console.log(who + ' ' + process.pid)
  setInterval(() => console.log(who + ' beat ' + Date.now()), 20)`
const family = (manner: string): string[] => [
  'sh',
  '-c',
  'trap : TERM; "$0" -e "$1" grandchild "$2" & "$0" -e "$1" child "$2"; wait',
  process.execPath,
  beats,
  manner,
]

async function start(manner: 'tame' | 'deaf', ...options: string[]): Promise<Run> {
  const run = leasehold(['run', 'x', ...options, '--', ...family(manner)], { env })
  await Promise.all([run.pidOf('child'), run.pidOf('grandchild')])
  return run
}

/** Times in ms since 1970 at which a line of this kind was printed. */
function times(run: Run, kind: string): number[] {
  return [...run.stdout.matchAll(new RegExp(`${kind} (\\d{13})$`, 'gm'))].map(([, ms]) => Number(ms))
}

async function untilAllGone(run: Run): Promise<void> {
  await Promise.all([untilGone(await run.pidOf('child')), untilGone(await run.pidOf('grandchild'))])
}

describe('when leasehold is killed with SIGKILL', () => {
  test('every process of the command gets SIGTERM, since the lock lasts for its time to live', async () => {
    const run = await start('tame')
    run.signal('SIGKILL')
    const { stdout } = await run.ended
    expect(stdout).toMatch(/^child SIGTERM/m)
    expect(stdout).toMatch(/^grandchild SIGTERM/m)
    await untilAllGone(run)
  })

  test('a process that ignores SIGTERM gets SIGKILL after the grace', async () => {
    const run = await start('deaf', '--grace', '300ms')
    run.signal('SIGKILL')
    await untilAllGone(run)
  })
})

describe('when an operator removes the claim', () => {
  test('every process of the command gets SIGTERM at once, and the exit is 70', async () => {
    const run = await start('tame', '--ttl', '3s')
    await etcd.etcdctl(['del', '--prefix', `t${tests}/`])
    const { status, stderr } = await run.ended
    expect(stderr).toMatch(
      /^leasehold: hold lost: the claim on "x" was removed from the store; stopping the command$/m,
    )
    expect(times(run, 'grandchild SIGTERM')).toHaveLength(1)
    expect(status).toBe(70)
    await untilAllGone(run)
  })

  test('processes that ignore SIGTERM get SIGKILL after the grace', async () => {
    const run = await start('deaf', '--ttl', '3s', '--grace', '200ms')
    await etcd.etcdctl(['del', '--prefix', `t${tests}/`])
    expect(await run.ended).toMatchObject({ status: 70 })
    const [told = 0] = times(run, 'grandchild SIGTERM')
    const lived = Math.max(...times(run, 'beat')) - told
    expect(lived).toBeGreaterThan(100)
    expect(lived).toBeLessThan(1_000)
    await untilAllGone(run)
  })
})

describe('when an operator takes leadership away', () => {
  test('the command gets SIGTERM, the candidate leads anew with a larger token, and its end ends it', async () => {
    const script = 'echo leads $$; echo token $LEASEHOLD_TOKEN; exec sleep 300'
    const run = leasehold(['lead', 'x', '--ttl', '3s', '--', 'sh', '-c', script], { env })
    const first = await run.pidOf('leads')
    await etcd.etcdctl(['del', '--prefix', `t${tests}/`])
    await run.says(/token \d+\n[\s\S]*token \d+\n/)
    await untilGone(first)
    expect(run.stderr).toMatch(
      /^leasehold: hold lost: .* was removed .*; stopping the command\nleasehold: "x" is led .* standing for election again\n$/,
    )
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143 })
    const [one = 0, other = 0] = [...run.stdout.matchAll(/token (\d+)/g)].map(([, token]) => Number(token))
    expect(other).toBeGreaterThan(one)
  })
})

describe('when the store falls silent', () => {
  test('a leader stops its command before the deadline, and leads anew when the store is back', async () => {
    const script = 'echo leads $$; exec sleep 300'
    const run = leasehold(['lead', 'x', '--ttl', '2s', '--', 'sh', '-c', script], { env })
    const first = await run.pidOf('leads')
    etcd.members[0].stop()
    try {
      await run.says(/no contact with the store, .*; stopping the command/)
      await untilGone(first)
    } finally {
      etcd.members[0].cont()
    }
    await run.says(/standing for election again/)
    await run.says(/leads \d+\n[\s\S]*leads \d+\n/)
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143 })
  })

  test('SIGTERM goes out before the deadline, SIGKILL by the deadline, and the exit is 70', async () => {
    const run = await start('deaf', '--ttl', '2s')
    etcd.members[0].stop()
    const silent = Date.now()
    try {
      const { status, stderr } = await run.ended
      const exitMs = Date.now()
      const [told = 0] = times(run, 'grandchild SIGTERM')
      const last = Math.max(...times(run, 'beat'))
      expect(stderr).toMatch(/^leasehold: no contact with the store, \d+ ms are left; stopping the command\n/)
      expect(stderr).not.toContain('came back')
      expect(told - silent).toBeGreaterThan(500)
      expect(last - told).toBeGreaterThan(100)
      expect(last - silent).toBeLessThan(2_000 - marginMs(2_000))
      expect(exitMs - last).toBeLessThan(2_500)
      expect(status).toBe(70)
      await untilAllGone(run)
    } finally {
      etcd.members[0].cont()
    }
  })

  test('contact that comes back after SIGTERM takes nothing back: the exit is 70, and says so', async () => {
    const script = 'trap "echo told; read -r _; exit" TERM; echo child $$; while :; do sleep 0.02; done'
    const run = leasehold(['run', 'x', '--ttl', '5s', '--', 'sh', '-c', script], { env, open: true })
    await run.pidOf('child')
    etcd.members[0].stop()
    await run.says(/^told$/m).finally(() => etcd.members[0].cont())
    // Its claim stands again in a store that answers, so another client is refused.
    expect(await leasehold(['run', 'x', '--try', '--', 'true'], { env }).ended).toMatchObject({ status: 75 })
    run.write('\n')
    const { status, stderr } = await run.ended
    expect(stderr).toMatch(
      /no contact .*\n(?:Terminated\n)?leasehold: contact came back after .* told to stop\n/,
    )
    expect(status).toBe(70)
  })

  test('a renewal without an answer stops nothing', async () => {
    const run = await start('tame', '--ttl', '3s')
    etcd.members[0].stop()
    const since = Date.now()
    await expect
      .poll(() => times(run, 'child beat').at(-1) ?? 0, { timeout: 5_000 })
      .toBeGreaterThan(since + 900)
    etcd.members[0].cont()
    await expect
      .poll(() => times(run, 'child beat').at(-1) ?? 0, { timeout: 9_000 })
      .toBeGreaterThan(since + 5_000)
    run.signal('SIGTERM')
    expect(await run.ended).toMatchObject({ stderr: '' })
  })
})

test('when leasehold is stopped beyond the deadline, its command has ended by then, and the exit is 70', async () => {
  const run = await start('deaf', '--ttl', '2s')
  run.signal('SIGSTOP')
  const stopped = Date.now()
  // The next holder proves that the lock is gone.
  const next = await leasehold(['run', 'x', '--ttl', '2s', '--', 'echo', 'ran'], { env }).ended
  expect(next).toMatchObject({ status: 0, stdout: 'ran\n' })
  const last = Math.max(...times(run, 'beat'))
  expect(last - stopped).toBeLessThan(2_000 - marginMs(2_000))
  const [told = 0] = times(run, 'grandchild SIGTERM')
  expect(last - told).toBeGreaterThan(100)
  run.signal('SIGCONT')
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/^leasehold: hold lost: .*\n$/)
  expect(status).toBe(70)
  await untilAllGone(run)
})

const { facts } = await memory().open(systemClock())

test.each([1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 3_600_000])(
  'with a time to live of %d ms, the grace leaves room for one renewal that gets no answer',
  (ttlMs) => {
    const sentAgainMs = ttlMs / 3 + requestMs(ttlMs) + 50
    const graceMs = graceOnLossMs({ ttlMs, facts }, 10_000)
    expect(ttlMs - marginMs(ttlMs) - sentAgainMs).toBeGreaterThanOrEqual(graceMs)
    expect(graceMs).toBeGreaterThan(ttlMs >= 2_000 ? 300 : 100)
  },
)
