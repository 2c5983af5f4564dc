// The entry to a simulated Consul: a source for `connect`, for one simulated process.

import { ConsulBackend, usualLockDelayMs } from '../../backends/consul/backend.ts'
import { Layout } from '../../backends/consul/layout.ts'
import type { BackendSource } from '../../contract.ts'
import type { Network } from '../network.ts'
import type { SimProcess } from '../process.ts'
import type { SimConsul } from './server.ts'
import { SimConsulTransport } from './transport.ts'

/** A source for the clients of a simulated process: the production backend over simulated connections. */
export interface SimulatedConsul extends BackendSource {
  /** Its connections, one for each opened client. */
  readonly transports: readonly SimConsulTransport[]
}

/** A source for the clients of one process. Give `connect` the process as its clock. */
export function simulatedConsul(
  network: Network,
  process: SimProcess,
  server: SimConsul,
  options: { readonly lockDelayMs?: number } = {},
): SimulatedConsul {
  const transports: SimConsulTransport[] = []
  return {
    url: 'consul://simulated/',
    transports,
    async open(clock, ttlMs) {
      const { lockDelayMs = usualLockDelayMs(ttlMs) } = options
      const transport = new SimConsulTransport(network, process, server)
      transports.push(transport)
      const settings = { layout: new Layout(''), clock, checks: [], lockDelayMs, alone: 0 }
      return new ConsulBackend(transport, settings)
    },
  }
}
