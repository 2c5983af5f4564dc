// Processes that read and write one name, or take pairs of names, over a real server, while some of them are killed. With
// LEASEHOLD_SHAPES_SECONDS=60 it goes on for a minute, with twenty processes for pairs.
import { describe, expect, test } from 'vitest'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace } from '../../../servers/etcd.ts'
import { realStores } from '../../../servers/real-stores.ts'
import { contend } from '../../../servers/takers.ts'

const built = useBuild()
const long = Number(process.env.LEASEHOLD_SHAPES_SECONDS ?? 0)
const seconds = long || 4
const plan = { seconds, killEveryMs: long ? 3_000 : 1_200 }

describe.for(realStores)('on $title', ({ title, use }) => {
  const store = use()
  // The session of a process that was killed lives for up to twice its time to live on Consul, so the test ends it.
  const endSession = title === 'Consul' ? { endSession: store.endSession } : {}

  test.for(['readers', 'pairs'] as const)(
    '%s of several processes keep out of each other’s way, and all make progress',
    {
      timeout: 90_000 + 2_000 * seconds,
    },
    async (kind) => {
      const namespace = freshNamespace()
      const processes = kind === 'pairs' ? (long ? 20 : 6) : 5
      const { index } = built
      const place = {
        index,
        target: store.target(namespace),
        ttlMs: store.ttlMs,
        kind,
        processes,
        ...endSession,
      }
      const account = await contend(place, plan)
      console.log(`${title}, ${kind}: ${JSON.stringify(account)}`)
      expect(account.kills).toBeGreaterThan(0)
      expect(account.alone).toBeGreaterThan(3)
      if (kind === 'readers') expect(account.turns - account.alone).toBeGreaterThan(3)
      const client = await store.client(namespace)
      await until(async () => (await client.survey()).length === 0, { describe: () => 'nothing is left' })
    },
  )
})
