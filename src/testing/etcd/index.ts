// The entry to a simulated etcd: a source for `connect`, for one simulated process.

import { EtcdBackend } from '../../backends/etcd/backend.ts'
import { Layout } from '../../backends/etcd/layout.ts'
import type { BackendSource } from '../../contract.ts'
import type { Network } from '../network.ts'
import type { SimProcess } from '../process.ts'
import type { SimEtcd } from './server.ts'
import { SimEtcdTransport } from './transport.ts'

/** A source for the clients of a simulated process: the production backend over simulated connections. */
export interface SimulatedEtcd extends BackendSource {
  /** Its connections, one for each opened client. */
  readonly transports: readonly SimEtcdTransport[]
}

/** A source for the clients of one process. Give `connect` the process as its clock. */
export function simulatedEtcd(
  network: Network,
  process: SimProcess,
  server: SimEtcd,
  { lockDelayMs = 0 }: { readonly lockDelayMs?: number } = {},
): SimulatedEtcd {
  const transports: SimEtcdTransport[] = []
  return {
    url: 'etcd://simulated/',
    transports,
    async open(clock) {
      const transport = new SimEtcdTransport(network, process, server)
      transports.push(transport)
      // Every transaction waits for others here, since a run has few of them at a time.
      return new EtcdBackend(transport, new Layout(''), clock, lockDelayMs, 0)
    },
  }
}
