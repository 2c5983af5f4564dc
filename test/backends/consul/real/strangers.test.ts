// Keys of other programs in the place of our keys: they neither block a lock unseen nor pass for a claim. A key that a Go
// program or `consul lock` left behind is taken over, and every other key is a conflict.
import { expect, test } from 'vitest'
import type { Leasehold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { ConsulLock } from '../../../servers/consul-lock.ts'
import { freshName, lockFlags, semaphoreFlags, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()

async function write(key: string, value = '{}', query = ''): Promise<void> {
  expect(await store.ask('PUT', `kv/${key}${query}`, value)).toMatchObject({ status: 200 })
}

test.each([
  ['a mutex', 1, '.line/deadbeef.1.1'],
  ['a mutex, with the permits of a semaphore', 1, '.line/deadbeef.7.1'],
  ['a semaphore', 2, '.line/deadbeef.2.1'],
])('a ticket that no session holds blocks nobody on %s', async (_, permits, ticket) => {
  const name = freshName()
  await write(`${name}/${ticket}`)
  await write(`${name}/.line`, `${name}/${ticket}`)
  const [one, two] = await store.clients(2)
  const lockOf = (client = one) =>
    permits === 1 ? client?.mutex(name) : client?.semaphore(name, { permits })

  expect(await one?.survey(name)).toEqual([])
  const all = Array.from({ length: permits }, () => lockOf()?.acquire({ waitMs: 5_000 }))
  const holds = await Promise.all(all)
  const waiting = lockOf(two)?.acquire({ waitMs: 20_000 })
  await until(async () => (await one?.line(name))?.length === permits + 1, { describe: () => 'one waits' })
  for (const hold of holds) await hold?.release()
  await (await waiting)?.release()
  await store.ask('DELETE', `kv/${name}?recurse`)
})

test('a ticket that another session holds than it names blocks nobody', async () => {
  const name = freshName()
  const session = await store.createSession({ TTL: '60s', Behavior: 'delete' })
  await write(`${name}/.line/deadbeef.1.1`, '', `?acquire=${session}`)
  const client = await store.client()
  expect(await client.survey(name)).toEqual([])
  await (await client.mutex(name).acquire({ waitMs: 5_000 })).release()
  await store.ask('DELETE', `kv/${name}?recurse`)
})

test('a waiter goes on when the session of the ticket before its own is taken from it', async () => {
  const name = freshName()
  const [one, two, three] = await store.clients(3)
  const hold = await one?.mutex(name).acquire()
  const second = two?.mutex(name).acquire()
  const [ticket] = await store.line(name, 1)
  const third = three?.mutex(name).acquire()
  await store.line(name, 2)
  await write(ticket?.key ?? '', '', `?release=${ticket?.session}`)
  await hold?.release()
  const holds = [second, third].map(async (waiting) => (await waiting)?.release())
  await Promise.all(holds)
  await store.ask('DELETE', `kv/${name}?recurse`) // the key that the operator left
})

test('a lock key of an unknown program is a conflict that names the key', async () => {
  const name = freshName()
  const session = await store.createSession({ TTL: '60s', Behavior: 'delete' })
  await write(`${name}/.lock`, '', `?acquire=${session}&flags=7`)
  const client = await store.client()
  await expect(client.mutex(name).acquire({ waitMs: 5_000 })).rejects.toMatchObject({
    code: 'LEASEHOLD_CONFLICT',
    message: expect.stringContaining(`the key is "${name}/.lock"`),
  })
  await store.ask('DELETE', `kv/${name}?recurse`)
})

test('a wait that ended for the sake of a holder does not speak of a lock-delay, and one in it does', async () => {
  const name = freshName()
  const session = await store.createSession({ TTL: '60s', Behavior: 'delete', LockDelay: '15s' })
  await write(`${name}/.lock`, '', `?acquire=${session}&flags=${lockFlags}`)
  const client = await store.client()
  const error = await client
    .mutex(name)
    .acquire({ waitMs: 500 })
    .catch((reason: Error) => reason)
  expect((error as Error).message).toContain(`held by session ${session}`)
  expect((error as Error).message).not.toContain('lock-delay')
  await store.destroySession(session)
  await expect(client.mutex(name).acquire({ waitMs: 500 })).rejects.toThrow(/lock-delay/)
})

test("a leader writes its value again after a stranger's kv put on its key, and the candidates behind it wait on", async () => {
  const name = freshName()
  const [one, two] = await store.clients(2)
  const term = await (one as Leasehold).election(name).campaign({ value: 'ours' })
  await term.proclaim('ours, anew')
  await write(`${name}/.lock`, 'x')

  await term.verify()
  expect(await store.key(`${name}/.lock`)).toMatchObject({ value: 'ours, anew', flags: lockFlags })
  expect(await two?.election(name).leader()).toMatchObject({ value: 'ours, anew', token: term.token })
  const next = (two as Leasehold).election(name).campaign({ value: 'next' })
  await store.line(name, 1)
  await term.proclaim('ours, again')
  expect(term.held).toBe(true)
  await write(`${name}/.lock`, 'y')
  // The leader looks by itself, well within a time to live.
  await until(async () => (await store.key(`${name}/.lock`))?.value === 'ours, again', {
    describe: () => 'the value of the leader',
    deadlineMs: 10_000,
  })
  await term.resign()
  expect((await next).token).toBeGreaterThan(term.token)
})

test.for(['acquire', 'tryAcquire'] as const)(
  'a key that a Go program left behind when it unlocked is taken over by %s',
  async (verb) => {
    const name = freshName()
    const client = await store.client()
    await store.put(`${name}/.lock`, 'left by Go', `flags=${lockFlags}`)
    const { modified } = (await store.key(`${name}/.lock`)) ?? { modified: 0 }

    const hold = await client.mutex(name)[verb]()

    await hold?.verify()
    expect(hold?.token).toBeGreaterThan(BigInt(modified))
    expect((await store.key(`${name}/.lock`))?.flags).toBe(lockFlags)
    await hold?.release()
  },
)

test('a waiter for a Go program gets the lock when the program unlocks and leaves the key', async () => {
  const name = freshName()
  const session = await store.createSession()
  await store.put(`${name}/.lock`, 'Go', `flags=${lockFlags}&acquire=${session}`)
  const waiting = (await store.client()).mutex(name).acquire()
  await store.line(name, 1)

  await store.put(`${name}/.lock`, 'Go', `flags=${lockFlags}&release=${session}`)

  await (await waiting).verify()
})

test.for([
  ['0', 'a value'],
  ['0', ''],
  ['42', '{"Limit":3,"Holders":{}}'],
  ['3304740253564472300', 'flags that a number of JavaScript rounded'],
  ['18446744073709551615', 'all bits'],
])('a key of somebody else with flags %s is a conflict, and stays as it was', async ([flags, value]) => {
  const name = freshName()
  await store.put(`${name}/.lock`, value as string, `flags=${flags}`)
  const before = await store.keys()
  const client = await store.client()

  for (const other of [client.mutex(name), client.semaphore(name, { permits: 3 })]) {
    await expect(other.acquire({ waitMs: 5_000 })).rejects.toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
    await expect(other.tryAcquire()).rejects.toThrow(`${name}/.lock`)
  }

  expect(await store.keys()).toEqual(before)
  await store.delete(`${name}/.lock`)
})

test('a key of somebody else that a session holds is a conflict, and stays as it was', async () => {
  const name = freshName()
  const session = await store.createSession()
  await store.put(`${name}/.lock`, 'mine', `acquire=${session}`)
  const before = await store.keys()
  const client = await store.client()

  for (const other of [client.mutex(name), client.semaphore(name, { permits: 3 })]) {
    await expect(other.acquire({ waitMs: 5_000 })).rejects.toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
  }

  expect(await store.keys()).toEqual(before)
  await store.delete(`${name}/.lock`)
})

const dead = '11111111-2222-3333-4444-555555555555'

test.for([
  ['no value', ''],
  ['null for a value', 'null'],
  ['garbage', '\u0000{"Limit'],
  ['null for holders', '{"Limit":3,"Holders":null}'],
  ['no holders at all', '{"Limit":3}'],
  ['dead holders', `{"Limit":3,"Holders":{"${dead}":true,"a":true,"b":true}}`],
  ['another limit', '{"Limit":7,"Holders":{}}'],
  ['another limit and dead holders', `{"Limit":1,"Holders":{"${dead}":true}}`],
])(
  'a list of holders that is left behind with %s is taken over, for consul lock as well',
  async ([, value]) => {
    const name = freshName()
    await store.put(`${name}/.lock`, value as string, `flags=${semaphoreFlags}`)
    const semaphore = (await store.client()).semaphore(name, { permits: 3 })

    const holds = [await semaphore.acquire(), await semaphore.tryAcquire()]
    const theirs = await ConsulLock.start(store.cluster.address, name, { permits: 3 })
    await theirs.held
    expect(await semaphore.tryAcquire()).toBeUndefined()

    const { value: list = '' } = (await store.key(`${name}/.lock`)) ?? {}
    expect(JSON.parse(list).Limit).toBe(3)
    expect(Object.keys(JSON.parse(list).Holders)).toHaveLength(3)
    expect(list).not.toContain(dead)
    for (const hold of holds) await hold?.release()
    expect(await theirs.release()).toBe(0)
    expect(theirs.stderr).toBe('')
  },
)

test('another limit counts as long as a waiter of consul lock is there, though nobody holds', async () => {
  const name = freshName()
  const session = await store.createSession({ Behavior: 'delete' })
  await store.put(`${name}/.lock`, '{"Limit":7,"Holders":{}}', `flags=${semaphoreFlags}`)
  await store.put(`${name}/${session}`, '', `flags=${semaphoreFlags}&acquire=${session}`)

  const asked = (await store.client()).semaphore(name, { permits: 3 }).acquire()

  await expect(asked).rejects.toThrow(/a semaphore with 7 permits/)
  await store.delete(`${name}/`, 'recurse')
})
