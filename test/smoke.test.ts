import { expect, test } from 'vitest'
import { connect } from '../src/index.ts'
import { memory } from '../src/backends/memory/index.ts'
test('smoke', async () => {
  const src = memory()
  const a = await connect(src), b = await connect(src)
  const h = await a.mutex('x').acquire()
  expect(h.held).toBe(true)
  expect(await b.mutex('x').tryAcquire()).toBeUndefined()
  await expect(b.mutex('x').acquire({ waitMs: 50 })).rejects.toThrow(/held by/)
  const p = b.mutex('x').acquire()
  await h.release()
  const g = await p
  expect(g.token > h.token).toBe(true)
  expect(g.signal.aborted).toBe(false)
  await g.checkpoint('hi')
  expect(await a.mutex('x').checkpoint()).toBe('hi')
  await a.close(); await b.close()
  expect(g.held).toBe(false)
  const t0 = performance.now()
  const c = await connect('memory:')
  const m = c.mutex('y')
  for (let i = 0; i < 10000; i++) { const h = await m.acquire(); await h.release() }
  console.log('us per cycle', (performance.now() - t0) / 10)
  await c.close()
})
