// The operator's view of a real Consul: claims of Leasehold and of `consul lock` among other data, and a broken lock
// or permit.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { encodeName } from '../../../../src/backends/consul/layout.ts'
import type { Hold, NameState } from '../../../../src/index.ts'
import { leasehold } from '../../../cli/leasehold.ts'
import { ConsulLock, type ConsulLockOptions } from '../../../servers/consul-lock.ts'
import { freshName, lockFlags, semaphoreFlags, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
const lock = (name: string, options?: ConsulLockOptions) =>
  ConsulLock.start(store.cluster.address, name, options)

/** Holders and waiters, by their sessions. */
function shape(states: readonly NameState[]): unknown[] {
  return states.map(({ name, permits, claims }) => [
    name,
    permits,
    claims.map(({ held, session }) => [held, session]),
  ])
}

async function lost({ signal }: Hold): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
  expect(signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
}

test('claims of consul lock, with one holder and with three, stand among ours, in order', async () => {
  const name = freshName()
  const [mutex, pool] = [`${name}/mutex`, `${name}/pool ü`]
  const client = await store.client()
  const theirs = await lock(mutex)
  await theirs.held
  const waiting = client.mutex(mutex).acquire()
  const [ticket] = await store.line(mutex, 1)
  const encoded = encodeName(pool)
  const others = [await lock(encoded, { permits: 3 }), await lock(encoded, { permits: 3 })]
  await Promise.all(others.map(({ held }) => held))
  const permit = await client.semaphore(pool, { permits: 3 }).acquire()
  const last = await lock(encoded, { permits: 3 })
  const contenders = (await store.contenders(encoded, 4)).map(({ session }) => session)

  const seen = await client.survey(name)

  const holder = (await store.key(`${mutex}/.lock`))?.session
  const listed = Object.keys(JSON.parse((await store.key(`${encoded}/.lock`))?.value ?? '').Holders)
  expect(shape(seen)).toEqual([
    [
      mutex,
      1,
      [
        [true, holder],
        [false, ticket?.session],
      ],
    ],
    [pool, 3, contenders.map((session) => [listed.includes(session ?? ''), session])],
  ])
  expect(seen[1]?.claims.map(({ held }) => held)).toEqual([true, true, true, false])
  expect(seen[1]?.claims.find(({ token }) => token === permit.token)?.held).toBe(true)
  await permit.release()
  await last.held
  for (const other of [theirs, ...others, last]) expect(await other.release(), other.stderr).toBe(0)
  await (await waiting).release()
})

test('other data of the datacenter is no claim, and neither is what a claim has left', async () => {
  const name = freshName()
  const client = await store.client()
  await store.put(`${name}/data`, 'x')
  await store.put(`${name}/a/.lock`, 'of nobody we know')
  await store.put(`${name}/b/.lock`, 'left by Go', `flags=${lockFlags}`)
  await store.put(`${name}/c/.lock`, '{"Limit":3,"Holders":{"dead":true}}', `flags=${semaphoreFlags}`)
  const session = await store.createSession({ Behavior: 'delete' })
  await store.put(`${name}/leader`, 'x', `acquire=${session}`)
  await store.put(`${name}/d/.lock`, 'x', `acquire=${session}`)
  const hold = await client.mutex(`${name}/e`).acquire()
  await hold.checkpoint('page 7')
  expect((await client.survey(name)).map((state) => state.name)).toEqual([`${name}/e`])
  await hold.release()
  expect(await client.survey(name)).toEqual([])
  await store.delete(`${name}/`, 'recurse')
})

test('names that only look like keys of other names are told as what they are', async () => {
  const name = freshName()
  const client = await store.client()
  const odd = ['/.line', '/.line/x', '/.lock', '/.', '..', ',2F', '/', ' '].map((end) => `${name}${end}`)
  const holds = await Promise.all(odd.map((each) => client.mutex(each).acquire()))
  const waiting = odd.map(async (each) => (await (await store.client()).mutex(each).acquire()).release())
  await expect
    .poll(async () => (await client.survey(name)).map((state) => [state.name, state.claims.length]))
    .toEqual(odd.toSorted().map((each) => [each, 2]))
  for (const hold of holds) await hold.release()
  await Promise.all(waiting)
})

test('consul lock that is robbed stops its command, and the next in line holds without a lock-delay', async () => {
  const name = freshName()
  const client = await store.client()
  const theirs = await lock(name)
  await theirs.held
  const waiting = client.mutex(name).acquire()
  await store.line(name, 1)
  const env = { LEASEHOLD_URL: `consul://${store.host}/` }
  const { stdout } = await leasehold(['ls', name, '--json'], { env }).ended
  const [{ holders }] = JSON.parse(stdout).names

  const began = performance.now()
  const { status } = await leasehold(['break', name, '--token', holders[0].token], { env }).ended
  const hold = await waiting

  expect(performance.now() - began).toBeLessThan(10_000) // the lock-delay of consul lock is 15 s
  expect(status).toBe(0)
  await theirs.exited
  expect(theirs.stderr).toContain('terminated')
  await hold.verify()
  await hold.release()
})

test('consul lock -n 3 that is robbed of its permit stops its command, and nobody else loses one', async () => {
  const name = freshName()
  const client = await store.client()
  const pool = client.semaphore(name, { permits: 3 })
  const [first, theirs] = [await pool.acquire(), await lock(name, { permits: 3 })]
  await theirs.held
  const second = await pool.acquire()
  const waiting = (await store.client()).semaphore(name, { permits: 3 }).acquire()
  await store.line(name, 1)
  const claims = (await client.survey(name))[0]?.claims ?? []
  const ours = [first.token, second.token]
  const robbed = claims.find(({ held, token }) => held && !ours.includes(token))

  expect(await client.break(name, robbed?.token ?? 0n)).toBe(true)

  const hold = await waiting
  await theirs.exited
  expect(theirs.stderr).toContain('terminated')
  for (const each of [first, second, hold]) {
    await each.verify()
    await each.release()
  }
})

test('a holder that is robbed of a mutex is told at once, consul lock holds, and the line moves on', async () => {
  const name = freshName()
  const [holder, waiter] = [await store.client(), await store.client()]
  const first = await holder.mutex(name).acquire()
  const again = holder.mutex(name)
  const waiting = waiter.mutex(name).acquire()
  await store.line(name, 1)
  await first.release()
  const hold = await waiting // with a ticket, since it has waited
  const behind = again.acquire()
  await store.line(name, 2)

  expect(await holder.break(name, hold.token)).toBe(true)

  await lost(hold)
  const next = await behind
  expect(next.token).toBeGreaterThan(hold.token)
  const theirs = await lock(name)
  await next.release()
  await theirs.held
  expect(await theirs.release()).toBe(0)
})

test('a checkpoint between look and break changes nothing about whom it hits', async () => {
  const name = freshName()
  const client = await store.client()
  const hold = await client.mutex(name).acquire()
  const token = (await client.survey(name))[0]?.claims[0]?.token
  await hold.checkpoint('page 7')
  expect(token).toBe(hold.token)
  expect(await client.break(name, hold.token)).toBe(true)
  await lost(hold)
  await store.delete(`${name}/.checkpoint`)
})
