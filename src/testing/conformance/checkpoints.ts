// Checkpoints: which clients can store one, which can read it, and how long it may be.
import assert from 'node:assert/strict'
import { HoldLostError } from '../../base/errors.ts'
import type { Draft } from './case.ts'
import { never } from './signals.ts'
import { lossMs } from './timing.ts'

/** The cases about fenced writes. */
export const checkpoints: readonly Draft[] = [
  {
    title: 'the next holder reads the checkpoint of the last one, and only the holder can store one',
    takesMs: lossMs,
    async run(stage) {
      const [one, other] = await stage.pair()
      const name = stage.name()
      assert.equal(await one.mutex(name).readCheckpoint(), undefined)
      const hold = await one.mutex(name).acquire()
      await hold.checkpoint('first')
      await hold.checkpoint('second')
      assert.equal(await other.mutex(name).readCheckpoint(), 'second')
      await stage.endSession(name)
      const next = await other.mutex(name).acquire()
      await next.checkpoint('third')
      await assert.rejects(hold.checkpoint('late'), HoldLostError)
      assert.equal(await one.mutex(name).readCheckpoint(), 'third')
      await next.release()
      await assert.rejects(next.checkpoint('after release'), HoldLostError)
      assert.equal(await one.mutex(name).readCheckpoint(), 'third')
    },
  },
  {
    title:
      'a checkpoint may have as many bytes as the facts say, and one byte more is refused before it is sent',
    async run(stage) {
      const mutex = (await stage.client()).mutex(stage.name())
      const hold = await mutex.acquire()
      const longest = 'x'.repeat(stage.facts.checkpointBytesMax)
      await hold.checkpoint(longest)
      await assert.rejects(hold.checkpoint(`${longest}x`), RangeError)
      assert.ok((await mutex.readCheckpoint()) === longest, 'the text that was read')
      await hold.release()
    },
  },
  {
    title: 'a checkpoint is kept unchanged, even an empty one, and each name has its own',
    async run(stage) {
      const client = await stage.client()
      const [name, other] = [stage.name(), stage.name()]
      const hold = await client.mutex(name).acquire()
      for (const text of ['ünï\n\0 "🔒" %2f ', '']) {
        await hold.checkpoint(text)
        assert.equal(await client.mutex(name).readCheckpoint(), text)
      }
      assert.equal(await client.mutex(other).readCheckpoint(), undefined)
      await hold.release()
    },
  },
  {
    title: 'checkpoints reads the texts of all names with the prefix, even of names without claims',
    async run(stage) {
      const { backend } = stage
      const client = await stage.client()
      const base = stage.name()
      const store = (name: string, text: string): Promise<void> =>
        client.mutex(name).run((hold) => hold.checkpoint(text))
      await store(`${base}/ünï code`, 'one\0two')
      await store(`${base}.pool`, '')
      const all = new Map([
        [`${base}.pool`, ''],
        [`${base}/ünï code`, 'one\0two'],
      ])
      assert.deepEqual(await backend.checkpoints(base, never), all)
      assert.deepEqual([...(await backend.checkpoints(`${base}/`, never))], [...all].slice(1))
      assert.deepEqual(await backend.checkpoints(`${base}x`, never), new Map())
      for (const [name, text] of all) assert.equal((await backend.checkpoints('', never)).get(name), text)
    },
  },
]
