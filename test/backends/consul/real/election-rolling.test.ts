// Deployments that replace five processes one by one, over a real Consul: how often leadership changes hands.
import { expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { restart, ways } from '../../../servers/rolling.ts'

const store = useConsul()
const built = useBuild()
const ttlMs = 10_000

test.for(ways)(
  'a rolling restart of five on Consul costs at most two hand-overs: %s',
  { timeout: 90_000 },
  async (way) => {
    const namespace = freshNamespace()
    const target = JSON.stringify({ endpoints: store.endpoints, namespace })
    const client = await store.client(namespace, { ttlMs })
    const { handOvers, longestGapMs, terms } = await restart(
      { index: built.index, target, ttlMs },
      client,
      way,
    )

    expect(handOvers).toBeGreaterThan(0)
    expect(handOvers).toBeLessThanOrEqual(2)
    for (const [index, { token }] of terms.slice(1).entries())
      expect(token).toBeGreaterThan(terms[index]?.token ?? 0n)
    expect(longestGapMs, 'a hand-over waits for no time to live').toBeLessThan(ttlMs)
  },
)
