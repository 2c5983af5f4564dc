// One client's view of an election: who stands, whether that is itself, and what was left behind; and work for one term.
import { expect, test } from 'vitest'
import { HoldLostError } from '../../src/index.ts'
import { settle } from '../core/manual-clock.ts'
import { depose, isOver, scene, untilAborted } from './scene.ts'

test('a term knows its value and its session, and a client knows which leader it is itself', async () => {
  const { one, other } = await scene()
  const term = await one.election('a').campaign({ value: 'first' })
  const seen = await one.election('a').leader()
  expect(seen).toEqual({ value: 'first', token: term.token, session: term.session, mine: true })
  expect(await other.election('a').leader()).toMatchObject({ session: term.session, mine: false })
  expect(term.value).toBe('first')
  await term.proclaim('second')
  expect(term.value).toBe('second')
  for await (const leader of other.election('a').observe()) {
    expect(leader).toMatchObject({ value: 'second', mine: false })
    break
  }
})

test('candidates are listed in order, with the leader first', async () => {
  const { one, other } = await scene()
  expect(await one.election('a').candidates()).toEqual([])
  await one.election('a').campaign({ value: 'leads' })
  const waiting = other.election('a').campaign({ value: 'waits', priority: 3 })
  waiting.catch(() => {})
  await settle()
  const seen = await other.election('a').candidates()
  expect(seen).toMatchObject([
    { value: 'leads', leads: true, mine: false },
    { value: 'waits', leads: false, mine: true, priority: 3 },
  ])
  expect(seen[0]).not.toHaveProperty('priority')
})

test('the next leader reads the checkpoint of the last one', async () => {
  const { one, other } = await scene()
  expect(await other.election('a').readCheckpoint()).toBeUndefined()
  const term = await one.election('a').campaign()
  await term.checkpoint('page 7')
  await term.resign()
  expect(await other.election('a').readCheckpoint()).toBe('page 7')
})

test('tryCampaign leads if nobody stands, and otherwise leaves nothing behind', async () => {
  const { one, other } = await scene()
  const term = await one.election('a').tryCampaign({ value: 'one' })
  expect(term?.value).toBe('one')
  expect(await other.election('a').tryCampaign()).toBeUndefined()
  expect(await one.election('a').candidates()).toHaveLength(1)
  await term?.resign()
  expect((await other.election('a').tryCampaign())?.held).toBe(true)
})

test('a value may be a function, which is asked before each campaign', async () => {
  const { clock, one, other } = await scene()
  let count = 0
  const value = async (): Promise<string> => `value ${++count}`
  const stop = new AbortController()
  const seen: string[] = []
  const leading = one.election('a').lead(
    async (term) => {
      seen.push(term.value)
      await term.proclaim('proclaimed')
      if (seen.length === 3) stop.abort()
    },
    { value, signal: stop.signal },
  )
  await clock.advance(10_000)
  await leading
  expect(seen).toEqual(['value 1', 'value 2', 'value 3'])
  const wrong = other.election('a').campaign({ value: () => 5 as unknown as string })
  await expect(wrong).rejects.toThrow(new TypeError('value: 5 is not a string'))
  await expect(other.election('a').campaign({ value: async () => Promise.reject('no') })).rejects.toBe('no')
})

test('run works for one term, gives its result or its error, and resigns', async () => {
  const { one, other } = await scene()
  const result = await one.election('a').run((term) => `led as ${term.value}`, { value: 'one' })
  expect(result).toBe('led as one')
  expect(await other.election('a').leader()).toBeUndefined()
  const failure = new Error('the work failed')
  await expect(one.election('a').run(() => Promise.reject(failure))).rejects.toBe(failure)
  expect(await other.election('a').leader()).toBeUndefined()
})

test('the signal of run asks the work to stop, and the term is held until the work has stopped', async () => {
  const { one, other } = await scene()
  const stop = new AbortController()
  let end = (_: string): void => {}
  const running = one.election('a').run(
    async (term) => {
      await untilAborted(term)
      return new Promise<string>((resolve) => {
        end = resolve
      })
    },
    { signal: stop.signal },
  )
  await settle()
  stop.abort()
  await settle()
  expect(await isOver(running)).toBe(false)
  expect(await other.election('a').leader()).toBeDefined()
  end('stopped')
  expect(await running).toBe('stopped')
  expect(await other.election('a').leader()).toBeUndefined()
})

test('run rejects if the term is lost, and if the work outlives its grace', async () => {
  const stage = await scene()
  const lost = stage.one.election('a').run(async (term) => void (await untilAborted(term)))
  lost.catch(() => {})
  await settle()
  await depose(stage)
  await expect(lost).rejects.toBeInstanceOf(HoldLostError)
  const stop = new AbortController()
  const options = { signal: stop.signal, graceMs: 1_000 }
  const stuck = stage.other.election('a').run(() => new Promise(() => {}), options)
  stuck.catch(() => {})
  await settle()
  stop.abort()
  await stage.clock.advance(1_100)
  await expect(stuck).rejects.toMatchObject({ code: 'LEASEHOLD_WORK_STUCK' })
  expect(await stage.one.election('a').leader()).toBeUndefined()
})
