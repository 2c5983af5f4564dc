// @ts-check
// A real Consul cluster of three servers for a run. Owns the faults that only Consul has, and the question what is left
// in it.
import { ask } from '../servers/loopback.mjs'
import { startConsul } from '../servers/run.mjs'

/** @param {{ line?: string | undefined }} options @returns {Promise<import('./stores.mjs').Stage>} */
export async function consulStage({ line }) {
  // Of the lines that Go builds, only this one is looked for.
  if (line) process.env.LEASEHOLD_CONSUL_LINE = line
  const cluster = await startConsul({
    line: /** @type {import('../servers/run.mjs').ConsulLine | undefined} */ (line),
    servers: 3,
  })
  /** Asks a server that runs. @param {string} method @param {string} path @param {object} [body] */
  const api = async (method, path, body) => {
    for (const { endpoint } of cluster.members.filter(({ state }) => state === 'running')) {
      const options = { method, body: body && JSON.stringify(body), timeoutMs: 10_000 }
      const answer = await ask(`http://${endpoint}/v1/${path}`, options)
      if (answer?.status === 200 || answer?.status === 404) return answer
    }
    throw new Error(`no server of Consul answered ${path}`)
  }
  return {
    title: `Consul ${cluster.version}`,
    members: cluster.members,
    peers: [],
    leader: () => cluster.leader(),
    target: {
      backend: 'consul',
      endpoints: cluster.members.map(({ endpoint }) => endpoint),
      options: (endpoints) => ({ endpoints, namespace: 'chaos/' }),
    },
    ttlsMs: [10_000, 15_000],
    // The lock-delay, by default twice the time to live.
    coveredMs: (ttlMs) => Math.min(60_000, 2 * ttlMs),
    recoveryMs: (ttlMs) => 2 * ttlMs + Math.min(60_000, 2 * ttlMs) + 20_000,
    acts: {
      deregister: async () => {
        const leader = await cluster.leader()
        const node = cluster.members.find((member) => member !== leader)
        await api('PUT', 'catalog/deregister', { Node: node?.name })
      },
      'force-leave': async () => {
        const member = cluster.members.find(({ state }) => state === 'dead')
        if (member) await cluster.consul(['force-leave', member.name], { address: alive(cluster) })
      },
      snapshot: () =>
        cluster.consul(['snapshot', 'save', `${cluster.dataDir}/saved-${Date.now()}`], {
          address: alive(cluster),
        }),
    },
    left: async () => {
      const keys = await api('GET', 'kv/chaos/?keys&consistent')
      const sessions = JSON.parse((await api('GET', 'session/list?consistent')).body)
      const names = keys.status === 404 ? [] : JSON.parse(keys.body)
      const ours = sessions.filter((/** @type {{ Name: string }} */ { Name }) => Name.startsWith('leasehold'))
      return [...names, ...ours.map((/** @type {{ ID: string }} */ { ID }) => `session ${ID}`)]
    },
    storedSet: async () => {
      const answer = await api('GET', 'kv/stored-set?raw&consistent')
      return answer.status === 404 ? [] : JSON.parse(answer.body)
    },
    close: () => cluster.close(),
  }
}

/** The address of a server that runs. @param {import('../servers/run.mjs').ConsulCluster} cluster */
function alive({ members, address }) {
  const member = members.find(({ state }) => state === 'running')
  return member ? `http://${member.endpoint}` : address
}
