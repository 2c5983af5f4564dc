// The counts of a server's requests, from its own metrics.
import type { EtcdCluster } from '../../tools/servers/run.mjs'

/** How often a method was called. `msg_received` counts the messages of a stream. */
export async function callsOf(
  cluster: EtcdCluster,
  method: string,
  event: 'started' | 'handled' | 'msg_received' = 'started',
): Promise<number> {
  return sum(await cluster.metrics(), event, method)
}

/** All calls since then, by method. */
export async function counting(cluster: EtcdCluster): Promise<() => Promise<Record<string, number>>> {
  const before = await byMethod(cluster)
  return async () => {
    const after = await byMethod(cluster)
    const changed = Object.entries(after).map(
      ([method, count]) => [method, count - (before[method] ?? 0)] as const,
    )
    return Object.fromEntries(changed.filter(([, count]) => count > 0))
  }
}

/** Every message to the server: one on a stream counts as much as a separate one. */
async function byMethod(cluster: EtcdCluster): Promise<Record<string, number>> {
  const metrics = await cluster.metrics()
  const names = [...metrics.keys()].filter((name) => name.startsWith('grpc_server_msg_received_total'))
  const methods = new Set(names.map((name) => /grpc_method="(\w+)"/.exec(name)?.[1] ?? ''))
  return Object.fromEntries([...methods].map((method) => [method, sum(metrics, 'msg_received', method)]))
}

function sum(metrics: ReadonlyMap<string, number>, event: string, method: string): number {
  const samples = [...metrics].filter(
    ([name]) => name.startsWith(`grpc_server_${event}_total`) && name.includes(`grpc_method="${method}"`),
  )
  return samples.reduce((total, [, count]) => total + count, 0)
}
