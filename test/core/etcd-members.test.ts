// When the client of etcd leaves a member: if it is silent, not if it is only slow with many requests.
import type { ITxnResponse } from 'etcd3'
import { expect, test } from 'vitest'
import { EtcdClient } from '../../src/backends/etcd/wire/client.ts'
import type { Endpoint, Link } from '../../src/backends/etcd/wire/link.ts'
import { untilAborted } from '../../src/base/abort.ts'
import { UnavailableError } from '../../src/base/errors.ts'

/** Members whose requests the test answers. */
class Cluster {
  /** The members to which a connection was made, in order. */
  readonly connected: number[] = []
  readonly #answers: ((answer: ITxnResponse) => void)[] = []
  readonly client = new EtcdClient([0, 1].map((index) => this.#member(index)))

  /** Sends a request, and resolves with undefined or with the error. */
  ask(signal: AbortSignal): Promise<unknown> {
    return this.client.txn({ compare: [], success: [], failure: [] }, signal).then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  /** Answers the request that was sent as the nth. */
  async answer(index: number): Promise<void> {
    this.#answers[index]?.({} as ITxnResponse)
    await new Promise(setImmediate)
  }

  #member(index: number): Endpoint {
    const link = {
      txn: (_: unknown, signal: AbortSignal) =>
        untilAborted<ITxnResponse>(signal, ({ resolve }) => {
          this.#answers.push(resolve)
          return () => {}
        }),
      translate: (error: unknown) => error,
      isDenied: () => false,
      close() {},
    }
    return {
      connect: () => {
        this.connected.push(index)
        return link as unknown as Link
      },
    }
  }
}

test('a member that answers other requests is not left because one request takes too long', async () => {
  const cluster = new Cluster()
  const limit = new AbortController()
  const slow = cluster.ask(limit.signal)
  const other = cluster.ask(new AbortController().signal)
  await cluster.answer(1)
  expect(await other).toBeUndefined()
  limit.abort(new UnavailableError('too late'))
  expect(await slow).toBeInstanceOf(UnavailableError)
  void cluster.ask(new AbortController().signal)
  expect(cluster.connected).toEqual([0])
})

test('a member that falls silent is left by the first request that was sent after its last answer', async () => {
  const cluster = new Cluster()
  const limits = [new AbortController(), new AbortController()] as const
  const early = cluster.ask(limits[0].signal)
  void cluster.ask(new AbortController().signal)
  await cluster.answer(1)
  const late = cluster.ask(limits[1].signal)
  limits[0].abort(new UnavailableError('too late'))
  limits[1].abort(new UnavailableError('too late'))
  expect(await Promise.all([early, late])).toEqual([
    expect.any(UnavailableError),
    expect.any(UnavailableError),
  ])
  void cluster.ask(new AbortController().signal)
  expect(cluster.connected).toEqual([0, 1])
})
