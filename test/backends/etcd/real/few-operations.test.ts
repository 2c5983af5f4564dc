// A server of etcd whose transactions take fewer operations than by default. Its client learns that, and works as with any other.
import { expect, test } from 'vitest'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const etcd = useEtcd({ extraArgs: ['--max-txn-ops', '32'] })
const count = 100

test('with --max-txn-ops 32 a hundred names are held at once, verified and given back, and a group of names is, too', async () => {
  const namespace = freshNamespace()
  const client = await etcd.client(namespace)
  const names = Array.from({ length: count }, (_, index) => `n${index}`)
  const holds = await Promise.all(names.map((name) => client.mutex(name).acquire()))
  await Promise.all(holds.map((hold) => hold.verify()))
  await Promise.all(holds.map((hold) => hold.release()))
  const group = await client.mutexes(names.slice(0, 20)).acquire()
  await group.verify()
  await group.release()
  expect(await etcd.keys(`${namespace}n`)).toEqual([])
})

test('with --max-txn-ops 32 a claim that needs more operations is refused, with the flag to change', async () => {
  const client = await etcd.client(freshNamespace())
  const heavy = client.semaphore('a', { permits: 40 }).acquire({ permits: 40 })
  await expect(heavy).rejects.toThrow('start etcd without --max-txn-ops')
})
