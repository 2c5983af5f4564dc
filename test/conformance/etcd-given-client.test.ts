import { Etcd3 } from 'etcd3'
import { afterAll, test } from 'vitest'
import { etcd } from '../../src/backends/etcd/index.ts'
import { backendConformance } from '../../src/testing/index.ts'
import { startEtcd } from '../../tools/servers/run.mjs'

// One line is enough: the requests are those of conformance/etcd.test.ts, and only the package etcd3 carries them.
const server = await startEtcd()
const client = new Etcd3({ hosts: server.endpoints })
afterAll(async () => {
  client.close()
  await server.close()
})

const source = etcd({ client, namespace: 'suite/' })
for (const { title, run, withinMs } of await backendConformance(source)) test(title, run, withinMs)
