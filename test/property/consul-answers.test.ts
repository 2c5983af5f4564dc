// The connection to Consul with a peer that answers late, twice, in pieces, cut short, for another request or not at all.
// The simulated Consul replaces this connection, so no other property covers it. Owns the peer and the judgement.
import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../../src/backends/consul/wire/client.ts'
import { server } from '../../src/backends/consul/wire/servers.ts'
import { systemClock } from '../../src/base/clock.ts'
import { UnavailableError } from '../../src/base/errors.ts'
import { until } from '../../tools/servers/wait.mjs'
import { listening } from '../servers/consul-wire.ts'
import { holdsForAll, isReplay } from './draw.ts'

const kinds = ['whole', 'pieces', 'chunked', 'twice', 'another', 'cut', 'reset', 'ill', 'silent'] as const
type Kind = (typeof kinds)[number]

/** One request, and how the peer treats it. */
interface Step {
  readonly kind: Kind
  /** After how many ms the peer answers. */
  readonly afterMs: number
  /** After how many ms the caller gives up; undefined if it waits for the answer. */
  readonly giveUpMs: number | undefined
  /** How long after the one before it is sent. */
  readonly restMs: number
}

const soon = fc.integer({ min: 0, max: 6 })
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  afterMs: soon,
  giveUpMs: fc.option(soon, { nil: undefined }),
  restMs: fc.integer({ min: 0, max: 3 }),
})

const patience = 60
const reached = new Set<string>()

test('no request gets the answer of another one, whatever a peer sends and a caller gives up, and no socket stays', async ({
  task,
}) => {
  await holdsForAll(task, fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), run), {
    numRuns: 60,
  })
  if (!isReplay()) expect([...reached].sort()).toEqual([...kinds, 'given up'].sort())
})

async function run(steps: readonly Step[]): Promise<void> {
  const sockets = new Set<Socket>()
  const peer = createServer((socket) => {
    sockets.add(socket.setNoDelay())
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    serve(socket, steps)
  })
  onTestFinished(() => void peer.close())
  const client = new ConsulClient(systemClock(), [server(await listening(peer), {})])
  const asked: Promise<void>[] = []
  for (const [which, each] of steps.entries()) {
    if (each.restMs > 0) await pause(each.restMs)
    asked.push(ask(client, which, each))
  }
  await Promise.all(asked)
  client.close()
  await until(async () => sockets.size === 0, { describe: () => `no socket, not ${sockets.size}` })
  peer.close()
}

/** Sends one request and judges its outcome: its own answer, an outage, or the caller's own reason. */
async function ask(client: ConsulClient, which: number, { kind, giveUpMs }: Step): Promise<void> {
  const abort = new AbortController()
  const timer = setTimeout(() => abort.abort('enough'), giveUpMs ?? patience)
  const key = `k${which}`
  const asked =
    which % 2 === 0
      ? client.read({ key }, abort.signal)
      : client.txn([{ verb: 'set', key, value: '' }], abort.signal).then((outcome) => {
          return outcome.applied ? outcome : expect.fail('a refusal that nobody sent')
        })
  try {
    const { entries } = await asked
    expect(entries.map((entry) => entry.key)).toEqual([key])
    expect(['whole', 'pieces', 'chunked', 'twice']).toContain(kind)
    reached.add(kind)
  } catch (error) {
    if (abort.signal.aborted) return void reached.add(giveUpMs === undefined ? kind : 'given up')
    expect(error).toBeInstanceOf(UnavailableError)
    reached.add(kind)
  } finally {
    clearTimeout(timer)
  }
}

/** Answers the requests that come over one socket, one after another. */
function serve(socket: Socket, steps: readonly Step[]): void {
  let heard = ''
  socket.on('data', (bytes) => {
    heard += bytes
    const [, method, target] = /^(GET|PUT) (\S+) /.exec(heard) ?? []
    const which = Number(/"Key":"k(\d+)"|\/kv\/k(\d+)/.exec(heard)?.slice(1).find(Boolean))
    const isWhole = method === 'GET' ? heard.endsWith('\r\n\r\n') : heard.endsWith(']')
    if (!target || !isWhole) return
    heard = ''
    const asked = steps[which] as Step
    setTimeout(() => answer(socket, asked.kind, method === 'GET', which), asked.afterMs)
  })
}

function answer(socket: Socket, kind: Kind, isRead: boolean, which: number): void {
  const entry = {
    ...{ Key: `k${kind === 'another' ? which + 2 : which}`, Value: null, Flags: 0 },
    ...{ CreateIndex: 1, ModifyIndex: 1, LockIndex: 0 },
  }
  const text = JSON.stringify(isRead ? [entry] : { Results: [{ KV: entry }], Errors: null })
  const head = (status: string, length: string): string =>
    `HTTP/1.1 ${status}\r\nX-Consul-Index: 5\r\n${length}\r\n\r\n`
  const whole = `${head('200 OK', `Content-Length: ${text.length}`)}${text}`
  const half = text.length >> 1
  if (kind === 'silent') return
  if (kind === 'reset') return void socket.resetAndDestroy()
  if (kind === 'cut') return void socket.end(whole.slice(0, -half))
  if (kind === 'ill') return void socket.write(`${head('500 Ill', 'Content-Length: 3')}ill`)
  if (kind === 'twice') {
    socket.write(whole)
    return void setTimeout(() => socket.write(whole), 1) // when the socket may have the next request, or none
  }
  if (kind === 'chunked') {
    const chunk = (part: string): string => `${part.length.toString(16)}\r\n${part}\r\n`
    const parts = [text.slice(0, half), text.slice(half), ''].map(chunk).join('')
    return void socket.write(`${head('200 OK', 'Transfer-Encoding: chunked')}${parts}`)
  }
  if (kind !== 'pieces') return void socket.write(whole)
  socket.write(whole.slice(0, -half))
  setTimeout(() => socket.write(whole.slice(-half)), 2)
}
