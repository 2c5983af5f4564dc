// The oracles of `npm run chaos` find what they are for: each is shown a record with the fault in it.
import { expect, test } from 'vitest'
import { Draw } from '../../tools/chaos/random.mjs'
import { Record } from '../../tools/chaos/record.mjs'

/** A hold of a worker, from its first reading to its last. */
function held(record: Record, pid: number, name: string, token: number, from: number, to: number): void {
  record.note(pid, { began: from, hold: token, name, token: String(token) })
  record.note(pid, { heldAt: to, hold: token })
  record.note(pid, { left: to + 1, hold: token })
}

const permitsOf = (name: string): number => (name === 'permits' ? 2 : 1)

test('two who read that they hold one lock at one time are found, with the time of both', () => {
  const record = new Record()
  held(record, 1, 'lock', 1, 0, 100)
  held(record, 2, 'lock', 2, 90, 200)
  record.judge(permitsOf)
  expect(record.violations).toEqual([
    expect.stringMatching(/^TWO HOLD: lock token 2 of pid 2.*10\.0 ms of both/),
  ])
})

test('one after the other, and two at two permits, are no violation; a third one is', () => {
  const record = new Record()
  held(record, 1, 'lock', 1, 0, 100)
  held(record, 2, 'lock', 2, 100.5, 200)
  held(record, 1, 'permits', 3, 0, 100)
  held(record, 2, 'permits', 4, 50, 200)
  record.judge(permitsOf)
  expect(record.violations).toEqual([])
  held(record, 3, 'permits', 5, 60, 70)
  record.judge(permitsOf)
  expect(record.violations).toEqual([expect.stringContaining('TWO HOLD: permits token 5')])
})

test('a token that is smaller than one before, or used twice, is found', () => {
  const record = new Record()
  held(record, 1, 'lock', 7, 0, 1)
  held(record, 2, 'lock', 5, 2, 3)
  held(record, 3, 'permits', 9, 0, 1)
  held(record, 4, 'permits', 9, 2, 3)
  record.judge(permitsOf)
  expect(record.violations).toHaveLength(2)
  expect(record.violations.join()).toMatch(/TOKEN: lock token 5.*TOKEN: permits token 9/)
})

test('a late write is lost by the unfenced register, and refused by the fenced one, which raises its fence at a read', () => {
  const record = new Record()
  for (const register of ['unfenced', 'fenced']) {
    const ask = (verb: 'read' | 'write', token: number, set?: string[]) =>
      record.ask({ verb, register, token: String(token), ...(set && { set }) })
    ask('read', 1)
    ask('read', 2)
    ask('write', 2, ['b'])
    ask('write', 1, ['a'])
  }
  const { unfenced, fenced } = record.registers
  expect(record.lostOf(unfenced)).toEqual(['b'])
  expect(record.lostOf(fenced)).toEqual([])
  expect(fenced).toMatchObject({ refused: 1, acknowledged: ['b'] })
})

test('a worker that still reads that it holds when the covered time since its cut is over is found', () => {
  const record = new Record()
  record.note(1, { began: 0, hold: 1, name: 'lock', token: '1' })
  const [hold] = record.openOf(1)
  record.note(1, { heldAt: 4_001, hold: 1 })
  if (hold) record.judgeCut(hold, 1_000, 3_000)
  expect(record.violations).toEqual([
    expect.stringContaining('read that it held 3001 ms after it was cut off'),
  ])
})

test('an error that no page announces is found', () => {
  const record = new Record()
  record.note(1, { failed: 'LEASEHOLD_UNAVAILABLE', message: 'fine' })
  record.note(1, { failed: 'TypeError', message: 'oops' })
  expect(record.violations).toEqual(['an undocumented error met a worker: TypeError: oops'])
})

test('the same seed draws the same choices', () => {
  const drawn = (seed: number): string => {
    const draw = new Draw(seed)
    return `${draw.shuffled([...'abcdefgh'])} ${draw.between(0, 1)}`
  }
  expect(drawn(7)).toBe(drawn(7))
  expect(drawn(7)).not.toBe(drawn(8))
})
