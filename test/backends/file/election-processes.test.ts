// Processes that lead in turn over a directory, and faults of them. LEASEHOLD_ROUNDS is the number of rounds with each
// fault.
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { useBuild } from '../../servers/build.ts'
import { median } from '../../servers/etcd.ts'
import { roundsOf, Workers } from '../../servers/workers.ts'
import { emptyDirectory, remove } from './processes.ts'

const built = useBuild()
const ttlMs = 2_000
const rounds = roundsOf(3)
/** How late a busy machine may be. */
const slackMs = 1_000

test('after every fault of the leader on file:, one leads at a time, and the next one within the promised time', {
  timeout: 60_000 + rounds * 30_000,
}, async () => {
  const directory = emptyDirectory()
  onTestFinished(() => remove(directory))
  const workers = new Workers({ index: built.index, target: pathToFileURL(directory).href, ttlMs })

  const took = await workers.befallEach(rounds, 'file')

  workers.expectOneAtATime()
  expect(workers.terms).toBeGreaterThan(3 * rounds)
  expect(median(took.kill), 'noticed, and not when its time to live is over').toBeLessThan(1_000)
  expect(took.kill.at(-1)).toBeLessThan(ttlMs + slackMs)
  expect(took.stop.at(-1)).toBeLessThan(ttlMs + slackMs)
  expect(median(took.ask), 'woken by an event').toBeLessThan(1_000)
})
