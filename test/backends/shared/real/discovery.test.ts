// A leader that other programs find in the store, in the ways that docs/discovery.md shows.
import { describe, expect, test } from 'vitest'
import { freshNamespace } from '../../../servers/etcd.ts'
import { findersOf } from '../../../servers/finders.ts'
import { realStores } from '../../../servers/real-stores.ts'

const finders = { etcd: await findersOf('etcd'), Consul: await findersOf('consul') }

describe.for(realStores)('on $title', ({ title, use }) => {
  const store = use()

  for (const { title: way, missing, find } of finders[title]) {
    if (missing !== undefined) {
      test(`finding a leader by ${way} is left out: ${missing}`, () => {})
      continue
    }
    test(`a leader is found by ${way}, also after a fail-over, and none when there is none`, async () => {
      const namespace = freshNamespace()
      const found = (): Promise<string> => find(store.endpoint, `${namespace}web`)
      expect(await found()).toBe('')
      const [one, two] = [await store.client(namespace), await store.client(namespace)]
      const first = await one.election('web').campaign({ value: '10.0.0.7:8080' })
      const second = two.election('web').campaign({ value: '10.0.0.8:8080', priority: 3 })
      await store.line(namespace, 'web', { holders: 1, waiters: 1 })
      expect(await found()).toBe('10.0.0.7:8080')
      await first.checkpoint('half done')
      await first.proclaim('10.0.0.9:8080')
      await first.checkpoint('done')
      expect(await found()).toBe('10.0.0.9:8080')

      await first.resign()
      const term = await second
      expect(await found()).toBe('10.0.0.8:8080')
      await term.resign()
      expect(await found()).toBe('')
    })
  }
})
