// The options `signal` and `timeoutMs` of every question that takes one request.
import { describe, expect, test } from 'vitest'
import { type AskOptions, type Term, UnavailableError } from '../../src/index.ts'
import { type Scene, scene } from '../election/scene.ts'
import { settle } from './manual-clock.ts'

const methods = [
  ...(['observe', 'readCheckpoint', 'line', 'survey'] as const),
  ...(['break', 'verify', 'writeCheckpoint', 'proclaim'] as const),
]

type Question = (here: Scene, term: Term, options: AskOptions) => Promise<unknown>

const questions: Record<string, Question> = {
  leader: ({ one }, _, options) => one.election('a').leader(options),
  readCheckpoint: ({ one }, _, options) => one.mutex('a').readCheckpoint(options),
  line: ({ one }, _, options) => one.line('a', options),
  survey: ({ one }, _, options) => one.survey('', options),
  break: ({ one }, _, options) => one.break('a', 1n, options),
  verify: (_, term, options) => term.verify(options),
  checkpoint: (_, term, options) => term.checkpoint('text', options),
  proclaim: (_, term, options) => term.proclaim('text', options),
}

describe.each(Object.entries(questions))('%s', (_, question) => {
  test('of a store that does not answer ends after timeoutMs, and the term stands', async () => {
    const here = await scene()
    const term = await here.one.election('a').campaign()
    for (const method of methods) here.store.faults.set(method, 'hang')
    let outcome: unknown = 'none'
    question(here, term, { timeoutMs: 700 }).catch((error) => {
      outcome = error
    })
    await here.clock.advance(699)
    expect(outcome).toBe('none')
    await here.clock.advance(1)
    expect(outcome).toBeInstanceOf(UnavailableError)
    expect(String(outcome)).toContain('700 ms')
    expect(term.held).toBe(true)
    here.store.faults.clear()
  })

  test('ends with the reason of its signal, at once', async () => {
    const here = await scene()
    const term = await here.one.election('a').campaign()
    for (const method of methods) here.store.faults.set(method, 'hang')
    const enough = new AbortController()
    const asked = expect(question(here, term, { signal: enough.signal })).rejects.toBe('enough')
    await settle()
    enough.abort('enough')
    await asked
    here.store.faults.clear()
  })

  test('takes no other option', async () => {
    const here = await scene()
    const term = await here.one.election('a').campaign()
    const asked = question(here, term, { timeout: 5 } as AskOptions)
    await expect(asked).rejects.toThrow(/^timeout: is not an option; did you mean timeoutMs/)
  })
})
