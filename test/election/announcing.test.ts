// A leader in the catalog of services of a simulated Consul: from when to when its service is healthy.
import { expect, test } from 'vitest'
import { connect, type LeadOptions, type LeadWork, type Leasehold, RefusedError } from '../../src/index.ts'
import { simulatedConsul } from '../../src/testing/consul/index.ts'
import { SimConsul } from '../../src/testing/consul/server.ts'
import type { SimConsulTransport } from '../../src/testing/consul/transport.ts'
import { Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { World } from '../../src/testing/world.ts'

const service = { name: 'web', port: 80 }
const ttlMs = 10_000

interface Candidate {
  readonly process: SimProcess
  readonly client: Leasehold
  readonly errors: unknown[]
  /** The connection to the agent. */
  readonly transport: SimConsulTransport
  readonly stop: () => void
  tokens: bigint[]
}

class Stage {
  readonly world = new World(1)
  readonly network = new Network(this.world)
  readonly consul = new SimConsul(this.world)

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms)
  }

  /** A candidate whose work lasts until it is asked to stop, and for `lingerMs` after that. */
  async candidate(name: string, lingerMs = 0, options: LeadOptions = {}): Promise<Candidate> {
    const process = new SimProcess(this.world, name)
    const source = simulatedConsul(this.network, process, this.consul)
    const opening = connect(source, { clock: process, ttlMs })
    await this.pass(100)
    const client = await opening
    const [controller, errors, tokens] = [new AbortController(), [] as unknown[], [] as bigint[]]
    const work: LeadWork = async (term) => {
      tokens.push(term.token)
      await new Promise((resolve) => term.signal.addEventListener('abort', resolve))
      await new Promise<void>((resolve) => process.after(lingerMs, resolve))
    }
    const onError = (error: unknown): void => void errors.push(error)
    const { signal } = controller
    const lead = (): Promise<void> =>
      client.election('a').lead(work, { service, signal, onError, ...options })
    process.enter(() => void lead().catch(onError))
    await this.pass(300)
    const [transport] = source.transports as [SimConsulTransport]
    return { process, client, errors, tokens, transport, stop: () => process.enter(() => controller.abort()) }
  }
}

test('a leader is healthy for as long as it leads, and a standby never is', async () => {
  const stage = new Stage()
  const one = await stage.candidate('one')
  const two = await stage.candidate('two')
  for (let seconds = 0; seconds < 60; seconds += 1) {
    await stage.pass(1_000)
    expect(stage.consul.passing).toEqual([`web-${one.tokens[0]}`])
  }
  expect([...one.errors, ...two.tokens]).toEqual([])
})

test('its service is gone when the work is asked to stop, while the term still lasts', async () => {
  const stage = new Stage()
  const one = await stage.candidate('one', 5_000)
  const two = await stage.candidate('two')
  one.stop()
  await stage.pass(1_000)
  expect(stage.consul.passing).toEqual([])
  expect(two.tokens).toEqual([])
  await stage.pass(5_000)
  expect(stage.consul.passing).toEqual([`web-${two.tokens[0]}`])
  expect(two.errors).toEqual([])
})

test.each(['killed', 'cut off', 'stopped for a while', 'at an agent without servers'])(
  'the service of a leader that is %s is unhealthy before the next one leads',
  async (fault) => {
    const stage = new Stage()
    const one = await stage.candidate('one')
    const two = await stage.candidate('two')
    const faults: Record<string, () => void> = {
      killed: () => one.process.kill(),
      'cut off': () => stage.network.cut('one', 'consul', 'there'),
      'stopped for a while': () => one.process.freeze(120_000),
      'at an agent without servers': () => {
        one.transport.atStaleLeader = true
      },
    }
    faults[fault]?.()
    await stage.pass(2 * ttlMs)
    expect(stage.consul.passing).toEqual([])
    let seen: string[] = []
    for (let seconds = 0; seconds < 60 && two.tokens.length === 0; seconds += 1) {
      seen = [...seen, ...stage.consul.passing]
      await stage.pass(1_000)
    }
    expect(seen.filter((id) => id === `web-${one.tokens[0]}`)).toEqual([])
    expect(stage.consul.passing).toEqual([`web-${two.tokens[0]}`])
    await stage.pass(60_000)
    expect(stage.consul.passing).toEqual([`web-${two.tokens[0]}`])
  },
)

test('a service is healthy for no longer than the lock-delay of a session that ended unseen, wherever its leader stops', async () => {
  const stage = new Stage()
  const one = await stage.candidate('one')
  const two = await stage.candidate('two')
  const [session = ''] = one.transport.sessions
  one.transport.atStaleLeader = true // renewals succeed, and nothing else shows the end
  stage.consul.endEarly(session)
  await stage.pass(13_000)
  one.process.freeze(120_000)

  for (let ms = 0; ms < 20_000 && two.tokens.length === 0; ms += 100) await stage.pass(100)

  expect(two.tokens).toHaveLength(1)
  expect(stage.consul.passing.filter((id) => id === `web-${one.tokens[0]}`)).toEqual([])
})

test('a service that somebody removed is registered again', async () => {
  const stage = new Stage()
  const one = await stage.candidate('one')
  const id = `web-${one.tokens[0]}`
  stage.consul.deregisterService(id)
  await stage.pass(4_000)
  expect(stage.consul.passing).toEqual([id])
})

test('an agent that refuses is told once, and the term goes on', async () => {
  const stage = new Stage()
  stage.consul.passCheck = () => {
    throw new RefusedError('consul: Permission denied')
  }
  const one = await stage.candidate('one')
  await stage.pass(60_000)
  expect(one.errors).toEqual([expect.objectContaining({ message: 'consul: Permission denied' })])
  expect(one.tokens).toHaveLength(1)
  expect(stage.consul.passing).toEqual([])
})

test.each<[string, object, RegExp]>([
  ['no port', { name: 'web' }, /service\.port/],
  ['a port that is none', { name: 'web', port: 0 }, /service\.port: 0 is out of range/],
  ['a name that DNS cannot find', { name: 'a_b', port: 1 }, /service\.name: "a_b" cannot be found by DNS/],
  ['an unknown option', { name: 'a', port: 1, ttl: 1 }, /service\.ttl: is not an option/],
])('a service with %s is refused before anything is sent', async (_, wrong, message) => {
  const stage = new Stage()
  const { errors } = await stage.candidate('one', 0, { service: wrong as typeof service })
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })])
})

test('a store without a catalog refuses a service, and says which store has one', async () => {
  await using client = await connect('memory:')
  const leading = client.election('a').lead(() => {}, { service })
  await expect(leading).rejects.toThrow(
    new TypeError('service: memory has no catalog of services; Consul has one'),
  )
})
