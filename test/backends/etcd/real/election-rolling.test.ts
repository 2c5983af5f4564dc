// Deployments that replace five processes one by one, over a real etcd: how often leadership changes hands.
import { expect, test } from 'vitest'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { restart, ways } from '../../../servers/rolling.ts'

const etcd = useEtcd()
const built = useBuild()
const ttlMs = 5_000

test.for(ways)(
  'a rolling restart of five on etcd costs at most two hand-overs: %s',
  { timeout: 90_000 },
  async (way) => {
    const namespace = freshNamespace()
    const target = etcd.cluster.url(namespace)
    const client = await etcd.client(namespace, { ttlMs })
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
