// Deployments that replace five processes one by one: how often leadership changes hands.
import { describe, expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { realStores } from '../../../servers/real-stores.ts'
import { restart, ways } from '../../../servers/rolling.ts'

const built = useBuild()

describe.for(realStores)('on $title', ({ use }) => {
  const store = use()

  test.for(ways)(
    'a rolling restart of five costs at most two hand-overs: %s',
    { timeout: 90_000 },
    async (way) => {
      const namespace = freshNamespace()
      const { ttlMs } = store
      const place = { index: built.index, target: store.url(namespace), ttlMs }

      const { handOvers, longestGapMs, terms } = await restart(place, await store.client(namespace), way)

      expect(handOvers).toBeGreaterThan(0)
      expect(handOvers).toBeLessThanOrEqual(2)
      for (const [index, { token }] of terms.slice(1).entries())
        expect(token).toBeGreaterThan(terms[index]?.token ?? 0n)
      expect(longestGapMs, 'a hand-over waits for no time to live').toBeLessThan(ttlMs)
    },
  )
})
