// Calls of one client that wait for one another: what `onWait` reports to them, and what their time-out says.
import { expect, test } from 'vitest'
import { Scope } from '../../src/base/scope.ts'
import { Lines } from '../../src/core/local-queue.ts'
import { never, scene } from '../election/scene.ts'
import { settle } from './manual-clock.ts'

test('a call that waits for other calls of its client hears how many are ahead, whenever that changes', async () => {
  const { one } = await scene()
  const lock = one.mutex('a')
  const hold = await lock.acquire()
  const heard: Record<string, number[]> = { second: [], third: [] }
  const enough = new AbortController()
  const second = lock.acquire({ signal: enough.signal, onWait: (ahead) => heard.second?.push(ahead) })
  const third = lock.acquire({ onWait: (ahead) => heard.third?.push(ahead) })
  await settle()
  expect(heard).toEqual({ second: [1], third: [2] })
  enough.abort('enough')
  await expect(second).rejects.toBe('enough')
  expect(heard).toEqual({ second: [1], third: [2, 1] })
  await hold.release()
  await (await third).release()
  expect(heard).toEqual({ second: [1], third: [2, 1] })
})

test('the time-out of a call behind other calls of its client says that the client itself is in the way', async () => {
  const { clock, one, other } = await scene()
  const hold = await one.mutex('a').acquire()
  const mine = expect(one.mutex('a').acquire({ waitMs: 50 })).rejects.toThrow(
    /another call of this client has it/,
  )
  const theirs = expect(other.mutex('a').acquire({ waitMs: 50 })).rejects.toThrow(/^(?!.*of this client)/)
  await clock.advance(50)
  await Promise.all([mine, theirs])
  await hold.release()
})

test('an error of onWait ends the wait, also behind other calls of the same client', async () => {
  const { one } = await scene()
  const hold = await one.mutex('a').acquire()
  const onWait = (): Promise<never> => Promise.reject('no pager')
  await expect(one.mutex('a').acquire({ onWait })).rejects.toBe('no pager')
  await hold.release()
  await (await one.mutex('a').acquire()).release()
})

test('a client that campaigns for its own leadership learns that it waits, and is warned after a time to live', async () => {
  const { clock, one } = await scene()
  const warnings: unknown[] = []
  const warned = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', warned)
  const term = await one.election('a').campaign()
  const heard: number[] = []
  const next = one.election('a').campaign({ onWait: (ahead) => heard.push(ahead) })
  await clock.advance(11_999)
  expect([heard, warnings]).toEqual([[1], []])
  await clock.advance(1)
  await settle()
  process.off('warning', warned)
  expect(warnings).toEqual([
    expect.stringMatching(/^a campaign for "a" does not reach the store: .* wait for one another$/),
  ])
  await term.resign()
  await (await next).resign()
  await one.close()
})

test('a client that campaigns right after a loss, while the lost term is withdrawn, is not warned', async () => {
  const here = await scene()
  const { clock, one, truth, store } = here
  const warnings: unknown[] = []
  const warned = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', warned)
  const term = await one.election('a').campaign()
  const held = await truth.line('a', never)
  await truth.break('a', held[0]?.token as bigint, never)
  store.faults.set('withdraw', 'refuse')
  await clock.advance(6_000)
  expect(term.held).toBe(false)
  const next = one.election('a').campaign()
  await clock.advance(2_000)
  store.faults.clear()
  await clock.advance(30_000)
  await (await next).resign()
  process.off('warning', warned)
  expect(warnings).toEqual([])
})

/** The processor time in µs that each of so many calls of one client takes to begin to wait for a name, and to give up. */
function waitingCostUs(calls: number): number {
  const [lines, wish] = [new Lines(), { name: 'a', permits: 1, weight: 1 }]
  lines.enter(wish, true, new Scope())
  const scopes = Array.from({ length: calls }, () => new Scope())
  const before = process.cpuUsage()
  for (const scope of scopes) Promise.resolve(lines.enter(wish, true, scope)).catch(() => {})
  for (const scope of scopes) scope.end('enough')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

test('20,000 calls of one client that wait for a name and give up cost less than 60 µs of processor time each', () => {
  let leastUs = Number.POSITIVE_INFINITY // other programs take time of the processor, too
  for (let tries = 0; tries < 3 && leastUs >= 60; tries += 1)
    leastUs = Math.min(leastUs, waitingCostUs(20_000))
  expect(leastUs).toBeLessThan(60)
})
