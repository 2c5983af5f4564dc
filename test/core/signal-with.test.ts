// Signals joined with that of a hold, on a clock that the test moves.
import { expect, test } from 'vitest'
import { HoldLostError } from '../../src/index.ts'
import { scene, untilAborted } from '../election/scene.ts'

test('joined with another signal, the signal of a hold shows a loss at the first look after a blocked event loop', async () => {
  const { clock, one } = await scene()
  const hold = await one.mutex('a').acquire()
  const theirs = await one.mutex('b').acquire()
  const other = new AbortController()
  const joined = hold.signalWith(other.signal)
  const twice = theirs.signalWith(joined)
  expect([joined.aborted, twice.aborted]).toEqual([false, false])
  const told = [joined, twice].map((signal) => untilAborted({ signal }))
  clock.block(60_000)
  expect([joined.aborted, twice.aborted]).toEqual([true, true])
  expect(joined.reason).toBeInstanceOf(HoldLostError)
  expect(() => twice.throwIfAborted()).toThrow(HoldLostError)
  await Promise.all(told)
})

test('the signal of several mutexes joins like that of one: a loss shows at the first look, and names the lock', async () => {
  const { clock, one } = await scene()
  const hold = await one.mutexes(['a', 'b']).acquire()
  const other = new AbortController()
  const [joined, ended] = [hold.signalWith(other.signal), hold.signalWith(AbortSignal.abort('enough'))]
  expect([joined.aborted, ended.reason]).toEqual([false, 'enough'])
  clock.block(60_000)
  expect(joined.aborted).toBe(true)
  expect(String(joined.reason)).toContain('"a"')
  expect(() => hold.signalWith('x' as never)).toThrow(/^signals\[0\]: "x" is not an AbortSignal/)
})

test('a joined signal aborts with the reason of the other signal, and the hold stays held', async () => {
  const { one } = await scene()
  const hold = await one.mutex('a').acquire()
  const other = new AbortController()
  const joined = hold.signalWith(AbortSignal.timeout(600_000), other.signal)
  other.abort('enough')
  expect([joined.aborted, joined.reason]).toEqual([true, 'enough'])
  expect([hold.signal.aborted, hold.held]).toEqual([false, true])
})

test('an argument that is no signal is refused, and the error names its place', async () => {
  const { one } = await scene()
  const hold = await one.mutex('a').acquire()
  expect(() => hold.signalWith(AbortSignal.abort(), 'x' as never)).toThrow(
    /^signals\[1\]: "x" is not an AbortSignal/,
  )
})
