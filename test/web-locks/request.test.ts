// `request` of the Web Locks API in memory: the life of a lock, its modes, `ifAvailable` and `signal`. The behaviours are those
// that the web platform tests check in browsers.
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import { ClosedError, ConflictError, connect, HoldLostError } from '../../src/index.ts'
import { type WebLock, type WebLockOptions, webLocks } from '../../src/web-locks/index.ts'
import { scene } from '../election/scene.ts'
import { ask, failure, open, states, twoClients } from './scene.ts'

describe('the callback', () => {
  test('gets the lock with its name, mode and token, and its result is that of the request', async () => {
    const { one } = await twoClients()
    let seen: WebLock | null = null
    const keep = (lock: WebLock | null): number => {
      seen = lock
      return 42
    }
    expect(await one.request('a', keep)).toBe(42)
    expect(seen).toMatchObject({ name: 'a', mode: 'exclusive', token: expect.any(BigInt) })
    expect(await one.request('a', { mode: 'shared' }, async (lock) => lock?.mode)).toBe('shared')
  })

  test('is not called before `request` has returned', async () => {
    const { one } = await twoClients()
    let called = false
    const done = one.request('a', () => {
      called = true
    })
    expect(called).toBe(false)
    await done
    expect(called).toBe(true)
  })

  test('keeps the lock until the promise that it returned has settled, and no longer', async () => {
    const { one, other } = await twoClients()
    const first = ask(one, 'a')
    await first.begun
    const second = ask(other, 'a')
    expect(await states(first, second)).toEqual(['works', 'waits'])
    expect(await first.end('result')).toBe('result')
    await second.begun
    await second.end()
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('of the work')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the work'))],
  ])('that %s rejects the request with its error, and releases the lock', async (_, work) => {
    const { one, other } = await twoClients()
    await expect(one.request('a', work)).rejects.toThrow(/^of the work$/)
    expect(await other.request('a', { ifAvailable: true }, (lock) => lock !== null)).toBe(true)
  })

  test('may ask for other names, and shares a name again that it shares', async () => {
    const { one } = await twoClients()
    const inner = () => one.request('a', { mode: 'shared' }, () => one.request('b', () => 'inner'))
    expect(await one.request('a', { mode: 'shared' }, inner)).toBe('inner')
  })
})

describe('the arguments', () => {
  const wrong: [what: string, ...given: unknown[]][] = [
    ['no callback', 'a'],
    ['no callback after options', 'a', {}, undefined],
    ['null as the callback', 'a', null],
    ['a number as the callback', 'a', 123],
    ['an object as the callback', 'a', {}],
    ['a callback before the options', 'a', () => {}, {}],
    ['a number as the name', 7, () => {}],
    ['an unknown mode', 'a', { mode: 'foo' }, () => {}],
    ['null as the mode', 'a', { mode: null }, () => {}],
    ['a text as the signal', 'a', { signal: 'string' }, () => {}],
    ['an object as the signal', 'a', { signal: { aborted: false } }, () => {}],
    ['a misspelt option', 'a', { ifavailable: true }, () => {}],
  ]
  test.each(wrong)('%s is a TypeError, and asks for nothing', async (_, ...given) => {
    const { one } = await twoClients()
    const request = one.request as (...given: unknown[]) => Promise<unknown>
    await expect(request.apply(one, given)).rejects.toThrow(TypeError)
    expect(await one.query()).toEqual({ held: [], pending: [] })
  })

  const excluded: [what: string, name: string, options: WebLockOptions][] = [
    ['a name that begins with "-"', '-a', {}],
    ['the name "-"', '-', {}],
    ['steal with ifAvailable', 'a', { steal: true, ifAvailable: true }],
    ['steal with the mode shared', 'a', { steal: true, mode: 'shared' }],
    ['steal with a signal', 'a', { steal: true, signal: new AbortController().signal }],
    ['ifAvailable with a signal', 'a', { ifAvailable: true, signal: new AbortController().signal }],
    ['ifAvailable with a signal that has aborted', 'a', { ifAvailable: true, signal: AbortSignal.abort() }],
  ]
  test.each(excluded)('%s is a NotSupportedError, and calls nothing', async (_, name, options) => {
    const { one } = await twoClients()
    const called = () => expect.unreachable()
    const error = await one.request(name, options, called).catch((reason) => reason)
    expect(error).toBeInstanceOf(DOMException)
    expect(error.name).toBe('NotSupportedError')
  })

  test('options that are undefined are none', async () => {
    const { one } = await twoClients()
    const nothing = undefined as unknown as WebLockOptions
    expect(await one.request('a', nothing, (lock) => lock?.mode)).toBe('exclusive')
    const unset = { mode: undefined, signal: undefined, steal: undefined, ifAvailable: undefined }
    expect(await one.request('a', unset, (lock) => lock?.mode)).toBe('exclusive')
  })

  test.each(['a-', ' a ', 'A b c', 'ÿ', '子猫', '🐈', 'e\u0301', '/', '.', '*', 'a'.repeat(512)])(
    'the name %j is a name of its own',
    async (name) => {
      const { one } = await twoClients()
      const others = [`${name} `.slice(-512), 'other'].filter((other) => other !== name)
      const held = ask(one, name)
      expect((await held.begun)?.name).toBe(name)
      for (const other of others) await one.request(other, () => {})
      expect((await one.query()).held.map((info) => info.name)).toEqual([name])
      await held.end()
    },
  )

  test.each(['', 'a\0', '\n', '\ud800', 'a'.repeat(513)])(
    'the name %j, which the store cannot keep, is a RangeError',
    async (name) => {
      const { one } = await twoClients()
      await expect(one.request(name, () => {})).rejects.toThrow(RangeError)
    },
  )

  test('with a prefix "" is a name', async () => {
    const [, client] = await open(memory())
    const locks = webLocks(client, { prefix: 'web/' })
    expect(await locks.request('', (lock) => lock?.name)).toBe('')
  })

  test('`webLocks` takes a client and a prefix, and nothing else', async () => {
    const [, client] = await open(memory())
    const loose = webLocks as (...given: unknown[]) => unknown
    expect(() => loose('memory:')).toThrow(/^leasehold: a string is not a client/)
    expect(() => loose(client, { namespace: 'a' })).toThrow(TypeError)
    expect(() => loose(client, { prefix: 'a\0' })).toThrow(RangeError)
  })
})

describe.each(['one client', 'two clients'])('of %s', (whose) => {
  const pair = async () => {
    const { one, other } = await twoClients()
    return { one, other: whose === 'one client' ? one : other }
  }

  test('an exclusive lock excludes exclusive and shared ones, and other names go on', async () => {
    const { one, other } = await pair()
    const first = ask(one, 'a')
    await first.begun
    const waiting = [ask(other, 'a'), ask(other, 'a', 'shared')] as const
    await other.request('b', () => {})
    expect(await states(...waiting)).toEqual(['waits', 'waits'])
    await first.end()
    await waiting[0].begun
    expect(await states(...waiting)).toEqual(['works', 'waits'])
    await waiting[0].end()
    await waiting[1].begun
    await waiting[1].end()
  })

  test('shared locks are held together, and requests are served in their order', async () => {
    const { one, other } = await pair()
    const readers = [ask(one, 'a', 'shared'), ask(one, 'a', 'shared')] as const
    await Promise.all(readers.map(({ begun }) => begun))
    const writer = ask(other, 'a')
    await states(writer)
    const later = [ask(one, 'a', 'shared'), ask(other, 'a', 'shared')] as const
    expect(await states(writer, ...later)).toEqual(['waits', 'waits', 'waits'])
    await readers[0].end()
    expect(await states(writer, ...later)).toEqual(['waits', 'waits', 'waits'])
    await readers[1].end()
    await writer.begun
    expect(await states(writer, ...later)).toEqual(['works', 'waits', 'waits'])
    await writer.end()
    await Promise.all(later.map(({ begun }) => begun))
    await Promise.all(later.map((work) => work.end()))
  })

  test('ifAvailable gets null while the lock is held, and never waits', async () => {
    const { one, other } = await pair()
    const available = (mode: 'exclusive' | 'shared') =>
      other.request('a', { mode, ifAvailable: true }, (lock) => lock?.mode ?? 'not free')
    expect(await available('exclusive')).toBe('exclusive')
    const reader = ask(one, 'a', 'shared')
    await reader.begun
    expect(await available('shared')).toBe('shared')
    expect(await available('exclusive')).toBe('not free')
    const writer = ask(other, 'a')
    await states(writer)
    expect(await available('shared')).toBe('not free')
    await reader.end()
    await writer.begun
    expect([await available('shared'), await available('exclusive')]).toEqual(['not free', 'not free'])
    await writer.end()
    expect(await available('exclusive')).toBe('exclusive')
  })

  test('an error of the callback that got null rejects the request, and harms no lock', async () => {
    const { one, other } = await pair()
    const held = ask(one, 'a')
    await held.begun
    const fail = () => {
      throw new Error('not free')
    }
    await expect(other.request('a', { ifAvailable: true }, fail)).rejects.toThrow(/^not free$/)
    expect(await states(held)).toEqual(['works'])
    await held.end()
  })

  test('a signal ends the wait with its reason; the request leaves the line, and the next is served', async () => {
    const { one, other } = await pair()
    const held = ask(one, 'a', 'shared')
    await held.begun
    const controller = new AbortController()
    const { signal } = controller
    const writer = ask(other, 'a', { signal })
    await states(writer)
    const reader = ask(other, 'a', 'shared')
    expect(await states(writer, reader)).toEqual(['waits', 'waits'])
    const reason = { my: 'reason' }
    controller.abort(reason)
    expect(await writer.done.catch((error) => error)).toBe(reason)
    await reader.begun
    expect(getEventListeners(signal, 'abort')).toEqual([])
    await Promise.all([reader.end(), held.end()])
  })
})

describe('a signal', () => {
  test('that has aborted rejects at once, with an AbortError if it has no other reason', async () => {
    const { one } = await twoClients()
    const called = () => expect.unreachable()
    const error = await one.request('a', { signal: AbortSignal.abort() }, called).catch((reason) => reason)
    expect([error instanceof DOMException, error.name]).toEqual([true, 'AbortError'])
    expect(await one.query()).toEqual({ held: [], pending: [] })
  })

  test('that aborts right after the request prevents the callback', async () => {
    const { one } = await twoClients()
    const controller = new AbortController()
    const request = one.request('a', { signal: controller.signal }, () => expect.unreachable())
    controller.abort('enough')
    await expect(request).rejects.toBe('enough')
  })

  test('has no effect on a lock that is held', async () => {
    const { one, other } = await twoClients()
    const controller = new AbortController()
    const held = ask(one, 'a', { signal: controller.signal })
    const lock = await held.begun
    controller.abort('too late')
    const next = ask(other, 'a')
    expect(await states(held, next)).toEqual(['works', 'waits'])
    expect(lock?.signal.aborted).toBe(false)
    expect(await held.end('result')).toBe('result')
    await next.begun
    await next.end()
  })
})

describe('a lock that is lost', () => {
  test('rejects its request at once with an AbortError, and the next one holds', async () => {
    const { clock, one, other, truth } = await scene()
    const held = ask(webLocks(one), 'a')
    const lock = await held.begun
    const next = ask(webLocks(other), 'a')
    await states(next)
    const [standing] = await truth.line('a', new AbortController().signal)
    await truth.destroySession(standing?.session ?? '', new AbortController().signal)
    await clock.advance(4_000)
    const error = await failure(held)
    expect(error.name).toBe('AbortError')
    expect(error.message).toMatch(/^the lock "a" was lost: /)
    expect(error.cause).toBeInstanceOf(HoldLostError)
    expect(lock?.signal.reason).toBe(error.cause)
    expect((await next.begun)?.token).toBeGreaterThan(lock?.token ?? 0n)
    await next.end()
  })
})

describe('next to other locks of the store', () => {
  test('a web lock is the lock of readers and writers of its name', async () => {
    const { one, otherClient } = await twoClients()
    const held = ask(one, 'a', 'shared')
    await held.begun
    const { read, write } = otherClient.rwlock('a')
    await (await read.acquire()).release()
    expect(await write.tryAcquire()).toBeUndefined()
    await held.end()
  })

  test('a name that is a mutex is a ConflictError, and with a prefix both go on', async () => {
    const { one, other, oneClient } = await twoClients()
    await using _ = await oneClient.mutex('a').acquire()
    await expect(other.request('a', () => expect.unreachable())).rejects.toThrow(ConflictError)
    await expect(one.request('a', () => expect.unreachable())).rejects.toThrow(ConflictError)
    expect(await webLocks(oneClient, { prefix: 'web/' }).request('a', () => 'apart')).toBe('apart')
  })

  test('`close` of the client rejects requests that wait, and lets work end', async () => {
    const client = await connect(memory())
    const locks = webLocks(client)
    const held = ask(locks, 'a')
    const lock = await held.begun
    const waiting = ask(locks, 'a')
    await states(waiting)
    await client.close()
    await expect(waiting.done).rejects.toThrow(ClosedError)
    expect(lock?.signal.aborted).toBe(false)
    expect(await held.end('result')).toBe('result')
    await expect(locks.request('a', () => {})).rejects.toThrow(ClosedError)
  })
})
