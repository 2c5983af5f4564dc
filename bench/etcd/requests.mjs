// @ts-check
// The requests that reach the servers, and the bytes of them and of the answers, by the servers' own counters. Renewals
// are left out of the requests, since their number depends on time and not on locks.

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
  return (await trafficOf(etcd)).messages
}

/** Everything since the servers began. @param {EtcdCluster} etcd */
export async function trafficOf(etcd) {
  let messages = 0
  let bytes = 0
  for (const member of etcd.members) {
    for (const [sample, count] of await etcd.metrics(member)) {
      const isRequest = sample.startsWith('grpc_server_msg_received_total{')
      if (isRequest && !sample.includes('LeaseKeepAlive')) messages += count
      if (/^etcd_network_client_grpc_(sent|received)_bytes_total$/.test(sample)) bytes += count
    }
  }
  return { messages, bytes }
}
