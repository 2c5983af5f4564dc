// Which transactions of etcd's backend go together, over the data of a simulated server that the test lets answer or not.
import type { ITxnRequest, ITxnResponse } from 'etcd3'
import { expect, test } from 'vitest'
import { EtcdBackend } from '../../src/backends/etcd/backend.ts'
import { Layout } from '../../src/backends/etcd/layout.ts'
import { untilAborted } from '../../src/base/abort.ts'
import { RefusedError } from '../../src/base/errors.ts'
import type { Claim } from '../../src/contract.ts'
import { claimOf } from '../../src/testing/conformance/case.ts'
import { EtcdState } from '../../src/testing/etcd/state.ts'
import { ManualClock } from './manual-clock.ts'
import { scripted } from './scripted-transport.ts'

const never = new AbortController().signal
const names = Array.from({ length: 90 }, (_, index) => `n${index}`)

/** A server, and how many conditions each transaction had that reached it. */
class Server {
  readonly state = new EtcdState()
  readonly clock = new ManualClock()
  readonly conditions: number[] = []
  /** Makes a transaction fail, or be lost. */
  meet: (request: ITxnRequest) => Error | 'lost' | undefined = () => undefined

  async session(): Promise<{ backend: EtcdBackend; id: string }> {
    const transport = scripted({
      txn: (request, signal) => this.#txn(request, signal),
      grant: async (lease, seconds) => {
        this.state.grant(lease)
        return seconds
      },
    })
    const backend = new EtcdBackend(transport, new Layout(''), this.clock)
    const { id } = await backend.createSession(10_000, never)
    return { backend, id }
  }

  async #txn(request: ITxnRequest, signal: AbortSignal): Promise<ITxnResponse> {
    this.conditions.push(request.compare?.length ?? 0)
    const met = this.meet(request)
    if (met === 'lost') return untilAborted<ITxnResponse>(signal, () => () => {})
    if (met) throw met
    await Promise.resolve()
    return this.state.txn(request)
  }
}

const standing = ({ state }: Server): string[] => state.range('n', 'o').map(({ key }) => key)

async function held(server: Server): Promise<{ backend: EtcdBackend; claims: Claim[] }> {
  const { backend, id } = await server.session()
  const claims = names.map((name) => claimOf(name, id))
  const answers = await Promise.all(claims.map((claim) => backend.attempt(claim, never)))
  expect(answers.map((answer) => answer.held)).toEqual(names.map(() => true))
  return { backend, claims }
}

test('ninety names of one moment take few transactions, and each claim has its own key and can go', async () => {
  const server = new Server()
  const { backend, claims } = await held(server)
  // Two by themselves, then forty and forty and the rest: each claim has two conditions.
  expect(server.conditions).toEqual([2, 2, 80, 80, 16])
  expect(standing(server).length).toBe(names.length)
  const [first, ...more] = claims as [Claim, ...Claim[]]
  await backend.withdraw(first, never)
  expect(standing(server).some((key) => key.startsWith(`${first.name}/`))).toBe(false)
  await Promise.all(more.map((claim) => backend.withdraw(claim, never)))
  expect(standing(server)).toEqual([])
})

test('a claim knows the claim ahead of it, and the others that went together with it hold', async () => {
  const server = new Server()
  const [one, other] = [await server.session(), await server.session()]
  await one.backend.attempt(claimOf('n50', one.id), never)
  const asked = names.map((name) => other.backend.attempt(claimOf(name, other.id), never))
  const answers = await Promise.all(asked)
  expect(answers.flatMap((answer, index) => (answer.held ? [] : [names[index]]))).toEqual(['n50'])
  expect(answers[50]).toMatchObject({ held: false, ahead: 1 })
})

test('if the condition of one fails, nothing of all is done, and each is done by itself', async () => {
  const server = new Server()
  const { backend, claims } = await held(server)
  const broken = claims[50] as Claim
  const own = server.state.range(`${broken.name}/`, `${broken.name}0`)[0]?.key ?? ''
  const remove = { request_delete_range: { key: Buffer.from(own) } }
  const put = { request_put: { key: Buffer.from(own), value: Buffer.from('the next claim'), lease: '0' } }
  server.state.txn({ success: [remove] })
  server.state.txn({ success: [put] })
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(standing(server)).toEqual([own])
})

test('a transaction that is refused together with others is refused by itself, and the others are done', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  server.meet = ({ success }) =>
    success?.some(({ request_put: each }) => String(each?.key).startsWith('n50/'))
      ? new RefusedError('no permission')
      : undefined
  const asked = names.map((name) => backend.attempt(claimOf(name, id), never))
  const outcomes = await Promise.allSettled(asked)
  expect(outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [names[index]] : []))).toEqual([
    'n50',
  ])
  expect(standing(server).length).toBe(names.length - 1)
})

test('claims of one name never go together, since they would have one place in line', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  const claims = names.map((_, index) => claimOf('n0', id, { permits: 4, id: String(index) }))
  const answers = await Promise.all(claims.map((claim) => backend.attempt(claim, never)))
  expect(new Set(server.state.range('n0/', 'n00').map(({ created }) => created)).size).toBe(names.length)
  expect(answers.filter((answer) => answer.held).length).toBe(4)
})

test('permits of one name that are given back at one moment take few transactions, and all are free', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  const claims = names.map((_, index) => claimOf('n0', id, { permits: names.length, id: String(index) }))
  for (const claim of claims) await backend.attempt(claim, never)
  server.conditions.length = 0
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(server.conditions.length).toBeLessThan(8)
  expect(standing(server)).toEqual([])
})

test('a claim that joins a line does not go together with the end of a claim in that line', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  const claimed = (index: number): Claim => claimOf('n0', id, { permits: 100, id: String(index) })
  const claims = names.map((_, index) => claimed(index))
  for (const claim of claims) await backend.attempt(claim, never)
  const kinds: string[][] = []
  server.meet = ({ success = [] }) => {
    const isLost = success.some(({ request_put: each }) => /^n[12]\//.test(String(each?.key)))
    if (!isLost) kinds.push([...new Set(success.map((each) => Object.keys(each)[0] ?? ''))])
    return isLost ? 'lost' : undefined
  }
  // While these two have no answer, others may go together.
  for (const name of ['n1', 'n2']) backend.attempt(claimOf(name, id), never).catch(() => {})
  const ends = claims.map((claim) => backend.withdraw(claim, never))
  const joins = [backend.attempt(claimed(100), never)]
  await Promise.race(ends)
  joins.push(backend.attempt(claimed(101), never)) // some ends still wait
  await Promise.all([...ends, ...joins])
  const joining = kinds.filter((kind) => kind.includes('request_put'))
  expect(joining).toEqual(joins.map(() => ['request_range', 'request_put']))
  expect(kinds.filter((kind) => kind.includes('request_delete_range')).length).toBeLessThan(5)
})

test('a transaction that is lost delays the next ones by 20 ms', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  let lost = 0
  server.meet = () => {
    lost += 1
    return lost <= 3 ? 'lost' : undefined
  }
  const asked = names.map((name) => backend.attempt(claimOf(name, id), never))
  for (const each of asked) each.catch(() => {})
  await server.clock.advance(19)
  expect(server.conditions.length).toBe(3)
  await server.clock.advance(1)
  const { held: last } = await (asked.at(-1) as (typeof asked)[number])
  expect(last).toBe(true)
})

test('a caller that gives up gets its reason at once, and its late claim finds the tombstone', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  const late: ITxnRequest[] = []
  server.meet = (request) => {
    late.push(request)
    return late.length > 2 ? 'lost' : undefined
  }
  const limit = new AbortController()
  const claims = names.slice(0, 5).map((name) => claimOf(name, id))
  const asked = claims.map((claim, index) => backend.attempt(claim, index === 4 ? limit.signal : never))
  for (const each of asked) each.catch(() => {})
  await Promise.all(asked.slice(0, 2))
  limit.abort('given up')
  await expect(asked[4]).rejects.toBe('given up')
  server.meet = () => undefined
  await backend.withdraw(claims[4] as Claim, never)
  server.state.txn(late[2] as ITxnRequest)
  expect(standing(server).length).toBe(2)
})

/** A server that was started with `--max-txn-ops`. */
function taking(most: number): Server {
  const server = new Server()
  server.meet = ({ compare, success, failure }) =>
    Math.max(...[compare, success, failure].map((part) => part?.length ?? 0)) > most
      ? new RefusedError('etcd: too many operations in txn request')
      : undefined
  return server
}

test('a client of a server with --max-txn-ops 32 has two large transactions refused, and sends no more of them', async () => {
  const server = taking(32)
  const { backend, claims } = await held(server)
  const refused = () => server.conditions.filter((count) => count > 32)
  const learned = refused().length
  expect(refused()[0]).toBe(80)
  expect(learned).toBeLessThanOrEqual(3)
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(standing(server)).toEqual([])
  expect(refused().length).toBe(learned)
})

test('the holds of a client of such a server are verified', async () => {
  const { backend, claims } = await held(taking(32))
  const stand = await Promise.all(claims.map((claim) => backend.verify(claim, never)))
  expect(stand).toEqual(names.map(() => true))
})

test('waiters of such a server learn their places', async () => {
  const server = taking(8)
  const [one, other] = [await server.session(), await server.session()]
  const own = (id: string, count: number) =>
    Array.from({ length: count }, (_, index) => claimOf('n0', id, { permits: 4, id: String(index) }))
  for (const claim of own(one.id, 40)) await one.backend.attempt(claim, never)
  const answers = await Promise.all(own(other.id, 10).map((claim) => other.backend.attempt(claim, never)))
  const places = answers.map((answer) => (answer.held ? 0 : answer.ahead)).sort()
  expect(places).toEqual(answers.map((_, place) => 37 + place))
})

test('a claim that alone has too many changes is refused, since it cannot be divided', async () => {
  const server = taking(8)
  const { backend, id } = await server.session()
  const heavy = claimOf('n0', id, { permits: 20, weight: 20 })
  await expect(backend.attempt(heavy, never)).rejects.toThrow(RefusedError)
})
