// The requests and answers of a connection to Consul: keys, flags, transactions, sessions and blocking reads.
import Consul from 'consul'
import { expect, onTestFinished, test } from 'vitest'
import { PermitSessions } from '../../../../src/backends/consul/permit-sessions.ts'
import { givenClient } from '../../../../src/backends/consul/wire/papi.ts'
import type { Transport } from '../../../../src/backends/consul/wire/transport.ts'
import type { Claim } from '../../../../src/contract.ts'
import { ManualClock } from '../../../core/manual-clock.ts'
import {
  empty,
  fake,
  never,
  open,
  plan,
  rejection,
  token,
  useSecuredConsul,
} from '../../../servers/consul-wire.ts'

const consul = useSecuredConsul()

test('flags of 64 bits arrive exactly, and come back exactly, whatever the key and the value look like', async () => {
  const client = consul.clientOf()
  const written = [
    { key: 'flags/most', value: '"Flags":"1" \\"Flags\\":2 ü', flags: 2n ** 64n - 1n },
    { key: 'flags/"Flags":"3"', value: 'Flags', flags: 3304740253564472344n },
    { key: 'flags/none', value: '', flags: 0n },
  ]

  const outcome = await client.txn(
    written.map((each) => ({ verb: 'set', ...each })),
    never(),
  )
  const { entries } = await client.read({ prefix: 'flags/' }, never())

  expect(outcome.applied && outcome.entries.map(({ flags }) => flags)).toEqual(
    written.map(({ flags }) => flags),
  )
  for (const { key, value, flags } of written) {
    const printed = (await consul.cluster.consul(['kv', 'get', '-detailed', key])).stdout
    expect(printed).toMatch(new RegExp(`^Flags +${flags}$`, 'm'))
    expect(entries.find((entry) => entry.key === key)).toMatchObject({ value, flags, session: undefined })
    expect((await client.read({ key }, never())).entries).toMatchObject([{ key, value, flags }])
  }
})

test('a transaction that reads what it wrote says who holds the key and since when', async () => {
  const client = consul.clientOf()
  const session = await client.createSession(plan, never())
  const lock = { verb: 'lock', key: 'txn/a', value: 'v', session } as const

  const outcome = await client.txn(
    [{ verb: 'check-not-exists', key: 'txn/a' }, lock, { verb: 'get', key: 'txn/a' }],
    never(),
  )
  const again = await client.txn(
    [{ verb: 'check-not-exists', key: 'txn/a' }, { verb: 'get', key: 'txn/b' }, lock],
    never(),
    'gives back',
  )

  const [, read] = outcome.applied ? outcome.entries : []
  expect(read).toMatchObject({ key: 'txn/a', value: 'v', session, modifyIndex: read?.createIndex })
  expect(again).toEqual({
    applied: false,
    failures: [
      { operation: 0, reason: expect.stringContaining('exists') },
      { operation: 1, reason: expect.stringContaining("doesn't exist") },
    ],
  })
})

test('a session has no checks but those that were asked for, and all of its options arrive', async () => {
  const client = consul.clientOf()
  const node = consul.cluster.members[0].name

  const plain = await client.createSession(plan, never())
  await consul.put('agent/check/register', { Name: 'own', TTL: '10m', Status: 'passing' })
  const full = { name: 'ü "', ttlMs: 12_345.2, lockDelayMs: 1_500, checks: ['own'], node }
  const checked = await client.createSession(full, never())

  const none = { Name: 'test', TTL: '20000ms', LockDelay: 0, Behavior: 'delete', NodeChecks: [], Node: node }
  expect(await consul.infoOf(plain)).toMatchObject({ ...none, ServiceChecks: null })
  expect(await consul.infoOf(checked)).toMatchObject({
    Name: full.name,
    TTL: '12346ms',
    LockDelay: 1_500_000_000,
    Behavior: 'delete',
    NodeChecks: ['own'],
  })
})

test('a session that ended is gone for a renewal and a lock, and can be ended again', async () => {
  const client = consul.clientOf()
  const session = await client.createSession(plan, never())
  await client.renewSession(session, never())
  await client.destroySession(session, never())
  await client.destroySession(session, never())

  const lock = client.txn([{ verb: 'lock', key: 'gone', value: '', session }], never())
  for (const error of await Promise.all([client.renewSession(session, never()), lock].map(rejection))) {
    expect(error).toMatchObject({ code: 'LEASEHOLD_SESSION_GONE' })
    expect(error.message).toMatch(new RegExp(`^consul at ${consul.address}: .*${session}`))
  }
})

test('a list of the sessions of a node leaves out in silence what a token may not read, and no permit is lost by that', async () => {
  const client = consul.clientOf()
  const blind = consul.clientOf({})
  const node = consul.cluster.members[0].name
  const lists: (readonly string[])[] = []
  const transport: Partial<Transport> = {
    createSession: (plan, signal) => client.createSession(plan, signal),
    renewSession: (id, signal) => client.renewSession(id, signal),
    confirmSession: (id, signal) => client.confirmSession(id, signal),
    async listSessions(node, signal) {
      lists.push(await client.listSessions(node, signal), await blind.listSessions(node, signal))
      return lists[1] ?? []
    },
  }
  const sessions = new PermitSessions(transport as Transport, new ManualClock(), { endsEarly: false })
  const own = await sessions.create(plan, never())
  const claims = [1, 2, 3, 4, 5, 6].map((n) => ({ id: `${n}`, session: own, name: 'a' }) as Claim)
  const taken: string[] = []
  for (const claim of claims) taken.push(await sessions.take(claim, never()))

  expect(await sessions.renew(own, never())).toEqual({ lost: [] })
  expect(lists).toEqual([expect.arrayContaining(taken), []])
  await client.destroySession(taken[3] ?? '', never())
  expect(await client.listSessions(node, never())).not.toContain(taken[3])
  expect(await sessions.renew(own, never())).toEqual({ lost: [claims[3]] })
})

test('a key whose name speaks of sessions and permissions is just a key that is taken', async () => {
  const client = consul.clientOf()
  const key = 'say/invalid session "Permission denied" ACL'
  await client.txn([{ verb: 'set', key, value: '' }], never())

  expect(await client.txn([{ verb: 'check-not-exists', key }], never())).toMatchObject({ applied: false })
})

test('a blocking read wakes on a change and tells the index to wait from; where there is no key, too', async () => {
  const client = consul.clientOf()
  const key = 'block/a'
  const nothing = await client.read({ key }, never())
  expect(nothing.entries).toEqual([])
  expect(nothing.index).toBeGreaterThanOrEqual(1)
  await client.txn([{ verb: 'set', key, value: 'one' }], never())
  const before = await client.read({ prefix: 'block/' }, never())

  const waiting = client.block({ prefix: 'block/' }, { index: before.index, waitMs: 60_000 }, never())
  await client.txn([{ verb: 'set', key, value: 'two' }], never())
  const after = await waiting

  expect(after.entries).toMatchObject([{ key, value: 'two', modifyIndex: after.index }])
  expect(after.index).toBeGreaterThan(before.index)
})

test('an index is never 0, from which the next read would not wait', async () => {
  const { address: at } = await fake((_, response) =>
    response.writeHead(404, { 'x-consul-index': '0' }).end(),
  )

  expect(await consul.clientOf({}, at).read({ key: 'a' }, never())).toEqual({ index: 1, entries: [] })
})

test('a blocking read that sees no change comes back when it was told to', async () => {
  const client = consul.clientOf()
  await client.txn([{ verb: 'set', key: 'still', value: '' }], never())
  const { index } = await client.read({ key: 'still' }, never())

  const { entries } = await client.block({ key: 'still' }, { index, waitMs: 20 }, never())

  expect(entries).toMatchObject([{ key: 'still', modifyIndex: index }])
})

test('reads that decide are consistent, and blocking reads are stale', async () => {
  const { address: at, requests } = await fake((request, response) => {
    if (request.method === 'GET') empty(request, response as never)
    else response.end('{"Results":[],"Errors":null}')
  })
  const client = consul.clientOf({}, at)

  await client.read({ key: 'a' }, never())
  await client.block({ prefix: 'a/' }, { index: 3, waitMs: 1.5 }, never())
  await client.txn([{ verb: 'get-tree', key: 'a' }], never())
  await client.txn([{ verb: 'delete', key: 'a' }], never())

  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /v1/kv/a?consistent=1',
    'GET /v1/kv/a%2F?index=3&wait=2ms&stale=1&recurse=1',
    'PUT /v1/txn?consistent=1',
    'PUT /v1/txn',
  ])
})

test('a given client keeps its own token, address and agent, and is left open', async () => {
  const [host = '', port] = consul.address.split(':')
  const defaults = { token, dc: 'dc1', timeout: 50, stale: true, wait: '1ms' }
  const options = { host, port: Number(port), defaults, timeout: 50 }
  const given = new Consul(options)
  onTestFinished(() => given.destroy())
  const client = open([givenClient(given)])
  await client.txn([{ verb: 'set', key: 'given', value: 'one' }], never())
  const { index } = await client.read({ key: 'given' }, never())

  // Beyond the time limit that it sets for itself.
  const { entries } = await client.block({ key: 'given' }, { index, waitMs: 200 }, never())
  expect(entries).toMatchObject([{ value: 'one' }])
  const session = await client.createSession(plan, never())
  expect(await consul.infoOf(session)).toMatchObject({ NodeChecks: [] })
  client.close()

  expect((await rejection(client.read({ key: 'given' }, never()))).message).toContain(consul.address)
  expect(await given.kv.get('given')).toMatchObject({ Value: 'one' })
})

test('an agent that a client was given is the one that is used', async () => {
  const { address: at, requests } = await fake(empty)
  const baseUrl = `http://${at}/deep/v1`
  const given = new Consul({ baseUrl, defaults: { token: 'theirs', dc: 'dc9' } } as never)
  onTestFinished(() => given.destroy())

  await open([givenClient(given)]).read({ prefix: 'a b/' }, never())

  expect(requests[0]?.url).toBe('/deep/v1/kv/a%20b%2F?dc=dc9&consistent=1&recurse=1')
  expect(requests[0]?.headers['x-consul-token']).toBe('theirs')
})
