// The entrance `leasehold/testing`: a simulated world, in which the production code of the clients and backends runs
// unchanged on virtual time, and the conformance suite for backends. Everything that this file exports is public.

export { backendConformance, type ConformanceCase } from './conformance/index.ts'
export { type SimulatedConsul, simulatedConsul } from './consul/index.ts'
export { type ConsulFaults, SimConsul, soundConsul } from './consul/server.ts'
export { type SimulatedEtcd, simulatedEtcd } from './etcd/index.ts'
export { type EtcdFaults, SimEtcd, soundEtcd } from './etcd/server.ts'
export { type Direction, fairWeather, type Host, Network, type Weather } from './network.ts'
export { type ClockFaults, SimProcess } from './process.ts'
export { Random } from './random.ts'
export { SimHost } from './server.ts'
export { settled, World } from './world.ts'
