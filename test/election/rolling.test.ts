// The next leader by wish: priorities, a named successor, a candidate that makes room, one that is not eligible.
import { expect, test } from 'vitest'
import { ConflictError, connect, type LeadOptions, type Leasehold, type LedTerm } from '../../src/index.ts'
import { FaultyStore } from '../core/faulty.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'

/** One candidate with a client of its own. */
interface Stander {
  readonly client: Leasehold
  readonly ended: Promise<void>
  readonly stop: () => void
  readonly drain: () => void
  term: LedTerm | undefined
}

class Crew {
  readonly clock: ManualClock = new ManualClock()
  readonly store: FaultyStore = new FaultyStore()
  /** The names of the leaders so far. */
  readonly led: string[] = []

  async stand(name: string, options: LeadOptions = {}): Promise<Stander> {
    const client = await connect(this.store.source, { clock: this.clock, ttlMs: 12_000 })
    const stop = new AbortController()
    const election = client.election('a')
    const work = async (term: LedTerm): Promise<void> => {
      this.led.push(name)
      stander.term = term
      if (!term.signal.aborted)
        await new Promise((resolve) => term.signal.addEventListener('abort', resolve, { once: true }))
      stander.term = undefined
    }
    const ended = election.lead(work, { value: name, signal: stop.signal, onError: () => {}, ...options })
    ended.catch(() => {})
    const stander: Stander = {
      ...{ client, ended, stop: () => stop.abort(), drain: () => election.drain() },
      term: undefined,
    }
    await settle()
    return stander
  }

  async line(): Promise<string[]> {
    const client = await connect(this.store.source, { clock: this.clock })
    const candidates = await client.election('a').candidates()
    return candidates.map(({ value }) => value)
  }
}

test('a candidate of a higher priority goes ahead of those that wait, and not of the leader', async () => {
  const crew = new Crew()
  const leader = await crew.stand('leader', { priority: 1 })
  await crew.stand('low', { priority: 1 })
  await crew.stand('plain')
  await crew.stand('lower', { priority: 0 })
  expect(await crew.line()).toEqual(['leader', 'low', 'plain', 'lower'])
  await crew.stand('high', { priority: 2 })
  await crew.clock.advance(100)
  expect(await crew.line()).toEqual(['leader', 'plain', 'high', 'low', 'lower'])
  expect(crew.led).toEqual(['leader'])
  await crew.stand('as high', { priority: 2 })
  await crew.clock.advance(100)
  expect((await crew.line()).slice(0, 4)).toEqual(['leader', 'plain', 'high', 'as high'])
  leader.stop()
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['leader', 'plain'])
})

test('a leader hands over to the candidate that it names, by its value or its session', async () => {
  const crew = new Crew()
  const first = await crew.stand('first', { priority: 0 })
  const second = await crew.stand('second', { priority: 0 })
  const third = await crew.stand('third', { priority: 0 })
  await first.term?.handOver('third')
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['first', 'third'])
  const [, next, last] = await second.client.election('a').candidates()
  expect([next?.value, last?.value].sort()).toEqual(['first', 'second'])
  const own = (await second.client.election('a').candidates()).find(({ mine }) => mine)
  await third.term?.handOver(own?.session ?? '')
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['first', 'third', 'second'])
})

test('a hand-over to nobody, or past a claim that may not be overtaken, changes nothing and says why', async () => {
  const crew = new Crew()
  const first = await crew.stand('first', { priority: 0 })
  await crew.stand('plain')
  await crew.stand('high', { priority: 7 })
  await crew.stand('last', { priority: 6 })
  await expect(first.term?.handOver('elsewhere')).rejects.toThrow(
    new RangeError(
      'to: no candidate with the value or session "elsewhere" waits for "a"; candidates() shows who does',
    ),
  )
  await expect(first.term?.handOver('high')).rejects.toBeInstanceOf(ConflictError)
  await expect(first.term?.handOver('last')).rejects.toThrow(/has no priority|has a higher priority/)
  await expect(first.term?.handOver('first')).rejects.toThrow(RangeError)
  expect(first.term?.stopping).toBe(false)
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['first'])
  expect(await crew.line()).toEqual(['first', 'plain', 'high', 'last'])
})

test('a hand-over moves all that wait before the named candidate in one step', async () => {
  const crew = new Crew()
  const first = await crew.stand('first', { priority: 0 })
  for (const name of ['second', 'third', 'fourth', 'fifth']) await crew.stand(name, { priority: 0 })
  await first.term?.handOver('fourth')
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['first', 'fourth'])
  const line = await crew.line() // moved one by one, the later ones would stand in line again first
  expect(line.indexOf('second')).toBeLessThan(line.indexOf('third'))
})

test('a term of campaign hands over, too, and is resigned', async () => {
  const crew = new Crew()
  const client = await connect(crew.store.source, { clock: crew.clock, ttlMs: 12_000 })
  const term = await client.election('a').campaign({ value: 'one' })
  await crew.stand('two')
  await term.handOver('two')
  await crew.clock.advance(100)
  expect(term.held).toBe(false)
  expect(crew.led).toEqual(['two'])
})

test('a rolling restart with a priority for each deployment costs one hand-over', async () => {
  const crew = new Crew()
  const old = []
  for (let i = 1; i <= 5; i += 1) old.push(await crew.stand(`old ${i}`, { priority: 1 }))
  for (const [i, each] of old.entries()) {
    await crew.stand(`new ${i + 1}`, { priority: 2 })
    await crew.clock.advance(100)
    each.stop()
    await each.client.close()
    await crew.clock.advance(1_000)
  }
  expect(crew.led).toEqual(['old 1', 'new 1'])
})

test('candidates that make room leave the line; their leader goes on until another one waits', async () => {
  const crew = new Crew()
  const old = []
  for (let i = 1; i <= 3; i += 1) old.push(await crew.stand(`old ${i}`))
  for (const each of old) each.drain()
  await crew.clock.advance(5_000)
  expect(await crew.line()).toEqual(['old 1'])
  expect(crew.led).toEqual(['old 1'])
  await crew.stand('new')
  await crew.clock.advance(2_000)
  expect(crew.led).toEqual(['old 1', 'new'])
  await crew.clock.advance(20_000)
  expect(await crew.line()).toEqual(['new'])
})

test('a leader that makes room gives way after 10 s to one that waited before', async () => {
  const crew = new Crew()
  const first = await crew.stand('first')
  await crew.stand('second')
  first.drain()
  await crew.clock.advance(9_000)
  expect(crew.led).toEqual(['first'])
  await crew.clock.advance(2_000)
  expect(crew.led).toEqual(['first', 'second'])
})

test('a candidate that makes room leads if nobody else does, and gives way again', async () => {
  const crew = new Crew()
  const first = await crew.stand('first')
  const reserve = await crew.stand('reserve')
  reserve.drain()
  await crew.clock.advance(3_000)
  first.stop()
  await crew.clock.advance(3_000)
  expect(crew.led).toEqual(['first', 'reserve'])
  await crew.stand('other')
  await crew.clock.advance(3_000)
  expect(crew.led).toEqual(['first', 'reserve', 'other'])
})

test('a candidate that is not eligible is not in line, and stands again when it is', async () => {
  const crew = new Crew()
  let fit = false
  const errors: unknown[] = []
  const leader = await crew.stand('leader')
  await crew.stand('unfit', { eligible: () => fit, onError: (error) => errors.push(error) })
  await crew.clock.advance(5_000)
  expect(await crew.line()).toEqual(['leader'])
  fit = true
  await crew.clock.advance(2_000)
  expect(await crew.line()).toEqual(['leader', 'unfit'])
  fit = false
  await crew.clock.advance(2_000)
  expect(await crew.line()).toEqual(['leader'])
  fit = true
  await crew.clock.advance(2_000)
  fit = false // within the last second before its turn
  leader.stop()
  await crew.clock.advance(100)
  expect(crew.led).toEqual(['leader'])
  fit = true
  await crew.clock.advance(2_000)
  expect(crew.led).toEqual(['leader', 'unfit'])
  expect(errors).toEqual([])
})

test('an error of eligible counts as no, and is told once', async () => {
  const crew = new Crew()
  const errors: string[] = []
  const eligible = (): boolean => {
    throw new Error('no idea')
  }
  const one = await crew.stand('one', { eligible, onError: (error) => errors.push(String(error)) })
  await crew.clock.advance(10_000)
  expect(errors).toEqual(['Error: no idea'])
  expect(await crew.line()).toEqual([])
  one.stop()
  await one.ended
})
