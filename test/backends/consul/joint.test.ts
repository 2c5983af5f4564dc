// Which transactions of Consul's mutexes go together, over the data of a simulated server that the test lets answer or not.
import { expect, test } from 'vitest'
import { ConsulBackend } from '../../../src/backends/consul/backend.ts'
import { Joint } from '../../../src/backends/consul/joint.ts'
import { Layout, lockFlags } from '../../../src/backends/consul/layout.ts'
import type { Operation, Transport, TxnOutcome } from '../../../src/backends/consul/wire/transport.ts'
import { untilAborted } from '../../../src/base/abort.ts'
import { RefusedError, UnavailableError } from '../../../src/base/errors.ts'
import type { Claim } from '../../../src/contract.ts'
import { claimOf } from '../../../src/testing/conformance/case.ts'
import { ConsulState } from '../../../src/testing/consul/state.ts'
import { ManualClock } from '../../core/manual-clock.ts'

const never = new AbortController().signal
const names = Array.from({ length: 90 }, (_, index) => `n${index}`)

/** A server, and the transactions that reached it. */
class Server {
  readonly state = new ConsulState()
  readonly clock = new ManualClock()
  readonly sent: (readonly Operation[])[] = []
  /** Makes a transaction fail, or be lost. */
  meet: (operations: readonly Operation[]) => Error | 'lost' | undefined = () => undefined
  #sessions = 0

  get transport(): Transport {
    const transport: Partial<Transport> = {
      createSession: async () => {
        this.#sessions += 1
        this.state.createSession(`s${this.#sessions}`)
        return `s${this.#sessions}`
      },
      txn: (operations, signal) => this.#txn(operations, signal),
      read: async (target) => this.state.read(target),
    }
    return transport as Transport
  }

  async session(): Promise<{ backend: ConsulBackend; id: string }> {
    const { transport, clock } = this
    const backend = new ConsulBackend(transport, {
      ...{ layout: new Layout(''), clock, checks: [], lockDelayMs: 0 },
    })
    const { id } = await backend.createSession(10_000, never)
    return { backend, id }
  }

  async #txn(operations: readonly Operation[], signal: AbortSignal): Promise<TxnOutcome> {
    this.sent.push(operations)
    const met = this.meet(operations)
    if (met === 'lost') return untilAborted<TxnOutcome>(signal, () => () => {})
    if (met) throw met
    await Promise.resolve()
    return this.state.txn(operations, () => false)
  }
}

const standing = ({ state }: Server): string[] => state.read({ prefix: 'n' }).entries.map(({ key }) => key)
const sizes = ({ sent }: Server): number[] => sent.map(({ length }) => length)

async function held(server: Server): Promise<{ backend: ConsulBackend; claims: Claim[] }> {
  const { backend, id } = await server.session()
  const claims = names.map((name) => claimOf(name, id))
  const answers = await Promise.all(claims.map((claim) => backend.attempt(claim, never)))
  const keys = names.map((name) => server.state.read({ key: `${name}/.lock` }).entries[0])
  expect(answers.map((answer) => answer.held && answer.token)).toEqual(
    keys.map((key) => BigInt(key?.modifyIndex ?? 0)),
  )
  return { backend, claims }
}

test('ninety mutexes of one moment are taken and given back by few transactions of 64 operations at most', async () => {
  const server = new Server()
  const { backend, claims } = await held(server)
  // Two by themselves, then sixteen together, with four operations each.
  expect(sizes(server)).toEqual([4, 4, 64, 64, 64, 64, 64, 32])
  expect(standing(server).length).toBe(names.length)
  server.sent.length = 0
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(sizes(server)).toEqual([1, 1, 64, 24])
  expect(standing(server)).toEqual([])
})

test('a mutex that is taken waits, and those that were asked for with it go together once more and hold', async () => {
  const server = new Server()
  const [one, other] = [await server.session(), await server.session()]
  await one.backend.attempt(claimOf('n50', one.id), never)
  server.sent.length = 0
  const claims = names.map((name) => claimOf(name, other.id))
  const answers = await Promise.all(claims.map((claim) => other.backend.attempt(claim, never)))
  expect(answers.flatMap((answer, index) => (answer.held ? [] : [names[index]]))).toEqual(['n50'])
  expect(answers[50]).toMatchObject({ held: false, ahead: 1 })
  // The transaction that failed, the rest of it, and the way into the line.
  expect(server.sent.length).toBe(8 + 2)
})

test('if two have changed one after the other, each of the others is done by itself', async () => {
  const server = new Server()
  const [one, other] = [await server.session(), await server.session()]
  await one.backend.attempt(claimOf('n50', one.id), never)
  server.meet = (operations) => {
    const isRest = operations.length === 60
    if (isRest)
      server.state.txn(
        [{ verb: 'lock', key: 'n51/.lock', value: '', flags: lockFlags, session: one.id }],
        () => false,
      )
    return undefined
  }
  const answers = await Promise.all(
    names.map((name) => other.backend.attempt(claimOf(name, other.id, { wait: false }), never)),
  )
  expect(answers.flatMap((answer, index) => (answer.held ? [] : [names[index]]))).toEqual(['n50', 'n51'])
})

test('a mutex that another client broke and took stays taken when its first holder gives back many', async () => {
  const server = new Server()
  const { backend, claims } = await held(server)
  const next = await server.session()
  server.state.txn([{ verb: 'delete', key: 'n50/.lock' }], () => false)
  await next.backend.attempt(claimOf('n50', next.id), never)
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(server.state.read({ prefix: 'n' }).entries.map(({ key, session }) => [key, session])).toEqual([
    ['n50/.lock', next.id],
  ])
})

test('a transaction that is refused together with others is refused by itself, and the others are done', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  server.meet = (operations) =>
    operations.some(({ key }) => key.startsWith('n50/')) ? new RefusedError('no permission') : undefined
  const outcomes = await Promise.allSettled(names.map((name) => backend.attempt(claimOf(name, id), never)))
  expect(outcomes.flatMap(({ status }, index) => (status === 'rejected' ? [names[index]] : []))).toEqual([
    'n50',
  ])
  expect(standing(server).length).toBe(names.length - 1)
})

test('claims of which the common answer is lost can each be given up, and its late copy then changes nothing', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  server.meet = (operations) => (operations.length > 4 ? new UnavailableError('lost') : undefined)
  const claims = names.slice(0, 12).map((name) => claimOf(name, id))
  const asked = await Promise.allSettled(claims.map((claim) => backend.attempt(claim, never)))
  expect(asked.filter(({ status }) => status === 'fulfilled').length).toBe(2)
  const late = server.sent.at(-1) ?? []
  server.meet = () => undefined
  await Promise.all(claims.map((claim) => backend.withdraw(claim, never)))
  expect(server.state.txn(late, () => false).applied).toBe(false)
  expect(standing(server).filter((key) => !key.includes('/.withdrawn/'))).toEqual([])
})

test('a transaction that is lost delays the next ones by 5 ms', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  server.meet = () => (server.sent.length <= 3 ? 'lost' : undefined)
  const asked = names.map((name) => backend.attempt(claimOf(name, id), never))
  for (const each of asked) each.catch(() => {})
  await server.clock.advance(4)
  expect(server.sent.length).toBe(3)
  await server.clock.advance(1)
  expect((await asked.at(-1))?.held).toBe(true)
})

test('claims with long values are sent one by one', async () => {
  const server = new Server()
  const { backend, id } = await server.session()
  const value = 'x'.repeat(5_000)
  await Promise.all(names.map((name) => backend.attempt(claimOf(name, id, { value }), never)))
  expect(new Set(sizes(server))).toEqual(new Set([4]))
})

test('the answer to one of several transactions has the keys of that one only', async () => {
  const server = new Server()
  await server.session()
  const joint = new Joint(server.transport, server.clock, 0)
  const outcomes = await Promise.all(
    names.map((name) => joint.txn(name, [{ verb: 'set', key: name, value: name }], never)),
  )
  const keys = outcomes.map((outcome) => outcome.applied && outcome.entries.map(({ key }) => key))
  expect(keys).toEqual(names.map((name) => [name]))
})
