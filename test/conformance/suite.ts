// The promises that every store has to keep, as tests through the public API and through the contract. Facts of a
// store are parameters; a backend that needs another suite is a backend with another contract.
import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Backend, BackendSource, Claim } from '../../src/backend.ts'
import { systemClock } from '../../src/clock.ts'
import { ConflictError, connect, HoldLostError, type Leasehold, WaitTimeoutError } from '../../src/index.ts'

/** A store to test: one for the whole suite; each test takes names of its own. */
export interface Store {
  /** Every client opened from it sees the same locks. */
  readonly source: BackendSource
  close(): Promise<void>
}

const never = new AbortController().signal

/** Declares the suite for one backend. */
export function conformance(label: string, open: () => Promise<Store>): void {
  describe(`${label} keeps the contract`, () => {
    let store: Store
    let backend: Backend
    let names = 0
    const clients: Leasehold[] = []

    beforeAll(async () => {
      store = await open()
      backend = await store.source.open(systemClock())
    })
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.close()))
      await backend.close()
      await store.close()
    })

    const name = (): string => `lock-${(names += 1)}`
    const client = async (ttlMs?: number): Promise<Leasehold> => {
      const opened = await connect(store.source, { ttlMs })
      clients.push(opened)
      return opened
    }
    const pair = (): Promise<[Leasehold, Leasehold]> => Promise.all([client(), client()])
    const standing = (lock: string): Promise<number> => backend.list(lock, never).then((line) => line.length)
    const stand = (lock: string, count: number): Promise<void> =>
      vi.waitFor(async () => expect(await standing(lock)).toBe(count), { timeout: 10_000, interval: 5 })

    describe('exclusion and order', () => {
      test('one client holds at a time, in the order in which they came, with growing tokens', async () => {
        const lock = name()
        const served: number[] = []
        const tokens: bigint[] = []
        const waiting: Promise<void>[] = []
        const first = await (await client()).mutex(lock).acquire()
        for (let index = 0; index < 5; index += 1) {
          const mutex = (await client()).mutex(lock)
          waiting.push(
            mutex.run((hold) => {
              served.push(index)
              tokens.push(hold.token)
            }),
          )
          await stand(lock, index + 2)
        }
        await first.release()
        await Promise.all(waiting)
        expect(served).toEqual([0, 1, 2, 3, 4])
        expect([first.token, ...tokens]).toEqual([first.token, ...tokens].sort((a, b) => Number(a - b)))
        expect(new Set(tokens).size).toBe(5)
        expect(await standing(lock)).toBe(0)
      })

      test('callers of one client are served in turn and never overlap', async () => {
        const mutex = (await client()).mutex(name())
        const order: number[] = []
        let inside = 0
        const enter = async (index: number): Promise<void> => {
          inside += 1
          expect(inside).toBe(1)
          order.push(index)
          await Promise.resolve()
          inside -= 1
        }
        await Promise.all(Array.from({ length: 20 }, (_, index) => mutex.run(() => enter(index))))
        expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index))
      })

      test('a semaphore admits as many as it has permits, then the next in line', async () => {
        const lock = name()
        const [one, other] = await pair()
        const pool = one.semaphore(lock, { permits: 2 })
        const holds = [await pool.acquire(), await other.semaphore(lock, { permits: 2 }).acquire()]
        expect(await pool.tryAcquire()).toBeUndefined()
        const third = other.semaphore(lock, { permits: 2 }).acquire()
        await stand(lock, 3)
        await holds[1]?.release()
        const hold = await third
        expect(hold.held && holds[0]?.held).toBe(true)
        expect(hold.token > (holds[1]?.token ?? 0n)).toBe(true)
        await Promise.all([hold.release(), holds[0]?.release()])
        expect(await standing(lock)).toBe(0)
      })

      test('a name and a name that continues it after a slash do not block one another', async () => {
        const [one, other] = await pair()
        const lock = name()
        await using inner = await one.mutex(`${lock}/b`).acquire()
        await using outer = await other.mutex(lock).acquire({ waitMs: 5_000 })
        expect(inner.held && outer.held).toBe(true)
        await outer.release()
        await using tried = await other.mutex(lock).tryAcquire()
        expect(tried?.held).toBe(true)
        await tried?.release()
        await using pool = await other.semaphore(lock, { permits: 3 }).tryAcquire()
        expect(pool?.held).toBe(true)
      })

      test.each([
        'with space',
        'ünï/ço∂é 🔒',
        '/leading',
        'trailing/',
        'a//b',
        '..',
        '.lock',
        '%2f',
        'x'.repeat(512),
      ])('the name %j is taken as it is', async (odd) => {
        const [one, other] = await pair()
        const hold = await one.mutex(odd).acquire()
        expect(await other.mutex(odd).tryAcquire()).toBeUndefined()
        await hold.release()
        const next = await other.mutex(odd).tryAcquire()
        expect(next?.held).toBe(true)
        await next?.release()
      })
    })

    describe('giving up', () => {
      test('tryAcquire on a taken name resolves with undefined and leaves nothing behind', async () => {
        const [one, other] = await pair()
        const lock = name()
        await using hold = await one.mutex(lock).acquire()
        expect(await other.mutex(lock).tryAcquire()).toBeUndefined()
        expect(await one.mutex(lock).tryAcquire()).toBeUndefined()
        expect(await standing(lock)).toBe(1)
        expect(hold.held).toBe(true)
      })

      test('waitMs ends the wait with an error that says who holds, and the place in line is given up', async () => {
        const [one, other] = await pair()
        const lock = name()
        await using hold = await one.mutex(lock).acquire()
        const waiting = other.mutex(lock).acquire({ waitMs: 50 })
        await expect(waiting).rejects.toThrow(WaitTimeoutError)
        await expect(waiting).rejects.toThrow(`pid ${process.pid}`)
        await stand(lock, 1)
        await expect(other.mutex(lock).acquire({ waitMs: 0 })).rejects.toThrow(WaitTimeoutError)
        expect(hold.held).toBe(true)
      })

      test('an abort rejects with the very reason, whatever it is, and lets go of the signal', async () => {
        const [one, other] = await pair()
        const lock = name()
        await using hold = await one.mutex(lock).acquire()
        const { signal, abort } = abortable()
        const waiting = other.mutex(lock).acquire({ signal })
        await stand(lock, 2)
        abort('enough')
        await expect(waiting).rejects.toBe('enough')
        expect(getEventListeners(signal, 'abort')).toEqual([])
        await stand(lock, 1)
        await expect(other.mutex(lock).acquire({ signal })).rejects.toBe('enough')
        expect(hold.held).toBe(true)
      })

      test('a waiter in the middle that leaves does not let the one behind it in', async () => {
        const lock = name()
        const [holder, leaver, last] = await Promise.all([client(), client(), client()])
        const hold = await holder.mutex(lock).acquire()
        const { signal, abort } = abortable()
        const leaving = leaver.mutex(lock).acquire({ signal })
        await stand(lock, 2)
        const waiting = last.mutex(lock).acquire()
        await stand(lock, 3)
        abort('gone')
        await expect(leaving).rejects.toBe('gone')
        await stand(lock, 2)
        expect(await (await client()).mutex(lock).tryAcquire()).toBeUndefined()
        await hold.release()
        await (await waiting).release()
      })

      test('another number of permits, or another kind, is a conflict that leaves nothing behind', async () => {
        const [one, other] = await pair()
        const lock = name()
        await using hold = await one.semaphore(lock, { permits: 2 }).acquire()
        await expect(other.semaphore(lock, { permits: 3 }).acquire()).rejects.toThrow(ConflictError)
        await expect(other.semaphore(lock, { permits: 3 }).tryAcquire()).rejects.toThrow(/2 permits.*3/)
        await expect(other.mutex(lock).acquire()).rejects.toThrow(ConflictError)
        await expect(other.mutex(lock).tryAcquire()).rejects.toThrow(ConflictError)
        await stand(lock, 1)
        expect(hold.held).toBe(true)
      })

      test('close rejects what waits, releases what is held and hands over at once', async () => {
        const [one, other] = await pair()
        const lock = name()
        const hold = await one.mutex(lock).acquire()
        const next = other.mutex(lock).acquire()
        await stand(lock, 2)
        const late = one.mutex(lock).acquire()
        const refused = expect(late).rejects.toThrow('closed')
        await one.close()
        await refused
        expect(hold.held).toBe(false)
        expect(hold.signal.aborted).toBe(false)
        expect((await next).held).toBe(true)
        await expect(one.mutex(lock).acquire()).rejects.toThrow('closed')
        await other.close()
        expect(await standing(lock)).toBe(0)
      })
    })

    describe('holding and losing', () => {
      test('release is idempotent, ends the hold at once and never aborts its signal', async () => {
        const [one, other] = await pair()
        const lock = name()
        const hold = await one.mutex(lock).acquire()
        expect(hold.remainingMs).toBeGreaterThan(1_000)
        const released = hold.release()
        expect(hold.held).toBe(false)
        expect(hold.remainingMs).toBe(0)
        await Promise.all([released, hold.release()])
        const next = await other.mutex(lock).acquire()
        await hold.release()
        await next.verify()
        expect(hold.signal.aborted).toBe(false)
        expect(() => hold.assertHeld()).toThrow(HoldLostError)
        await next.release()
      })

      test('run returns what the work returns, and passes on what it throws, with the lock released', async () => {
        const lock = name()
        const mutex = (await client()).mutex(lock)
        expect(await mutex.run((hold) => hold.token > 0n)).toBe(true)
        const failure = new Error('of the work')
        await expect(mutex.run(() => Promise.reject(failure))).rejects.toBe(failure)
        expect(await standing(lock)).toBe(0)
      })

      test('a holder whose session ends in the store is told once, and the next one holds', async () => {
        const [one, other] = await pair()
        const lock = name()
        const hold = await one.mutex(lock).acquire()
        let told = 0
        hold.signal.addEventListener('abort', () => (told += 1))
        const next = other.mutex(lock).acquire()
        await stand(lock, 2)
        await endSession(lock)
        const lost = await next
        expect(lost.token > hold.token).toBe(true)
        await vi.waitFor(() => expect(hold.signal.aborted).toBe(true), { timeout: 10_000 })
        expect(hold.signal.reason).toBeInstanceOf(HoldLostError)
        expect(hold.held).toBe(false)
        await hold.release()
        expect(told).toBe(1)
        await lost.verify()
        await lost.release()
        await (await one.mutex(lock).acquire()).release()
      }, 30_000)

      test('verify tells a loss that no renewal has told yet', async () => {
        const one = await client()
        const lock = name()
        const hold = await one.mutex(lock).acquire()
        await hold.verify()
        await endSession(lock)
        await expect(hold.verify()).rejects.toThrow(HoldLostError)
        expect(hold.held).toBe(false)
        expect(hold.signal.aborted).toBe(true)
      })

      test('run tells the caller when the lock was lost under the work', async () => {
        const lock = name()
        const mutex = (await client()).mutex(lock)
        const run = mutex.run(async (hold) => {
          await endSession(lock)
          await hold.verify().catch(() => {})
        })
        await expect(run).rejects.toThrow(HoldLostError)
      })

      test('a waiter whose session ends goes to the end of the line and still gets its turn', async () => {
        const [one, other] = await pair()
        const lock = name()
        const hold = await one.mutex(lock).acquire()
        const waiting = other.mutex(lock).acquire()
        await stand(lock, 2)
        await endSession(lock, 1)
        await vi.waitFor(async () => expect(await standing(lock)).toBe(2), { timeout: 15_000 })
        await hold.release()
        const next = await waiting
        expect(next.held).toBe(true)
        await next.verify()
        await next.release()
      }, 30_000)

      test('a session that nobody renews ends by itself, and what waits behind it holds', async () => {
        const { ttlMs } = backend.facts
        const session = await backend.createSession(ttlMs.min, never)
        const lock = name()
        const claim = claimOf(lock, session.id)
        expect((await backend.attempt(claim, never)).held).toBe(true)
        const hold = await (await client()).mutex(lock).acquire({ waitMs: 3 * session.ttlMs + 5_000 })
        expect(await backend.verify(claim, never)).toBe(false)
        await hold.release()
      }, 60_000)
    })

    describe('checkpoints', () => {
      test('the next holder reads what the last one stored, and nobody else can store', async () => {
        const [one, other] = await pair()
        const lock = name()
        expect(await one.mutex(lock).checkpoint()).toBeUndefined()
        const hold = await one.mutex(lock).acquire()
        await hold.checkpoint('first')
        await hold.checkpoint('second')
        expect(await other.mutex(lock).checkpoint()).toBe('second')
        await endSession(lock)
        const next = await other.mutex(lock).acquire()
        await next.checkpoint('third')
        await expect(hold.checkpoint('late')).rejects.toThrow(HoldLostError)
        expect(await one.mutex(lock).checkpoint()).toBe('third')
        await next.release()
        await expect(next.checkpoint('after release')).rejects.toThrow(HoldLostError)
      }, 30_000)

      test('a checkpoint that is too long is refused before it is sent', async () => {
        const mutex = (await client()).mutex(name())
        await using hold = await mutex.acquire()
        const tooLong = 'x'.repeat(backend.facts.checkpointBytesMax + 1)
        await expect(hold.checkpoint(tooLong)).rejects.toThrow(RangeError)
        await hold.checkpoint('')
        expect(await mutex.checkpoint()).toBe('')
      })
    })

    describe('the contract itself', () => {
      test('attempt, withdraw and destroySession are idempotent and touch no other claim', async () => {
        const lock = name()
        const [mine, theirs] = await Promise.all([session(), session()])
        const claim = claimOf(lock, mine)
        const other = claimOf(lock, theirs)
        const held = await backend.attempt(claim, never)
        expect(await backend.attempt(claim, never)).toMatchObject({ held: true })
        expect(await backend.attempt(other, never)).toMatchObject({ held: false, ahead: 1 })
        expect(await backend.attempt(other, never)).toMatchObject({ held: false, ahead: 1 })
        expect(await standing(lock)).toBe(2)
        await backend.withdraw(claim, never)
        await backend.withdraw(claim, never)
        const next = await backend.attempt(other, never)
        expect(held.held && next.held && next.token > held.token).toBe(true)
        await backend.destroySession(mine, never)
        await backend.destroySession(mine, never)
        expect(await backend.verify(other, never)).toBe(true)
        await backend.destroySession(theirs, never)
        expect(await backend.verify(other, never)).toBe(false)
        expect(await standing(lock)).toBe(0)
      })

      test('withdrawing a claim that was never made costs and changes nothing', async () => {
        const lock = name()
        await using hold = await (await client()).mutex(lock).acquire()
        await backend.withdraw(claimOf(lock, await session()), never)
        await hold.verify()
      })

      test('the store says so when it no longer knows a session', async () => {
        const id = await session()
        await backend.renewSession(id, never)
        await backend.destroySession(id, never)
        const gone = { code: 'LEASEHOLD_SESSION_GONE' }
        await expect(backend.renewSession(id, never)).rejects.toMatchObject(gone)
        await expect(backend.attempt(claimOf(name(), id), never)).rejects.toMatchObject(gone)
      })

      test('changed gives up with the reason of the signal, and resolves when the answer changes', async () => {
        const lock = name()
        const [mine, theirs] = await Promise.all([session(), session()])
        const claim = claimOf(lock, mine)
        await backend.attempt(claim, never)
        const waiting = await backend.attempt(claimOf(lock, theirs), never)
        const { signal, abort } = abortable()
        const given = waiting.changed(signal)
        abort('up')
        await expect(given).rejects.toBe('up')
        const changed = waiting.changed(never)
        await backend.withdraw(claim, never)
        await changed
        await Promise.all([mine, theirs].map((id) => backend.destroySession(id, never)))
      })

      test('an aborted signal rejects every question with its reason', async () => {
        const reason = new Error('aborted before')
        const aborted = AbortSignal.abort(reason)
        const claim = claimOf(name(), await session())
        await expect(backend.attempt(claim, aborted)).rejects.toBe(reason)
        await expect(backend.verify(claim, aborted)).rejects.toBe(reason)
        await expect(backend.list(claim.name, aborted)).rejects.toBe(reason)
        await expect(backend.createSession(backend.facts.ttlMs.min, aborted)).rejects.toBe(reason)
        await backend.destroySession(claim.session, never)
      })
    })

    const session = (): Promise<string> =>
      backend.createSession(backend.facts.ttlMs.default, never).then(({ id }) => id)

    /** Ends the session of the claim at this place in line, as an operator or an expiry would. */
    const endSession = async (lock: string, place = 0): Promise<void> => {
      const line = await backend.list(lock, never)
      await backend.destroySession(line[place]?.session ?? '', never)
    }
  })
}

function claimOf(name: string, session: string, wait = true): Claim {
  return { id: '1', name, session, limit: 1, value: '', wait }
}

function abortable(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}
