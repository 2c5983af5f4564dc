// The display of a wait: on a terminal one line that is kept up to date and then erased, elsewhere nothing.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { Progress } from '../../src/cli/progress.ts'
import type { Standing } from '../../src/contract.ts'
import { connect } from '../../src/index.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'
import { leasehold, temporaryFolder } from './leasehold.ts'

let env: { LEASEHOLD_URL: string }
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const erase = '\r\u001b[2K'

/** The text left on the line, after all erasing. */
function left(shown: string): string {
  return (shown.split(erase).at(-1) ?? '').replaceAll('\r\n', '\n')
}

/** Ends when the test writes a file. */
async function holder() {
  const file = join(temporaryFolder(), 'end')
  const script = 'echo holds $$; until [ -e "$0" ]; do sleep 0.02; done'
  const run = leasehold(['run', 'x', '--', 'sh', '-c', script, file], { env })
  await run.pidOf('holds')
  return { run, release: () => writeFileSync(file, '') }
}

describe('on a terminal', () => {
  test('a waiting run shows the holder and its own place in line, and erases that line in the end', async () => {
    const { run, release } = await holder()
    const second = leasehold(['run', 'x', '--', 'echo', 'ran'], { env, terminal: true })
    await second.says(new RegExp(`waiting for "x", next in line: held by \\S+ \\(pid ${run.pid}\\)`))
    release()
    const { status, stdout } = await second.ended
    expect({ status, left: left(stdout) }).toEqual({ status: 0, left: 'ran\n' })
    expect(stdout.split('\n')).toHaveLength(2) // all of it on one line
  })

  test('the line is redrawn as the place changes', async () => {
    const { release } = await holder()
    await using client = await connect(env.LEASEHOLD_URL)
    const next = client.election('x').campaign({ value: 'the one between' })
    await expect.poll(() => client.line('x')).toHaveLength(2)
    const third = leasehold(['run', 'x', '--', 'echo', 'ran'], { env, terminal: true })
    await third.says(/place 2 in line: held by \S+ \(pid/)
    release()
    await third.says(/next in line: held by the one between/)
    await (await next).resign()
    expect(left((await third.ended).stdout)).toBe('ran\n')
  })

  test('a waiting lead says the same, and is quiet while it leads', async () => {
    const { release } = await holder()
    const lead = leasehold(['lead', 'x', '--', 'echo', 'leads'], { env, terminal: true })
    await lead.says(/waiting for "x", next in line: held by/)
    release()
    expect(left((await lead.ended).stdout)).toBe('leads\n')
  })

  test('a wait that fails ends with its message on a line of its own', async () => {
    await holder()
    const args = ['run', 'x', '--wait', '300ms', '--', 'echo', 'ran']
    const { status, stdout } = await leasehold(args, { env, terminal: true }).ended
    expect(stdout).toContain('next in line')
    expect(left(stdout)).toMatch(/^leasehold: "x" was not free within 300 ms: held by .*\n$/)
    expect(status).toBe(75)
  })

  test('a run that need not wait shows nothing', async () => {
    const { stdout } = await leasehold(['run', 'x', '--', 'echo', 'ran'], { env, terminal: true }).ended
    expect(stdout).toBe('ran\r\n')
  })

  test.each([
    ['with --quiet', ['--quiet'], {}],
    ['with a terminal that cannot redraw a line', [], { TERM: 'dumb' }],
  ])('nothing is shown %s', async (_, options, more) => {
    const { release } = await holder()
    const args = ['run', 'x', ...options, '--', 'echo', 'ran']
    const second = leasehold(args, { env: { ...env, ...more }, terminal: true })
    await using client = await connect(env.LEASEHOLD_URL)
    await expect.poll(() => client.line('x'), { timeout: 10_000 }).toHaveLength(2)
    release()
    expect((await second.ended).stdout).toBe('ran\r\n')
  })

  test('no line is redrawn between the lines of LEASEHOLD_LOG', async () => {
    const { release } = await holder()
    const settings = { env: { ...env, LEASEHOLD_LOG: 'debug' }, terminal: true }
    const second = leasehold(['run', 'x', '--', 'echo', 'ran'], settings)
    await using client = await connect(env.LEASEHOLD_URL)
    await expect.poll(() => client.line('x'), { timeout: 10_000 }).toHaveLength(2)
    release()
    const { stdout } = await second.ended
    expect(stdout).toMatch(/acquire "x": held.*\nran\r\n/s)
    expect(stdout).not.toContain(erase)
  })
})

describe('the line', () => {
  /** A progress whose line of claims the test answers, and what it draws. */
  function drawing(more: { isTTY?: boolean; value?: string } = {}) {
    const clock = new ManualClock()
    const texts: string[] = []
    const answers: ((claims: Promise<Standing[]>) => void)[] = []
    const line = (): Promise<Standing[]> => new Promise((resolve) => answers.push(resolve))
    const screen = { isTTY: more.isTTY ?? true, write: (text: string) => texts.push(text) }
    const progress = new Progress({ client: { line }, clock, name: 'x', value: more.value, screen })
    /** The visible text. */
    const seen = (): string => left(texts.join('')).replace('\u001b[?7l', '').replace('\u001b[?7h', '')
    const answer = async (claims: Standing[] | Error): Promise<void> => {
      answers.at(-1)?.(claims instanceof Error ? Promise.reject(claims) : Promise.resolve(claims))
      await settle()
    }
    return { clock, progress, texts, answers, seen, answer }
  }

  const claim = (value: string, held = false): Standing => ({ session: `s-${value}`, value, held, token: 1n })
  const json = (pid: number): string => JSON.stringify({ host: 'web', pid })

  test('is drawn before the holder is known, and without a holder if the store cannot be asked', async () => {
    const { progress, seen, answer } = drawing()
    progress.onWait?.(3)
    expect(seen()).toBe('leasehold: waiting for "x", place 3 in line')
    await answer(new Error('out of reach'))
    expect(seen()).toBe('leasehold: waiting for "x", place 3 in line')
    progress.clear()
    expect(seen()).toBe('')
  })

  test('is not drawn when an answer comes after the end of the wait', async () => {
    const { clock, progress, texts, answer } = drawing()
    progress.onWait?.(1)
    progress.clear()
    const drawn = texts.length
    await answer([claim('late', true)])
    await clock.advance(60_000)
    expect(texts).toHaveLength(drawn)
    expect(clock.timers).toBe(0)
  })

  test('of the next wait does not use an answer for the wait before', async () => {
    const { progress, answers, seen, answer } = drawing()
    progress.onWait?.(1)
    progress.clear()
    progress.onWait?.(2)
    await answer([claim('old', true)])
    expect(answers).toHaveLength(2)
    await answer([claim('new', true)])
    expect(seen()).toBe('leasehold: waiting for "x", place 2 in line: held by new')
  })

  test('is refreshed from time to time, since a waiter far back in line gets few changes', async () => {
    const { clock, progress, answers, seen, answer } = drawing({ value: 'own' })
    progress.onWait?.(2)
    await answer([claim(json(1), true), claim('b'), claim('c'), claim('own')])
    expect(seen()).toContain('place 3 in line: held by web (pid 1)')
    await clock.advance(5_000)
    expect(answers).toHaveLength(2)
    await answer([claim('c', true), claim('own')])
    expect(seen()).toContain('next in line: held by c')
  })

  test('shows the place that the wait reported if several claims have the same value', async () => {
    const { progress, seen, answer } = drawing({ value: 'own' })
    progress.onWait?.(2)
    await answer([claim('a', true), claim('own'), claim('own'), claim('own')])
    expect(seen()).toContain('place 2 in line')
  })

  test('names three holders and counts the others', async () => {
    const { progress, seen, answer } = drawing()
    progress.onWait?.(1)
    await answer(['a', 'b', 'c', 'd', 'e'].map((value) => claim(value, true)))
    expect(seen()).toMatch(/held by a, b, c and 2 more$/)
  })

  test('names a holder without a value by its session, and no holder can control the terminal', async () => {
    const { progress, seen, answer } = drawing()
    progress.onWait?.(1)
    await answer([claim('', true), claim('a\n\u001b[31mb', true)])
    expect(seen()).toContain('held by session s-, a\\u000a\\u001b[31mb')
  })

  test('sends no request if stderr is no terminal', () => {
    const { progress } = drawing({ isTTY: false })
    expect(progress.onWait).toBeUndefined()
  })
})
