// The keys of claims, byte for byte. Those of one permit are those of earlier versions and of Go; those of more permits
// must be counted, or refused, by clients that know only one permit for each claim.
import { expect, test } from 'vitest'
import { Layout as ConsulLayout, semaphoreFlags, shapeFlags } from '../../../src/backends/consul/layout.ts'
import { formatHolders, parseHolders } from '../../../src/backends/consul/line.ts'
import { Layout as EtcdLayout, ownKeys, partsOf } from '../../../src/backends/etcd/layout.ts'
import { permitsOf, sizeOf, weightOf } from '../../../src/backends/file/layout.ts'
import { sharedPermits } from '../../../src/base/shapes.ts'
import { claimOf } from '../../../src/testing/conformance/case.ts'

/** How versions without weights read a key of etcd. */
const earlier = /^([0-9a-f]+)(?:\.(\d+)\.\d+(?:\.p(\d+))?)?$/

test('on etcd a claim of one permit has one key, that of Go or that of earlier versions', () => {
  const layout = new EtcdLayout('')
  const keysOf = (permits: number): string[] => {
    const claim = claimOf('a', 'ab', { permits })
    const { key, own, record } = layout.claimKeys(claim, true)
    expect([own, record]).toEqual([{ key }, '\0leasehold/claimed/a\0ab.1'])
    return [key, ...partsOf(claim, key)]
  }
  expect([keysOf(1), keysOf(3)]).toEqual([['a/ab'], ['a/ab.3.1']])
})

test('on etcd a claim of three permits has three keys, which an earlier version counts as three claims', () => {
  const claim = claimOf('a', 'ab', { permits: 4, weight: 3 })
  const { key } = new EtcdLayout('').claimKeys(claim)
  const keys = [key, ...partsOf(claim, key)]
  expect(keys).toEqual(['a/ab.4.1', 'a/ab.4.1.p1', 'a/ab.4.1.p2'])
  expect(keys.map((each) => earlier.exec(each.slice(2))?.[2])).toEqual(['4', '4', '4'])
  expect(keys.every((each) => each >= key && each < (ownKeys(key, 3).end ?? ''))).toBe(true)
  expect('a/ab.4.10' < (ownKeys(key, 3).end ?? '')).toBe(false)
})

test('on etcd a writer has the key of a reader and one more, which an earlier version takes for a claim in its way', () => {
  const claim = claimOf('a', 'ab', { permits: sharedPermits, weight: sharedPermits })
  const layout = new EtcdLayout('')
  const { key } = layout.claimKeys(claim)
  expect([key, ...partsOf(claim, key)]).toEqual(['a/ab.1000000.1', 'a/ab.1000000.1.w999999'])
  expect(layout.parse('a', `${key}.w999999`)).toEqual({
    ...{ session: 'ab', permits: sharedPermits, weight: sharedPermits - 1 },
    isPart: true,
  })
})

test('on Consul a list of holders with one permit each is that of Go, and any other list has flags of its own', () => {
  const holders = [
    { session: 's1', weight: 1 },
    { session: 's2', weight: 1 },
  ]
  const plain = formatHolders({ permits: 3, holders })
  expect(plain).toEqual({ value: '{"Limit":3,"Holders":{"s1":true,"s2":true}}', flags: semaphoreFlags })
  const heavy = formatHolders({ permits: 4, holders: [{ session: 's1', weight: 3 }] })
  expect(heavy).toEqual({ value: '{"Limit":4,"Weights":{"s1":3}}', flags: shapeFlags })
  const shared = formatHolders({ permits: sharedPermits, holders })
  expect(shared).toEqual({ value: '{"Limit":1000000,"Weights":{"s1":1,"s2":1}}', flags: shapeFlags })
  expect(shapeFlags).not.toBe(semaphoreFlags)
  for (const list of [plain, heavy, shared])
    expect(formatHolders(parseHolders(list as never) as never)).toEqual(list)
  for (const value of [
    '{"Limit":4,"Weights":{"s1":"3"}}',
    '{"Limit":4,"Weights":{"s1":0}}',
    '{"Weights":{"s1":1}}',
  ])
    expect(parseHolders({ value } as never)).toBeUndefined()
})

test('on Consul the ticket of a claim of one permit is that of earlier versions', () => {
  const layout = new ConsulLayout('')
  const ticket = (weight: number): string =>
    layout.claimKeys(claimOf('a', 's', { permits: 4, weight })).ticket
  expect([ticket(1), ticket(3)]).toEqual(['a/.line/s.4.1', 'a/.line/s.4.1.w3'])
  expect(layout.nameOf(ticket(3))).toBe('a')
})

test('in a file a claim of one permit has the permits of its name, and any other one a number that no name has', () => {
  expect(sizeOf({ permits: 1, weight: 1 })).toBe(1n)
  expect(sizeOf({ permits: 10_000, weight: 1 })).toBe(10_000n)
  for (const size of [
    { permits: 4, weight: 3 },
    { permits: sharedPermits, weight: sharedPermits },
  ]) {
    const permits = sizeOf(size)
    expect(permits).toBeGreaterThan(BigInt(sharedPermits))
    expect({ permits: permitsOf({ permits }), weight: weightOf({ permits }) }).toEqual(size)
  }
})
