// Calls of one client that wait for one another: what they hear, and what their time-out says.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { scene } from '../election/scene.ts'
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

test('its time-out says that the client itself is in the way', async () => {
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

test('an error of onWait while it waits for its own client ends the wait', async () => {
  const { one } = await scene()
  const hold = await one.mutex('a').acquire()
  const onWait = (): Promise<never> => Promise.reject('no pager')
  await expect(one.mutex('a').acquire({ onWait })).rejects.toBe('no pager')
  await hold.release()
  await (await one.mutex('a').acquire()).release()
})

test('a client that campaigns where it leads is warned, and hears that it waits', async () => {
  const { one } = await scene()
  const term = await one.election('a').campaign()
  const warned = once(process, 'warning')
  const heard: number[] = []
  const next = one.election('a').campaign({ onWait: (ahead) => heard.push(ahead) })
  expect(String((await warned)[0])).toMatch(
    /a campaign for "a" does not reach the store: .* wait for one another/,
  )
  expect(heard).toEqual([1])
  await term.resign()
  await (await next).resign()
})
