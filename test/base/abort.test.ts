// A wait that a signal can end: it settles once, stops its work once, and leaves nothing on the signal.
import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { orAborted, roomyController, type Settle, untilAborted } from '../../src/base/abort.ts'

/** A wait whose both ends the test controls. */
function begun() {
  const controller = new AbortController()
  const stop = vi.fn()
  let settle: Settle<string> | undefined
  const waiting = untilAborted<string>(controller.signal, (given) => {
    settle = given
    return stop
  })
  waiting.catch(() => {})
  return { controller, stop, waiting, settle: settle as unknown as Settle<string> }
}

const listenersOn = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

test('the first of many calls settles the wait, and an abort after it changes nothing', async () => {
  const { controller, stop, waiting, settle } = begun()
  expect(stop).not.toHaveBeenCalled()
  settle.resolve('first')
  settle.resolve('second')
  settle.reject(new Error('third'))
  controller.abort('fourth')
  expect(await waiting).toBe('first')
  expect(stop).toHaveBeenCalledTimes(1)
  expect(listenersOn(controller.signal)).toBe(0)
})

test('an abort first stops the work, and then rejects with exactly its reason', async () => {
  const { controller, stop, waiting, settle } = begun()
  controller.abort(undefined)
  expect(stop).toHaveBeenCalledTimes(1)
  settle.resolve('late')
  await expect(waiting).rejects.toBe(controller.signal.reason)
  expect(stop).toHaveBeenCalledTimes(1)
  expect(listenersOn(controller.signal)).toBe(0)
})

test('work does not begin for a signal that is aborted already', async () => {
  const begin = vi.fn()
  await expect(untilAborted(AbortSignal.abort('too late'), begin)).rejects.toBe('too late')
  expect(begin).not.toHaveBeenCalled()
})

test('work that settles while it begins is stopped, once', async () => {
  const { signal } = new AbortController()
  const stop = vi.fn()
  const waiting = untilAborted<number>(signal, ({ resolve }) => {
    resolve(1)
    resolve(2)
    return stop
  })
  expect(stop).toHaveBeenCalledTimes(1)
  expect(await waiting).toBe(1)
  expect(listenersOn(signal)).toBe(0)
})

test('work that throws when it begins rejects the wait and leaves nothing on the signal', async () => {
  const { signal } = new AbortController()
  const broken = untilAborted(signal, () => {
    throw new Error('no socket')
  })
  await expect(broken).rejects.toThrow('no socket')
  expect(listenersOn(signal)).toBe(0)
})

test('a hundred waits on the signal of a roomy controller cause no warning of Node, and leave no listener there', async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const controller = roomyController()
  const never = new Promise<never>(() => {})
  const waits = Array.from({ length: 100 }, () =>
    orAborted(never, controller.signal).catch((reason) => reason),
  )
  await new Promise(setImmediate) // Node emits a warning on the next tick
  controller.abort('over')
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['over']))
  expect(listenersOn(controller.signal)).toBe(0)
  expect(warned).not.toHaveBeenCalled()
  process.off('warning', warned)
})

test('an existing result wins over an abort, and a late failure is no unhandled rejection', async () => {
  expect(await orAborted(Promise.resolve('there'), AbortSignal.abort('late'))).toBe('there')
  const controller = new AbortController()
  const failing = Promise.reject(new Error('failed'))
  await expect(orAborted(failing, controller.signal)).rejects.toThrow('failed')
  expect(listenersOn(controller.signal)).toBe(0)
})
