// Behind `etcd grpc-proxy`, which numbers watches by itself: hand-overs are woken by events there as well.
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Hold, Lock } from '../../../../src/index.ts'
import { spawnOwned } from '../../../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../../../tools/servers/command.mjs'
import { serverOf } from '../../../../tools/servers/fetch.mjs'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd()
const ttlMs = 20_000

/** Starts a proxy, and resolves with its address. Clients wait until it answers. */
async function startProxy(): Promise<string> {
  const { dir } = await serverOf('etcd', undefined)
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const args = ['grpc-proxy', 'start', `--endpoints=${etcd.cluster.endpoints[0]}`, `--listen-addr=${address}`]
  const child = spawnOwned(join(dir, 'etcd'), args, { env: cleanEnvironment(), stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  return address
}

test('three waiters of each kind of lock hold one after another within a second, and not after a TTL each', async () => {
  const [address, namespace] = [await startProxy(), freshNamespace()]
  const clients = await Promise.all(
    [1, 2, 3, 4].map(() => open(`etcd://${address}/${namespace}`, { ttlMs, waitMs: 20_000 })),
  )
  const kinds: [string, (index: number) => Lock, number][] = [
    ['m', (index) => (clients[index] as (typeof clients)[number]).mutex('m'), 1],
    ['s', (index) => (clients[index] as (typeof clients)[number]).semaphore('s', { permits: 2 }), 2],
  ]
  const rounds = kinds.map(async ([name, lockOf, permits]) => {
    const first = await lockOf(0).acquire()
    for (let other = 1; other < permits; other += 1) await lockOf(0).acquire()
    const waiting: Promise<Hold>[] = []
    for (const index of [1, 2, 3]) {
      waiting.push(lockOf(index).acquire())
      await etcd.line(namespace, name, permits + index)
    }
    const tookMs: number[] = []
    let holder = first
    for (const next of waiting) {
      const began = performance.now()
      await holder.release()
      holder = await next
      tookMs.push(performance.now() - began)
    }
    return tookMs
  })
  for (const tookMs of await Promise.all(rounds)) expect(Math.max(...tookMs)).toBeLessThan(1_000)
}, 60_000)
