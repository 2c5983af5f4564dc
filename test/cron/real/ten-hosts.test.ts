// Ten processes on a real store: nine whose clocks are off by up to a third of an interval, and one that is ten years ahead.
// The store is away for three ticks. With LEASEHOLD_TICK_SECONDS=60 the clocks are off by up to 20 s. LEASEHOLD_FIGURES=1
// prints the account.
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { clockAhead } from '../../../tools/servers/packages.mjs'
import { until } from '../../../tools/servers/wait.mjs'
import { useBuild } from '../../servers/build.ts'
import { allUp, type CronHost, skews, startHost, tableOf, tenYearsMs } from '../../servers/cron-hosts.ts'
import { realStores } from '../../servers/real-stores.ts'

const seconds = Number(process.env.LEASEHOLD_TICK_SECONDS ?? 3)
const everyMs = seconds * 1_000
const schedule = seconds < 60 ? `*/${seconds} * * * * *` : `0 */${seconds / 60} * * * *`
/** The time that a host may need after an outage: the rests between its tries, and a new session. */
const recoveryMs = 10_000
const iso = (ms: number): string => new Date(ms).toISOString()

// On a fresh clone each of the hosts would fetch libfaketime, all at once.
beforeAll(() => clockAhead(0))

const hosts: CronHost[] = []
afterEach(() => {
  for (const host of hosts.splice(0)) host.kill()
})

const skewsMs = skews.map((part) => Math.round(part * everyMs))
/** The time of the fastest host. */
const fastest = (): number => Date.now() + Math.max(...skewsMs)
/** Waits for a time of the fastest host. */
const untilTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms - fastest()))
const ranBy = (group: readonly CronHost[], from: number): boolean =>
  group.some(({ ran }) => ran.some((at) => at >= from))

describe.each(realStores)('$title', ({ title, use }) => {
  const built = useBuild()
  const store = use()

  test('each tick runs once or is told once, through an outage of three ticks, and no clock silences the job', {
    timeout: 20 * everyMs + 90_000,
  }, async () => {
    const client = await store.client('ten')
    const guard = client.cron('ten', { schedule, timezone: 'UTC' })
    const place = { index: built.index, url: store.url('ten'), name: 'ten', schedule }
    const wait = { deadlineMs: 3 * everyMs + 20_000 }
    const sound = await Promise.all(skewsMs.map((skewMs) => startHost(place, skewMs)))
    hosts.push(...sound)
    await allUp(sound)
    const fast = sound.slice(-1)
    await until(async () => ranBy(fast, 0), { ...wait, describe: () => 'a tick of the fastest host' })
    const began = fast[0]?.ran[0] ?? 0

    const wrong = await startHost(place, tenYearsMs)
    hosts.push(wrong)
    const untold = (): CronHost[] => sound.filter((host) => host.told('ClockError').length === 0)
    await until(async () => untold().length === 0, {
      ...wait,
      describe: () => `the wrong clock is told by each host: not by ${untold().map(({ skewMs }) => skewMs)}`,
    })
    const toldAt = fastest()
    await until(async () => ranBy(sound, toldAt), { ...wait, describe: () => 'a tick beside it' })

    const away = Math.ceil(fastest() / everyMs) * everyMs // the last tick before the outage
    await untilTime(away + 0.4 * everyMs)
    await store.member.kill()
    const gone = Date.now()
    await untilTime(away + 3.1 * everyMs) // ticks 1, 2 and 3 have come
    const returns = Date.now()
    await store.member.restart()
    const back = fastest()
    await until(async () => ranBy(sound, away + 5 * everyMs), {
      ...wait,
      describe: () => 'ticks after the outage',
    })

    await wrong.end()
    const forgotten = await guard.reset()
    const tidy = fastest()
    const toldBefore = sound.map((host) => host.told('ClockError').length)
    await until(async () => ranBy(sound, tidy + 2 * everyMs), {
      ...wait,
      describe: () => 'ticks after the reset',
    })
    const statuses = await Promise.all(sound.map((host) => host.end()))

    const table = tableOf(sound, everyMs).filter(({ at }) => at >= began)
    const notRun = table.filter(({ ran }) => ran === 0).map(({ at }) => at)
    const ranAt = [...sound, wrong].flatMap((host) => host.ranAt)
    if (process.env.LEASEHOLD_FIGURES) process.stderr.write(`${account()}\n`)
    expect(table.filter(({ ran, told }) => ran + told !== 1)).toEqual([])
    expect(notRun.filter((at) => at < away || at + everyMs > back + recoveryMs)).toEqual([])
    expect(ranAt.filter((at) => at > gone && at < returns)).toEqual([])
    expect(sound.some((host) => host.told('UnavailableError').length > 0)).toBe(true)
    expect(sound.map((host) => host.told('ClockError').length)).toEqual(toldBefore)
    expect(new Set(wrong.ran).size).toBe(wrong.ran.length)
    expect(wrong.ran.filter((at) => at < Date.now() + tenYearsMs / 2)).toEqual([])
    const reset = forgotten.map(({ tick }) => tick.getTime())
    expect(reset).toContain(wrong.ran.at(-1))
    expect(reset.filter((at) => !wrong.ran.includes(at))).toEqual([])
    expect(statuses).toEqual(sound.map(() => 0))
    expect([...sound, wrong].map(({ stderr }) => stderr).join('')).toBe('')

    function account(): string {
      const all = [...sound, wrong]
      const missed = table.filter(({ told }) => told > 0).map(({ at }) => iso(at))
      return [
        `${title}: a tick each ${seconds} s from ${iso(table[0]?.at ?? 0)} on: ${table.length} ticks, of which`,
        `  ran once ${table.filter(({ ran }) => ran === 1).length}, ran twice ${table.filter(({ ran }) => ran > 1).length}, told as missed once ${table.filter(({ ran, told }) => ran === 0 && told === 1).length} (${missed}), neither ${table.filter(({ ran, told }) => ran + told === 0).length}`,
        `  the store was away from ${iso(away + 0.4 * everyMs)} to ${iso(back)} of the fastest clock`,
        ...all.map((host) => {
          const { skewMs, ran, missed } = host
          const told = ['UnavailableError', 'ClockError', 'TickLostError', 'HoldLostError'].map(
            (name) => `${name} ${host.told(name).length}`,
          )
          return `  host at ${skewMs / 1_000} s: ran ${ran.length}, told ${missed.length} missed, ${told.join(', ')}`
        }),
        `  reset forgot ${forgotten.map(({ tick, by }) => `${tick.toISOString()} of pid ${by.pid}`)}`,
        `  e.g. ${sound[4]?.told('ClockError').at(-1)}`,
      ].join('\n')
    }
  })
})
