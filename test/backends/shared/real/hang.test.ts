// A server that hangs, with or without having applied the request, and does not answer. No caller has to wait for it.
import { describe, expect, test, vi } from 'vitest'
import { connect } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { moments } from '../../../servers/moments.ts'
import { realStores } from '../../../servers/real-stores.ts'

const gone = new Error('given up')
const verbs = ['acquire', 'tryAcquire'] as const
const kinds = ['mutex', 'semaphore'] as const
const both = kinds.flatMap((kind) => verbs.map((verb) => ({ kind, verb })))

describe.for(realStores)('on $title', ({ use }) => {
  const store = use()

  test.for(both)(
    'a $verb of a $kind that is aborted while the server hangs ends at once and leaves nothing',
    async ({ kind, verb }) => {
      const namespace = freshNamespace()
      const client = await store.client(namespace)
      const lock = kind === 'mutex' ? client.mutex('a') : client.semaphore('a', { permits: 2 })
      const { member } = store
      await freeze(member)
      const abort = new AbortController()

      const asked = lock[verb]({ signal: abort.signal })
      await moments.macrotasks(2) // long enough for the request to be sent
      const began = performance.now()
      abort.abort(gone)
      await expect(asked).rejects.toBe(gone)
      expect(performance.now() - began).toBeLessThan(500)
      member.cont()

      await (await lock.acquire()).release()
      await vi.waitFor(async () => expect(await store.names(namespace)).toEqual([]), {
        timeout: 10_000,
        interval: 10,
      })
      await client.close()
      expect(await store.sessions()).toEqual([])
    },
  )

  test('a limited wait for a server that hangs ends as an outage, not as a lock that is taken', async () => {
    const client = await store.client(freshNamespace())
    await freeze(store.member)

    // Longer than the first request, so that the time is over during a repetition.
    const waitMs = store.requestMs + 500
    const error = await client
      .mutex('a')
      .acquire({ waitMs })
      .catch((reason: unknown) => reason)

    expect(error).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
  })

  test('an acquire that asks a hanging server again rejects with exactly the reason of the abort', async () => {
    const client = await store.client(freshNamespace())
    const reasons = ['a word', Symbol('sign'), undefined, null, 7, new TypeError('of its own')]
    await freeze(store.member)

    const asked = reasons.map((reason, index) => {
      const abort = new AbortController()
      const outcome = client.mutex(`lock ${index}`).acquire({ signal: abort.signal })
      return { abort, reason, outcome: outcome.catch((error: unknown) => error) }
    })
    await moments.milliseconds(store.requestMs + 200)

    for (const { abort, reason, outcome } of asked) {
      abort.abort(reason)
      expect(await outcome).toBe(abort.signal.reason)
    }
  })

  test('close takes two requests at most when the server hangs, also with acquires under way', async () => {
    const namespace = freshNamespace()
    const client = await connect(store.source(namespace), { ttlMs: store.ttlMs })
    const theirs = await (await store.client(namespace)).mutex('theirs').acquire()
    await client.mutex('held').acquire()
    const name = (error: Error): string => error.name
    const waiting = client.mutex('theirs').acquire().catch(name)
    await store.line(namespace, 'theirs', { holders: 1, waiters: 1 })
    const { member } = store
    await freeze(member)
    const asking = client.mutex('free').acquire().catch(name)
    await moments.macrotasks(2)

    const began = performance.now()
    await client.close()

    expect(performance.now() - began).toBeLessThan(2 * store.requestMs + 1_000)
    expect(await Promise.all([waiting, asking])).toEqual(['ClosedError', 'ClosedError'])
    member.cont()
    await theirs.release()
  })

  test('close takes two requests at most when the server hangs while a new session is opened', async () => {
    const client = await connect(store.source(freshNamespace(), { noDelay: true }), { ttlMs: store.ttlMs })
    const hold = await client.mutex('a').acquire()
    const { member } = store
    await freeze(member)
    await until(async () => !hold.held, { describe: () => 'the loss', deadlineMs: 2 * store.ttlMs })
    const pending = client
      .mutex('a')
      .acquire()
      .catch((error: Error) => error.name)
    await moments.milliseconds(50)

    const began = performance.now()
    await client.close()

    expect(performance.now() - began).toBeLessThan(2 * store.requestMs + 1_000)
    expect(await pending).toBe('ClosedError')
    member.cont()
  })
})
