// Whether events alone prove that a claim on etcd holds, over a scripted watch.
import { expect, test } from 'vitest'
import { type Queued, untilAdmitted } from '../../src/backends/etcd/waits.ts'
import type { Change, Transport, WatchListener } from '../../src/backends/etcd/wire/transport.ts'

const [first, own, later] = ['a/1', 'a/2', 'a/3']
const ahead = { key: first, created: 5n, permits: 1, weight: 1, leased: true }
const line = { revision: 8n, ahead: [ahead], complete: true, dead: [] }
const queued: Queued = {
  ...{ key: own, permits: 1, weight: 1, proven: true },
  ...{ line, range: { key: 'a/', end: 'a0' } },
}

/** The answer of a claim that waits behind one other, after these deletions at revisions 9, 10, … in one event. */
async function after(...deleted: readonly string[]): Promise<bigint | undefined> {
  let listener: WatchListener | undefined
  const watch: Transport['watch'] = (_range, given) => {
    listener = given
    return () => {}
  }
  const signal = new AbortController().signal
  const answer = untilAdmitted({ watch } as Transport, queued, async () => line, signal)
  listener?.created(line.revision)
  listener?.deleted(deleted.map((key, index): Change => ({ key, revision: 9n + BigInt(index) })))
  return answer
}

test('the end of the claim ahead proves that the next one holds', async () => {
  expect(await after(first)).toBe(9n)
  expect(await after(later, first)).toBe(10n)
})

test.each([
  ['before the claim ahead', [own, first]],
  ['after the claim ahead', [first, own]],
  ['while the claim ahead stands', [own]],
])('a claim that was deleted %s does not hold: it asks etcd', async (_when, deleted) => {
  expect(await after(...deleted)).toBeUndefined()
})
