// @ts-check
// A real etcd cluster of three for a run, with a link in front of each member's port for its peers. Owns the faults
// that only etcd has, and the question what is left in it.
import { ask } from '../servers/loopback.mjs'
import { startEtcd } from '../servers/run.mjs'
import { Link } from './link.mjs'

/** @param {{ line?: string | undefined }} options @returns {Promise<import('./stores.mjs').Stage>} */
export async function etcdStage({ line }) {
  /** @type {Link[]} */
  const peers = []
  const cluster = await startEtcd({
    line: /** @type {import('../servers/run.mjs').EtcdLine | undefined} */ (line),
    members: 3,
    peerLink: async (target) => {
      const link = await Link.open(target)
      peers.push(link)
      return link.address
    },
  })
  /** Asks the gateway of a member that runs. @param {string} path @param {object} body */
  const gateway = async (
    path,
    body,
    { members = cluster.members.filter(({ state }) => state === 'running') } = {},
  ) => {
    for (const { endpoint } of members) {
      const options = { method: 'POST', body: JSON.stringify(body), timeoutMs: 10_000 }
      const answer = await ask(`http://${endpoint}/v3/${path}`, options)
      if (answer?.status === 200) return JSON.parse(answer.body)
    }
    throw new Error(`no member of etcd answered ${path}`)
  }
  return {
    title: `etcd ${cluster.version}`,
    members: cluster.members,
    peers,
    leader: () => cluster.leader(),
    target: {
      backend: 'etcd',
      endpoints: cluster.endpoints,
      options: (endpoints) => ({ endpoints, namespace: 'chaos/' }),
    },
    ttlsMs: [3_000, 15_000],
    coveredMs: (ttlMs) => ttlMs,
    recoveryMs: (ttlMs) => ttlMs + 10_000,
    acts: actsOf(cluster, gateway),
    left: async () => {
      const { kvs = [] } = await gateway('kv/range', rangeOf('chaos/'))
      const { leases = [] } = await gateway('lease/leases', {})
      const keys = kvs.map((/** @type {{ key: string }} */ { key }) => Buffer.from(key, 'base64').toString())
      return [...keys, ...leases.map((/** @type {{ ID: string }} */ { ID }) => `lease ${ID}`)]
    },
    storedSet: async () => {
      const { kvs = [] } = await gateway('kv/range', { key: base64('stored-set') })
      return kvs[0] ? JSON.parse(Buffer.from(kvs[0].value, 'base64').toString()) : []
    },
    close: async () => {
      await cluster.close()
      for (const link of peers) link.close()
    },
  }
}

/**
 * @param {import('../servers/run.mjs').EtcdCluster} cluster
 * @param {(path: string, body: object, options?: { members: import('../servers/run.mjs').Member[] }) => Promise<any>} gateway
 * @returns {Record<string, () => Promise<unknown>>}
 */
function actsOf(cluster, gateway) {
  return {
    'move-leader': async () => {
      const leader = await cluster.leader()
      const other = cluster.members.find((member) => member !== leader && member.state === 'running')
      const status = await gateway('maintenance/status', {}, { members: other ? [other] : [] })
      await gateway(
        'maintenance/transfer-leadership',
        { targetID: status.header.member_id },
        { members: [leader] },
      )
    },
    compact: async () => {
      const { header } = await gateway('kv/range', { key: base64('none') })
      await gateway('kv/compaction', { revision: header.revision, physical: true })
    },
    defragment: async () => {
      for (const member of cluster.members) await gateway('maintenance/defragment', {}, { members: [member] })
    },
    snapshot: () =>
      cluster.etcdctl(['snapshot', 'save', `${cluster.dataDir}/saved-${Date.now()}`], {
        endpoints: cluster.endpoints.slice(0, 1),
      }),
    alarm: () => gateway('maintenance/alarm', { action: 'ACTIVATE', memberID: '0', alarm: 'NOSPACE' }),
    'alarm over': async () => {
      const { alarms = [] } = await gateway('maintenance/alarm', { action: 'GET' })
      for (const { memberID = '0', alarm } of alarms)
        await gateway('maintenance/alarm', { action: 'DEACTIVATE', memberID, alarm })
    },
  }
}

/** @param {string} text */
const base64 = (text) => Buffer.from(text).toString('base64')

/** @param {string} prefix that ends with a slash */
const rangeOf = (prefix) => ({
  key: base64(prefix),
  range_end: base64(`${prefix.slice(0, -1)}0`),
  keys_only: true,
})
