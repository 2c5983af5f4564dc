// @ts-check
// The number of requests that reach the servers, by their own counters. Renewals are left out, since their number
// depends on time and not on locks.

/** @typedef {import('../../tools/servers/run.mjs').EtcdCluster} EtcdCluster */

/**
 * Messages of clients that all members received while `work` ran.
 *
 * @param {EtcdCluster} etcd
 * @param {() => Promise<unknown>} work
 */
export async function requestsOf(etcd, work) {
  const before = await received(etcd)
  await work()
  return (await received(etcd)) - before
}

/** @param {EtcdCluster} etcd */
async function received(etcd) {
  let sum = 0
  for (const member of etcd.members) {
    for (const [sample, count] of await etcd.metrics(member)) {
      const isRequest = sample.startsWith('grpc_server_msg_received_total{')
      if (isRequest && !sample.includes('LeaseKeepAlive')) sum += count
    }
  }
  return sum
}
