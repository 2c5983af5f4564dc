// docs/model has the rule by which a client believes that it holds. spin tries every order of events, and finds two
// clients that believe at once as soon as one of the known mistakes is put back. Without spin or a C compiler the tests
// say so and check nothing.
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)
const model = 'lock-delay.pml'

/** Why the model cannot be checked here; undefined if it can. */
const missing = await Promise.all([run('spin', ['-V']), run('cc', ['--version'])]).then(
  () => undefined,
  (error: Error) => error.message,
)

interface Checked {
  /** Whether spin found a state in which two believe. */
  readonly twoBelieve: boolean
  readonly states: number
  /** The events that lead there, in the words of the model. */
  readonly steps: string
}

/** Checks the model with these switches, as `-DNAME`. */
async function check(switches: readonly string[]): Promise<Checked> {
  const cwd = await mkdtemp(join(tmpdir(), 'leasehold-model-'))
  onTestFinished(() => rm(cwd, { recursive: true }))
  await copyFile(join('docs', 'model', model), join(cwd, model))
  await run('spin', [...switches, '-a', model], { cwd })
  // In breadth, so that the first violation that it finds is one by the fewest steps.
  await run('cc', ['-w', '-DSAFETY', '-DBFS', '-o', 'pan', 'pan.c'], { cwd })
  const { stdout } = await run('./pan', { cwd })
  const [, errors] = /errors: (\d+)/.exec(stdout) ?? []
  const [, states] = /(\d+) states, stored/.exec(stdout) ?? []
  const steps = Number(errors) > 0 ? (await run('spin', [...switches, '-t', model], { cwd })).stdout : ''
  return { twoBelieve: Number(errors) > 0, states: Number(states), steps }
}

if (missing !== undefined) test(`the model of docs/model is left out: ${missing.split('\n')[0]}`, () => {})
else {
  test.each([
    ['a lock-delay of half the time to live', []],
    ['a lock-delay that is longer than the time to live', ['-DDELAY=16']],
    ['a lock-delay that leaves one step to believe', ['-DDELAY=3']],
  ])('in no order of events do two believe, with %s', async (_, switches) => {
    const { twoBelieve, states, steps } = await check(switches)
    expect(steps).toBe('')
    expect(twoBelieve).toBe(false)
    expect(states).toBeGreaterThan(5_000)
  })

  test.each([
    ['the time to live is counted and not the lock-delay', 'COUNT_THE_TTL'],
    ['a renewal counts without a read', 'NO_READ'],
    ['a dead holder of a semaphore is taken off at once', 'TAKE_OFF'],
    ['the time counts from the answer', 'FROM_THE_ANSWER'],
    ['there is no margin', 'NO_MARGIN'],
  ])('two believe as soon as %s', async (_, mistake) => {
    const { twoBelieve, steps } = await check([`-D${mistake}`])
    expect(twoBelieve).toBe(true)
    expect(steps).toMatch(/the store ends the session of A.*B holds/s)
  })
}
