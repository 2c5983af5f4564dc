// Overtaking: which waiting claims may be removed for a claim behind them, and how they stand in line again after it.
import assert from 'node:assert/strict'
import { UnavailableError } from '../../base/errors.ts'
import type { Claim } from '../../contract.ts'
import { claimOf, type Draft } from './case.ts'
import { never } from './signals.ts'
import type { Stage } from './stage.ts'
import { lossMs } from './timing.ts'
import { until } from './wait.ts'

/** A line of one claim for each priority, in this order, with the tokens that every client can see. */
async function lineOf(
  stage: Stage,
  priorities: readonly (number | undefined)[],
): Promise<{ name: string; claims: Claim[]; tokens: bigint[] }> {
  const name = stage.name()
  const claims: Claim[] = []
  for (const priority of priorities) {
    const claim = claimOf(name, await stage.session(), { candidate: true, priority })
    await stage.backend.attempt(claim, never)
    claims.push(claim)
  }
  const tokens = (await stage.backend.line(name, never)).map(({ token }) => token)
  return { name, claims, tokens }
}

/** The priorities in a line. That of the holder does not count: not every store shows it. */
async function prioritiesOf(stage: Stage, name: string): Promise<(number | undefined)[]> {
  const line = await stage.backend.line(name, never)
  return line.map(({ held, priority }) => (held ? undefined : priority))
}

/** Attempts the claim, and returns whether it is in line then. A removed claim may first be answered UnavailableError. */
async function stands({ backend }: Stage, claim: Claim): Promise<boolean> {
  await backend.attempt(claim, never).catch((error) => {
    if (!(error instanceof UnavailableError)) throw error
  })
  return (await backend.line(claim.name, never)).some(({ session }) => session === claim.session)
}

/** The cases about claims with a priority. */
export const overtaking: readonly Draft[] = [
  {
    title:
      'overtake removes waiting claims that have a priority from the line, and they stand again at its end',
    async run(stage) {
      const { backend } = stage
      const { name, claims, tokens } = await lineOf(stage, [undefined, 1, 2, 7])
      const [, low, middle, high] = claims
      assert.ok(low && middle && high)
      assert.deepEqual(await prioritiesOf(stage, name), [undefined, 1, 2, 7])
      const [holder = 0n, first = 0n, second = 0n, target = 0n] = tokens
      assert.equal(await backend.overtake(name, { holder, target, waiting: [first, second] }, never), true)
      assert.deepEqual(await prioritiesOf(stage, name), [undefined, 7])
      await until(
        stage.clock,
        { withinMs: lossMs(backend.facts) },
        'the claim stands again',
        () => stands(stage, low),
        true,
      )
      assert.deepEqual(await prioritiesOf(stage, name), [undefined, 7, 1])
      await backend.withdraw(claims[0] as Claim, never)
      assert.equal((await backend.attempt(high, never)).held, true)
      await backend.withdraw(high, never)
      assert.equal((await backend.attempt(low, never)).held, true)
      await backend.withdraw(middle, never)
      await backend.withdraw(low, never)
      assert.equal(await stage.standing(name), 0)
    },
  },
  {
    title: 'overtake changes nothing if one of the claims has changed, has no priority, or holds',
    async run(stage) {
      const { backend } = stage
      const { name, claims, tokens } = await lineOf(stage, [3, 1, undefined, 2, 9])
      const [holder = 0n, low = 0n, plain = 0n, middle = 0n, target = 0n] = tokens
      const refused = [
        { holder: low, target, waiting: [middle] },
        { holder, target: 1n, waiting: [low] },
        { holder, target: holder, waiting: [low] },
        { holder, target, waiting: [low, plain] },
        { holder, target, waiting: [low, holder] },
        { holder, target, waiting: [low, 2n ** 62n] },
      ]
      for (const wrong of refused) assert.equal(await backend.overtake(name, wrong, never), false)
      assert.equal((await backend.line(name, never)).length, 5)
      await backend.withdraw(claims[0] as Claim, never)
      assert.ok((await backend.attempt(claims[1] as Claim, never)).held)
      assert.equal(await backend.overtake(name, { holder, target, waiting: [middle] }, never), false)
      assert.equal((await backend.line(name, never)).length, 4)
    },
  },
]
