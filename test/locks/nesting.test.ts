// Calls inside `run`: a wait that can never end is told at once, and every other wait is let go.
import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test, vi } from 'vitest'
import { Scope } from '../../src/base/scope.ts'
import { DeadlockError, type Hold, HoldLostError, type Lock, WaitTimeoutError } from '../../src/index.ts'
import { Nesting } from '../../src/locks/nesting.ts'
import { ManualClock, settle } from '../core/manual-clock.ts'
import { isOver, never, type Scene, scene } from '../election/scene.ts'

/** A promise, and the function that fulfils it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** The error of a call that has to fail without a wait. */
async function refusal(call: Promise<unknown>): Promise<DeadlockError> {
  expect(await isOver(call)).toBe(true)
  const error = await call.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(DeadlockError)
  return error as DeadlockError
}

/** Pairs of locks of one name: a call that takes the second inside a run of the first could never end. */
const selfish: [title: string, pair: (scene: Scene) => readonly [Lock, Lock], says: RegExp][] = [
  [
    'a mutex in a run of it',
    ({ one }) => [one.mutex('a'), one.mutex('a')],
    /^"a" is held by the very chain .* a run since \S+Z \(token 1\);.*\{ reentrant: true \}/,
  ],
  [
    'a reentrant mutex in a run of one that is not',
    ({ one }) => [one.mutex('a'), one.mutex('a', { reentrant: true })],
    /create both/,
  ],
  [
    'a reader in a run of the writer',
    ({ one }) => [one.rwlock('a').write, one.rwlock('a').read],
    /asks for it again, to read,.*call `downgrade`/,
  ],
  [
    'a writer in a run of the writer',
    ({ one }) => [one.rwlock('a').write, one.rwlock('a').write],
    /again, to write,/,
  ],
  [
    'a writer in a run of a reader',
    ({ one }) => [one.rwlock('a').read, one.rwlock('a').write],
    /again, to write,/,
  ],
  [
    'the only permit of a semaphore in a run of it',
    ({ one }) => [one.semaphore('a', { permits: 1 }), one.semaphore('a', { permits: 1 })],
    /"a" is held/,
  ],
]

test.each(selfish)('%s is refused at once, with and without a time limit', async (_, pair, says) => {
  const host = await scene()
  const [outer, inner] = pair(host)
  await outer.run(async (hold) => {
    for (const options of [{}, { waitMs: 1_000 }]) {
      for (const call of [inner.acquire(options), inner.run(() => {}, options)]) {
        const { message, code, retryable } = await refusal(call)
        expect(message).toMatch(says)
        expect([code, retryable]).toEqual(['LEASEHOLD_NESTED', false])
      }
    }
    await expect(inner.acquire({ waitMs: 0 })).rejects.toThrow(WaitTimeoutError)
    expect(await inner.tryAcquire()).toBeUndefined()
    expect([hold.held, (await host.truth.line('a', never)).length]).toEqual([true, 1])
  })
  await (await inner.acquire()).release()
})

test('permits are refused in a run that leaves too few, also over several runs and after a part was given back', async () => {
  const { one } = await scene()
  const gpu = one.semaphore('gpu', { permits: 4 })
  await gpu.run(
    async (outer) => {
      await gpu.run(async () => {
        const { message } = await refusal(gpu.acquire({ permits: 2 }))
        expect(message).toMatch(
          /^3 of 4 permits of "gpu" are held by .* asks for 2 more, inside a run .* and a run/,
        )
        await outer.shrink(1)
        await gpu.run(() => {}, { permits: 2 })
      })
    },
    { permits: 2 },
  )
})

test.each(['before', 'after'])(
  'a group with a name that the chain holds is refused before it takes one: %s it in order',
  async (where) => {
    const { one, other, truth } = await scene()
    const taken = where === 'before' ? 'a' : 'c'
    const elsewhere = await other.mutex('b').acquire()
    await one.mutex(taken).run(async () => {
      const group = one.mutexes(['b', taken])
      for (const call of [group.acquire(), group.run(() => {})])
        expect((await refusal(call)).message).toContain(`"${taken}" is held`)
      expect(await group.tryAcquire()).toBeUndefined()
      expect(await truth.line('b', never)).toHaveLength(1)
    })
    await elsewhere.release()
    await one.mutexes(['b', 'd']).run(async () => {
      expect((await refusal(one.mutex('d').acquire())).code).toBe('LEASEHOLD_NESTED')
    })
  },
)

test('calls that end are let go: other names, other clients, a hold that was released or lost, a reader in a reader', async () => {
  const { one, other, truth, clock } = await scene()
  await one.mutex('a').run(async (hold) => {
    await one.mutex('b').run(() => one.mutex('c').run(() => {}))
    const elsewhere = other.mutex('a').acquire()
    expect(await isOver(elsewhere)).toBe(false)
    await hold.release()
    await (await elsewhere).release()
    await one.mutex('a').run(() => {})
  })
  const lost = one.mutex('a').run(async ({ token }) => {
    await truth.break('a', token, never)
    await clock.advance(4_000)
    await one.mutex('a').run(() => {})
  })
  await expect(lost).rejects.toThrow(HoldLostError)
  const { read } = one.rwlock('r')
  await read.run(() => read.run(() => read.run(() => {})))
})

test('a call after the run, in code that the run has begun, is no nested call', async () => {
  const { one } = await scene()
  const { opened, open } = gate()
  let later: Promise<void> | undefined
  await one.mutex('a').run(() => {
    later = opened.then(() => one.mutex('a').run(() => {}))
  })
  open()
  await later
})

/** Two chains that take two locks in opposite orders. Resolves when the first waits for the second lock. */
async function crossed(
  first: Lock,
  second: Lock,
  options: { readonly waitMs?: number } = {},
): Promise<{ readonly one: Promise<void>; readonly closes: () => Promise<void> }> {
  const { opened, open } = gate()
  const both = [gate(), gate()]
  const one = first.run(async () => {
    both[0]?.open()
    await both[1]?.opened
    await second.run(() => {}, options)
  })
  const other = second.run(async () => {
    both[1]?.open()
    await opened
    await first.run(() => {})
  })
  one.catch(() => {})
  other.catch(() => {})
  await Promise.all(both.map((each) => each.opened))
  await settle()
  return {
    one,
    closes() {
      open()
      return other
    },
  }
}

/** Two locks of different names, of every form. */
const pairs: [title: string, pair: (scene: Scene) => readonly [Lock, Lock]][] = [
  ['mutexes', ({ one }) => [one.mutex('x'), one.mutex('y')]],
  [
    'a reentrant mutex and a semaphore',
    ({ one }) => [one.mutex('x', { reentrant: true }), one.semaphore('y', { permits: 1 })],
  ],
  ['a writer and a mutex', ({ one }) => [one.rwlock('x').write, one.mutex('y')]],
]

test.each(pairs)(
  'of two chains that take %s in opposite orders, the one that would close the circle is told at once, and the other goes on',
  async (_, pair) => {
    const [x, y] = pair(await scene())
    const { one, closes } = await crossed(x, y)
    expect(await isOver(one)).toBe(false)
    const { message, code, retryable } = await refusal(closes())
    expect(message).toMatch(
      /^a circle of waits in this client: this call under "y" asks for "x", and a call under "x" waits for "y"\./,
    )
    expect([code, retryable]).toEqual(['LEASEHOLD_DEADLOCK', true])
    await one
  },
)

test('a circle of three chains is told to the last, and names all of them', async () => {
  const { one } = await scene()
  const go = ['a', 'b', 'c'].map(() => gate())
  const inside = ['a', 'b', 'c'].map(() => gate())
  const chains = ['a', 'b', 'c'].map((name, index, names) =>
    one.mutex(name).run(async () => {
      inside[index]?.open()
      await go[index]?.opened
      await one.mutex(names[(index + 1) % 3] ?? '').run(() => {})
    }),
  )
  for (const chain of chains) chain.catch(() => {})
  await Promise.all(inside.map(({ opened }) => opened))
  for (const each of [0, 1]) {
    go[each]?.open()
    await settle()
  }
  expect(await Promise.all(chains.map(isOver))).toEqual([false, false, false])
  go[2]?.open()
  const { message } = await refusal(chains[2] as Promise<void>)
  expect(message).toContain(
    'under "c" asks for "a", and a call under "a" waits for "b", and a call under "b" waits for "c"',
  )
  await Promise.all([chains[0], chains[1]])
})

test('a circle goes through a group that has some of its names', async () => {
  const { one } = await scene()
  const { opened, open } = gate()
  const chain = one.mutex('b').run(async () => {
    await opened
    await one.mutex('a').run(() => {})
  })
  chain.catch(() => {})
  const group = one.mutexes(['a', 'b']).run(() => {})
  await settle()
  open()
  expect((await refusal(chain)).code).toBe('LEASEHOLD_DEADLOCK')
  await group
})

test('a reader that asks again behind a waiting writer of its client is told at once', async () => {
  const { one } = await scene()
  const { read, write } = one.rwlock('a')
  let writer: Promise<unknown> = Promise.resolve()
  await read.run(async () => {
    writer = write.acquire().then((hold) => hold.release())
    writer.catch(() => {})
    await settle()
    // The writer was asked for inside the run of a reader, so it is refused itself.
    await refusal(writer)
  })
  const { opened, open } = gate()
  const chain = read.run(async () => {
    await opened
    await read.run(() => {})
  })
  chain.catch(() => {})
  await settle()
  const outside = write.acquire()
  await settle()
  open()
  expect((await refusal(chain)).message).toMatch(
    /this call under "a" asks for "a", and a call in line before it waits for what this chain holds/,
  )
  await (await outside).release()
})

test('a circle with a wait that has a time limit ends by itself, and nobody is told', async () => {
  const { one, clock } = await scene()
  const host = await crossed(one.mutex('x'), one.mutex('y'), { waitMs: 1_000 })
  const other = host.closes()
  other.catch(() => {})
  await settle()
  expect(await Promise.all([host.one, other].map(isOver))).toEqual([false, false])
  await clock.advance(1_000)
  await expect(host.one).rejects.toThrow(WaitTimeoutError)
  await other
})

test('a free permit, or one whose holder goes on, breaks a circle', async () => {
  const { one } = await scene()
  const [x, y] = [one.semaphore('x', { permits: 2 }), one.mutex('y')]
  const free = await x.acquire()
  const { one: first, closes } = await crossed(y, x)
  // `y` waits for nothing: x has two permits, of which one is held outside of any run, and one by the other chain.
  const other = closes()
  other.catch(() => {})
  await settle()
  expect(await Promise.all([first, other].map(isOver))).toEqual([false, false])
  await free.release()
  await Promise.all([first, other])
})

test('a reentrant mutex gives calls inside its run the same hold, which is free after the last release', async () => {
  const { one, other } = await scene()
  const lock = one.mutex('a', { reentrant: true })
  let next: Promise<Hold> | undefined
  await lock.run(async (outer) => {
    next = other.mutex('a').acquire()
    const inner = await one.mutex('a', { reentrant: true }).acquire()
    expect([inner.token, inner.name, inner.signal === outer.signal]).toEqual([outer.token, 'a', true])
    const tried = await lock.tryAcquire()
    expect(tried?.token).toBe(outer.token)
    await tried?.release()
    await lock.run(async (third) => {
      expect(third.token).toBe(outer.token)
    })
    await inner.verify()
    await inner.checkpoint('inner')
    await inner.release()
    expect([inner.held, outer.held, inner.remainingMs]).toEqual([false, true, 0])
    expect(() => inner.assertHeld()).toThrow(/was released/)
    await expect(inner.checkpoint('late')).rejects.toThrow(/was released/)
    expect(await isOver(next)).toBe(false)
  })
  await (await next)?.release()
  expect(await lock.readCheckpoint()).toBe('inner')
})

test('a hold that an inner call keeps stays taken after the run, until that call releases it', async () => {
  const { one, other } = await scene()
  const lock = one.mutex('a', { reentrant: true })
  const kept = await lock.run(() => lock.acquire())
  expect(await other.mutex('a').tryAcquire()).toBeUndefined()
  expect(kept.held).toBe(true)
  await kept.release()
  await kept.release()
  await (await other.mutex('a').acquire()).release()
})

test('a lost hold is lost for every share of it', async () => {
  const { one, truth, clock } = await scene()
  const lock = one.mutex('a', { reentrant: true })
  const work = lock.run(async (outer) => {
    const inner = await lock.acquire()
    await truth.break('a', outer.token, never)
    await clock.advance(4_000)
    expect([outer.held, inner.held, inner.signal.aborted]).toEqual([false, false, true])
    expect(inner.signal.reason).toBeInstanceOf(HoldLostError)
    expect(() => inner.assertHeld()).toThrow(HoldLostError)
    await Promise.all([inner.release(), outer.release()])
  })
  await expect(work).rejects.toThrow(HoldLostError)
})

test('two chains of a reentrant mutex exclude each other, and a signal that has aborted ends an inner call', async () => {
  const { one } = await scene()
  const lock = one.mutex('a', { reentrant: true })
  const { opened, open } = gate()
  const first = lock.run(async () => {
    await expect(lock.acquire({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    await opened
  })
  await settle()
  const second = lock.run(() => {})
  expect(await isOver(second)).toBe(false)
  open()
  await Promise.all([first, second])
})

test('rwlock and mutexes take no options, and mutex knows only its own', async () => {
  const { one } = await scene()
  const loose = one as unknown as Record<string, (...args: unknown[]) => unknown>
  expect(() => loose.rwlock?.('a', { permits: 3 })).toThrow(/^permits: is not an option; there are none here/)
  expect(() => loose.mutexes?.(['a'], { waitMs: 3 })).toThrow(TypeError)
  expect(() => loose.mutexes?.('a', 'b')).toThrow(TypeError)
  expect(() => loose.mutex?.('a', { permits: 3 })).toThrow(/^permits: is not an option/)
  expect(() => loose.mutex?.('a', { reentrant: 1 })).toThrow(/^reentrant: 1 is not true or false/)
})

test('work that begins the next run after its own has ended, by a timer for example, begins a new chain', async () => {
  const nesting = new Nesting(new ManualClock(), new Scope())
  const last = { frame: nesting.open() }
  for (let run = 0; run < 3; run += 1) {
    const begun = gate()
    const next = nesting.inside(last.frame, () => begun.opened.then(() => nesting.open()))
    nesting.end(last.frame)
    begun.open()
    last.frame = await next
    expect(last.frame.outer).toBeUndefined()
  }
})

test('a run inside one that has ended is still inside the runs around that one', async () => {
  const nesting = new Nesting(new ManualClock(), new Scope())
  const outermost = nesting.open()
  const middle = await nesting.inside(outermost, async () => nesting.open())
  const inner = await nesting.inside(middle, async () => nesting.open())
  nesting.end(middle)
  const innermost = await nesting.inside(inner, async () => nesting.open())
  expect([innermost.outer, inner.outer]).toEqual([inner, outermost])
  const { one } = await scene()
  const begun = gate()
  let late: Promise<unknown> = Promise.resolve()
  await one.mutex('a').run(async () => {
    await one.mutex('b').run(() => {
      late = begun.opened.then(() => one.mutex('a').acquire())
    })
    begun.open()
    await expect(late).rejects.toThrow(DeadlockError)
  })
})

/** How often Node was told to carry nothing along any more, which makes all promises of a process faster before Node 24. */
const rests = vi.spyOn(AsyncLocalStorage.prototype, 'disable')

test('a second after its last run a client lets promises be fast again, not after each run, and its next run is followed as before', async () => {
  const { clock, one } = await scene()
  const before = rests.mock.calls.length
  const rested = (): number => rests.mock.calls.length - before
  for (let turn = 0; turn < 20; turn += 1) {
    await one.mutex('a').run(() => {})
    await clock.advance(40)
  }
  expect(rested()).toBe(0)
  await clock.advance(1_000)
  expect(rested()).toBe(1)
  await clock.advance(10_000)
  expect(rested()).toBe(1)
  await one.mutex('a').run(() => refusal(one.mutex('a').acquire()))
})

test('a run that goes on is followed, although others ended long ago and no run began since', async () => {
  const { clock, one } = await scene()
  const { opened, open } = gate()
  const long = one.mutex('a').run(async () => {
    await opened
    return refusal(one.mutex('a').acquire())
  })
  await one.mutex('b').run(() => {})
  await clock.advance(5_000)
  open()
  await long
})

test('a client that is closed leaves no timer of its runs, whether they ended before or after that', async () => {
  const { clock, one } = await scene()
  const { opened, open } = gate()
  const long = one.mutex('a').run(() => opened)
  await one.mutex('b').run(() => {})
  const before = rests.mock.calls.length
  await one.close()
  const { timers } = clock
  open()
  await long
  expect([clock.timers, rests.mock.calls.length - before]).toEqual([timers, 1])
})
