// A leader that other programs find on consul, in the ways that docs/discovery.md shows.
import { expect, test } from 'vitest'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { findersOf } from '../../../servers/finders.ts'

const store = useConsul()

for (const { title, missing, find } of await findersOf('consul')) {
  if (missing !== undefined) test(`finding a leader by ${title} is left out: ${missing}`, () => {})
  else {
    test(`a leader is found by ${title}, also after a fail-over, and nobody when nobody leads`, async () => {
      const namespace = freshNamespace()
      const [endpoint = ''] = store.endpoints
      const found = (): Promise<string> => find(endpoint, `${namespace}web`)
      expect(await found()).toBe('')
      const [one, two] = [await store.client(namespace), await store.client(namespace)]
      const first = await one.election('web').campaign({ value: '10.0.0.7:8080' })
      const second = two.election('web').campaign({ value: '10.0.0.8:8080', priority: 3 })
      await store.line(namespace, 'web', 1)
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
}
