import { etcd } from '../../src/backends/etcd/index.ts'
import { startEtcd } from '../../tools/servers/run.mjs'
import { conformance } from './suite.ts'

for (const line of ['3.5', '3.4'] as const) {
  conformance(`etcd ${line}`, async () => {
    const server = await startEtcd({ line })
    return { source: etcd({ endpoints: server.endpoints, namespace: 'suite/' }), close: () => server.close() }
  })
}
