// A store must not interpret names: each is used unchanged, and no name affects another one.
import assert from 'node:assert/strict'
import type { Draft } from './case.ts'

const odd = [
  'with space',
  'ünï/ço∂é 🔒',
  '/leading',
  'trailing/',
  'a//b',
  '..',
  '.lock',
  '%2f',
  'x'.repeat(512),
]

/** The cases about locks on odd names and on neighbouring ones. */
export const names: readonly Draft[] = [
  {
    title: 'locks on a name and on the same name with /b after it do not block one another',
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      const inner = await one.mutex(`${name}/b`).acquire()
      const outer = await other.mutex(name).acquire({ waitMs: 5_000 })
      assert.ok(inner.held && outer.held)
      await outer.release()
      const tried = await other.mutex(name).tryAcquire()
      assert.ok(tried?.held)
      await tried.release()
      const pool = await other.semaphore(name, { permits: 3 }).tryAcquire()
      assert.ok(pool?.held)
      await Promise.all([pool.release(), inner.release()])
    },
  },
  ...odd.map((name): Draft => {
    return {
      title: `the name ${JSON.stringify(name)} is used unchanged`,
      async run(stage) {
        const [one, other] = await stage.pair()
        const hold = await one.mutex(name).acquire()
        assert.equal(await other.mutex(name).tryAcquire(), undefined)
        await hold.release()
        const next = await other.mutex(name).tryAcquire()
        assert.ok(next?.held)
        await next.release()
      },
    }
  }),
]
