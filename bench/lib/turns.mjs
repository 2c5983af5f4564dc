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
  const { writes, taken } = await inRounds(4, [
    { id: 'writes', batch: perSecond(ms, [write]) },
    {
      id: 'taken',
      batch: perSecond(
        ms,
        Array(callers).fill(() => mutex.run(() => undefined)),
      ),
    },
  ])
  return [
    row(`${what}, one after the other`, writes, { unit: '/s' }),
    row(`Leasehold mutex: turns of one name, ${callers} callers of one client`, taken, {
      unit: '/s',
      reference: [what, writes],
    }),
  ]
}
