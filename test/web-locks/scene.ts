// Web locks of two clients of one store, and work that lasts until a test ends it: the beginning of the tests of web locks.
import { afterEach, expect } from 'vitest'
import { memory } from '../../src/backends/memory/index.ts'
import type { BackendSource } from '../../src/contract.ts'
import { type ConnectOptions, connect, type Leasehold } from '../../src/index.ts'
import {
  type WebLock,
  type WebLockCallback,
  type WebLockMode,
  type WebLockOptions,
  type WebLocks,
  webLocks,
} from '../../src/web-locks/index.ts'

const clients: Leasehold[] = []

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})

/** A client with its web locks, closed at the end of the test. */
export async function open(
  source: BackendSource,
  options: ConnectOptions = {},
): Promise<[WebLocks, Leasehold]> {
  // A hold starts to watch after a tenth of its time to live, and learns of a thief in another client then.
  const client = await connect(source, { ttlMs: 5_000, ...options })
  clients.push(client)
  return [webLocks(client), client]
}

/** Two clients of one new store. */
export async function twoClients(source: BackendSource = memory(), options: ConnectOptions = {}) {
  const [one, oneClient] = await open(source, options)
  const [other, otherClient] = await open(source, options)
  return { one, other, oneClient, otherClient }
}

/** A request whose work lasts until the test ends it. */
export interface Work {
  /** Resolves with the lock when the work begins. */
  readonly begun: Promise<WebLock | null>
  readonly done: Promise<unknown>
  /** Ends the work, and resolves when the request is over. */
  end(result?: unknown): Promise<unknown>
  /** How far it has come. */
  readonly state: 'waits' | 'works' | 'done' | 'failed'
}

/** Begins such a request. */
export function ask(locks: WebLocks, name: string, options: WebLockOptions | WebLockMode = {}): Work {
  const begin = openPromise<WebLock | null>()
  const finish = openPromise<unknown>()
  let state: Work['state'] = 'waits'
  const work: WebLockCallback<unknown> = (lock) => {
    state = 'works'
    begin.resolve(lock)
    return finish.promise
  }
  const given = typeof options === 'string' ? { mode: options } : options
  const done = locks.request(name, given, work)
  const over = done.then(
    () => {
      state = 'done'
    },
    (error) => {
      state = 'failed'
      begin.reject(error)
    },
  )
  begin.promise.catch(() => {})
  return {
    ...{ begun: begin.promise, done },
    async end(result) {
      finish.resolve(result)
      await over
      return done
    },
    get state() {
      return state
    },
  }
}

/** The error of a request, which must be a DOMException. */
export async function failure({ done }: Work): Promise<DOMException & { readonly cause?: unknown }> {
  const error = await done.catch((reason) => reason)
  expect(error).toBeInstanceOf(DOMException)
  return error as DOMException
}

/** A promise that others settle. */
function openPromise<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

/** The states of several requests, when all that can happen by itself in memory has happened. */
export async function states(...works: readonly Work[]): Promise<Work['state'][]> {
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate)
  return works.map(({ state }) => state)
}
