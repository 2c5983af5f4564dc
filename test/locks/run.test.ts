// `run` of a lock, if the hold ends before the work does. On a clock that the test moves.
import { expect, test } from 'vitest'
import { HoldLostError } from '../../src/index.ts'
import { never, scene } from '../election/scene.ts'

test('run resolves with the result of work that released its hold early', async () => {
  const { one } = await scene()
  const done = one.mutex('a').run(async (hold) => {
    await hold.release()
    return 'done'
  })
  expect(await done).toBe('done')
})

test('run rejects with HoldLostError if the hold was lost before the work released it', async () => {
  const { clock, one, truth } = await scene()
  const done = one.mutex('a').run(async (hold) => {
    const [standing] = await truth.line('a', never)
    await truth.destroySession(standing?.session ?? '', never)
    await clock.advance(12_000)
    await hold.release()
  })
  await expect(done).rejects.toThrow(HoldLostError)
})
