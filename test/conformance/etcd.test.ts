import { afterAll, describe, test } from 'vitest'
import { etcd } from '../../src/backends/etcd/index.ts'
import { backendConformance } from '../../src/testing/index.ts'
import { startEtcd } from '../../tools/servers/run.mjs'
import { etcdLines } from '../integration/fixtures/lines.ts'

describe.each(etcdLines)('etcd %s', async ({ line }) => {
  const server = await startEtcd({ line })
  afterAll(() => server.close())

  const source = etcd({ endpoints: server.endpoints, namespace: 'suite/' })
  for (const { title, run, withinMs } of await backendConformance(source)) test(title, run, withinMs)
})
