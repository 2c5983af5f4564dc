// The list of a semaphore's holders when one client changes it for several claims, over the simulated data of Consul: how many
// requests that costs, and that it changes nothing about order and tokens.
import { expect, test } from 'vitest'
import type { Claim } from '../../../src/contract.ts'
import { datacenter, never, type Waiting } from './list-clients.ts'

test('permits that a client gives back at the same moment leave the list in one transaction', async () => {
  const { state, client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(4), await one.holds(4), await one.holds(4)]
  one.writes()

  await Promise.all(claims.map((claim) => one.backend.withdraw(claim, never)))

  expect(one.writes()).toHaveLength(1)
  expect(state.read({ prefix: '' }).entries).toEqual([])
})

test('a permit that a client gives back is that of its own next waiter with the same request', async () => {
  const { client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(2), await one.holds(2)]
  await one.spare(3)
  const { next } = await one.waits(2)
  one.writes()

  await one.backend.withdraw(claims[1] as Claim, never)

  expect(await next).toMatchObject({ held: true })
  expect(one.writes()).toHaveLength(1)
})

test('claims of one client that hold one after the other have tokens of their own', async () => {
  const { client } = await datacenter()
  const one = await client('one')
  const claims = [await one.holds(3), await one.holds(3), await one.holds(3)]
  const waiting = [await one.waits(3), await one.waits(3)]

  await Promise.all(claims.map((claim) => one.backend.withdraw(claim, never)))
  const answers = await Promise.all(
    waiting.map(async ({ claim, next }) => (await next) ?? (await one.backend.attempt(claim, never))),
  )

  const tokens = answers.map((answer) => (answer.held ? answer.token : 0n))
  expect(tokens[0]).toBeGreaterThan(0n)
  expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0n)
})

test('a claim of this client behind one of another client waits until that one has had its turn', async () => {
  const { client } = await datacenter()
  const [one, other] = [await client('one'), await client('other')]
  const claims = [await one.holds(2), await one.holds(2)]
  await one.spare(4)
  const own = await one.waits(2)
  const foreign = await other.waits(2)
  const last = await one.waits(2)

  for (const claim of claims) await one.backend.withdraw(claim, never)

  expect((await own.next) ?? (await one.backend.attempt(own.claim, never))).toMatchObject({ held: true })
  const turn = (await foreign.next) ?? (await other.backend.attempt(foreign.claim, never))
  expect(turn).toMatchObject({ held: true })
  expect(await one.backend.attempt(last.claim, never)).toMatchObject({ held: false })
})

test('a claim that saw no line joins the one that has formed since, and overtakes nobody', async () => {
  const { client } = await datacenter()
  const [one, other, late] = [await client('one'), await client('other'), await client('late')]
  const first = await one.holds(2)
  // Before the request with which the late claim takes the free permit, the list is filled, a claim waits, and a permit is free.
  let waiter: Promise<Waiting> | undefined
  const claim = late.claim(2)
  const fill = async (): Promise<void> => {
    await other.holds(2)
    waiter = other.waits(2)
    await waiter
    await one.backend.withdraw(first, never)
  }
  late.whenItTakes = fill

  const answer = await late.backend.attempt(claim, never)

  expect(answer.held).toBe(false)
  expect(await other.backend.attempt((await waiter)?.claim as Claim, never)).toMatchObject({ held: true })
})
