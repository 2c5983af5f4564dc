// @ts-check
// Turns of one name for which all callers of one client queue, next to single writes: a turn cannot cost less than one.
import { inRounds, perSecond } from './measure.mjs'
import { row } from './report.mjs'

const [ms, callers] = [500, 64]

/**
 * @param {import('../../src/index.ts').Leasehold} client
 * @param {{ what: string, write: () => Promise<unknown> }} floor a write of the store, and what it is called
 */
export async function turns(client, { what, write }) {
  const mutex = client.mutex('bench-one-name')
  const passing = client.mutex('bench-one-name-handoff', { handoff: { max: 65_535, forMs: 250 } })
  const { writes, taken, handed } = await inRounds(4, [
    { id: 'writes', batch: perSecond(ms, [write]) },
    {
      id: 'taken',
      batch: perSecond(
        ms,
        Array(callers).fill(() => mutex.run(() => undefined)),
      ),
    },
    {
      id: 'handed',
      batch: perSecond(
        ms,
        Array(callers).fill(() => passing.run(() => undefined)),
      ),
    },
  ])
  return [
    row(`${what}, one after the other`, writes, { unit: '/s' }),
    row(`Leasehold mutex: turns of one name, ${callers} callers of one client`, taken, {
      unit: '/s',
      reference: [what, writes],
    }),
    row(`the same with handoff for 250 ms, ${callers} callers of one client`, handed, {
      unit: '/s',
      reference: ['without handoff', taken],
    }),
  ]
}
