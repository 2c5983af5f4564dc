// Faults that an observer must survive on every store: broken connections, and a server that goes and comes back. Owns
// the sequence of events, the same for all stores. Each test connects its own observer.
import { expect, onTestFinished } from 'vitest'
import type { Election } from '../../src/api/election.ts'
import type { Term } from '../../src/index.ts'
import type { Member } from '../../tools/servers/member.mjs'
import { freeze } from './freeze.ts'
import { moments } from './moments.ts'
import type { Observed } from './observed.ts'

/** An election and its observer. */
interface Scene {
  readonly election: Election
  readonly observed: Observed
}

/** The faults of a server. */
export const troubles = ['killed and started', 'stopped and continued'] as const

/** Thirty states, while the observer's connections are cut every other time. */
export async function throughCuts({ election, observed }: Scene, cut: () => void): Promise<void> {
  let term: Term | undefined
  for (let round = 0; round < 30; round += 1) {
    if (round % 3 === 2) cut()
    if (term && round % 2 === 0) await term.resign()
    const value = `round ${round}`
    if (!term?.held) term = await election.campaign({ value })
    else await term.proclaim(value)
    if (round % 3 === 1) cut()
    if (round % 5 === 4) await observed.sees(value)
  }
  expect((await observed.sees('round 29'))?.token).toBe(term?.token)
}

/** A term, a server in trouble, and what comes after. */
export async function throughTrouble(
  { election, observed }: Scene,
  member: Member,
  trouble: (typeof troubles)[number],
): Promise<void> {
  const term = await election.campaign({ value: 'first' })
  await observed.sees('first')
  if (trouble === 'killed and started') {
    onTestFinished(() => member.restart())
    await member.restart()
  } else {
    await freeze(member)
    await moments.milliseconds(500) // so that its requests go unanswered for a while
    member.cont()
  }

  await term.verify()
  await term.proclaim('second')
  await observed.sees('second')
  await term.resign()
  await observed.sees('nobody')
  await election.campaign({ value: 'third' })
  await observed.sees('third')

  expect(observed.values).toEqual(['nobody', 'first', 'second', 'nobody', 'third'])
}
