// Which claims of a line are woken: those that get another answer, whatever the line and its change are.
import { expect, test } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { keyOf, keysOfNews } from '../../../src/backends/shared/news.ts'
import { fits } from '../../../src/backends/shared/room.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Claim } from '../../../src/contract.ts'

const { signal } = new AbortController()

function placeOf(id: number, weight: number, permits: number) {
  const claim: Claim = {
    ...{ name: 'job', session: 'a', id: String(id), permits, weight },
    ...{ value: '', wait: true, candidate: false },
  }
  return { claim, weight }
}

type Line = readonly ReturnType<typeof placeOf>[]

/** The answer to each claim of a line by the rule of admission alone: whether it holds. */
function answersOf(line: Line): Map<string, boolean> {
  let taken = 0
  const answers = line.map(({ claim, weight }): [string, boolean] => {
    const held = fits({ permits: claim.permits, weight }, taken)
    taken += weight
    return [keyOf(claim), held]
  })
  return new Map(answers)
}

/** Every way to leave some places of a line out. */
function partsOf(line: Line): Line[] {
  return Array.from({ length: 2 ** line.length }, (_, bits) =>
    line.filter((__, index) => (bits >> index) % 2 === 1),
  )
}

test('a change wakes each claim that leaves or begins to hold, and no other one, for every line of five', () => {
  for (let weights = 0; weights < 3 ** 5; weights += 1) {
    const line = [0, 1, 2, 3, 4].map((id) => placeOf(id, (Math.floor(weights / 3 ** id) % 3) + 1, 3))
    const before = answersOf(line)
    for (const after of partsOf(line)) {
      const now = answersOf(after)
      const changed = [...before].filter(([key, held]) => now.get(key) !== held).map(([key]) => key)
      expect(keysOfNews(line, after).sort()).toEqual(changed.sort())
    }
  }
})

test('a claim that stands far back in line is not asked again when claims before it come and go', async () => {
  const backend = await memory().open(systemClock())
  const { id: session } = await backend.createSession(15_000, signal)
  const claims = Array.from({ length: 100 }, (_, id) => ({ ...placeOf(id, 1, 1).claim, session }))
  const reads = claims.map(() => 0)
  for (const [index, claim] of claims.entries()) {
    const answer = await backend.attempt(claim, signal)
    const watched = new Proxy(claim, {
      get: (target, property: keyof Claim) => {
        if (property === 'name') reads[index] = (reads[index] ?? 0) + 1
        return target[property]
      },
    })
    backend.changed(watched, answer, signal).catch(() => {})
  }
  const before = [...reads]
  for (const claim of claims.slice(0, 50)) await backend.withdraw(claim, signal)
  expect(reads.slice(51)).toEqual(before.slice(51))
  expect(reads[50]).toBeGreaterThan(before[50] ?? 0)
})
