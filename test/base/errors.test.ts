// How a program tells the errors apart that Leasehold throws: by class, `name`, `code` and `retryable`.
import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  ConflictError,
  connect,
  HoldLostError,
  type LeaseholdError,
  RefusedError,
  SessionGoneError,
  UnavailableError,
  WaitTimeoutError,
} from '../../src/index.ts'

const kinds = {
  ClosedError,
  ConflictError,
  RefusedError,
  SessionGoneError,
  UnavailableError,
  WaitTimeoutError,
}
const codes = ['HOLD_LOST', 'HOLD_RELEASED', 'HOLD_SHORT', 'WORK_STUCK'] as const
const ofHolds = codes.map((code) => new HoldLostError('no', { code: `LEASEHOLD_${code}` }))
const all: LeaseholdError[] = [...Object.values(kinds).map((Kind) => new Kind('no')), ...ofHolds]

test.each(Object.entries({ ...kinds, HoldLostError }))(
  'a %s keeps its name if a bundler renames its class',
  (name, Kind) => {
    const before = Kind.name
    Object.defineProperty(Kind, 'name', { value: 'e', configurable: true })
    const { name: shown } = new Kind('no')
    Object.defineProperty(Kind, 'name', { value: before, configurable: true })
    expect(shown).toBe(name)
  },
)

test('every error has a code of its own', () => {
  expect(new Set(all.map(({ code }) => code)).size).toBe(all.length)
})

test('retryable is true for errors after which the same call may succeed later, and for no others', () => {
  const retryable = all.filter((error) => error.retryable).map(({ code }) => code.replace('LEASEHOLD_', ''))
  expect(retryable.sort()).toEqual(['HOLD_LOST', 'HOLD_SHORT', 'SESSION_GONE', 'UNAVAILABLE', 'WAIT_TIMEOUT'])
})

describe('a HoldLostError says', () => {
  test('that the program itself released the hold before', async () => {
    await using client = await connect('memory:')
    const hold = await client.mutex('a').acquire()
    await hold.release()
    expect(() => hold.assertHeld()).toThrow(
      expect.objectContaining({ code: 'LEASEHOLD_HOLD_RELEASED', retryable: false }),
    )
  })

  test('that less time is left than was asked for, while the hold stands', async () => {
    await using client = await connect('memory:')
    await using hold = await client.mutex('a').acquire()
    expect(() => hold.assertHeld(client.ttlMs)).toThrow(
      expect.objectContaining({ code: 'LEASEHOLD_HOLD_SHORT', retryable: true }),
    )
    expect(hold.held).toBe(true)
  })
})

test('every call on a closed client rejects with ClosedError', async () => {
  const client = await connect('memory:')
  const [lock, election] = [client.mutex('a'), client.election('a')]
  await client.close()
  const calls = [
    ...[lock.acquire(), lock.tryAcquire(), lock.run(async () => {}), lock.readCheckpoint()],
    ...[election.campaign(), election.lead(() => {}), election.leader(), election.observe().next()],
    ...[client.line('a'), client.survey(), client.break('a', 1n)],
    client.cron('a', { schedule: '* * * * *' }).run(async () => {}),
  ]
  const outcomes = await Promise.allSettled(calls)
  const rejected = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)
  expect(rejected).toEqual(calls.map(() => expect.any(ClosedError)))
})
