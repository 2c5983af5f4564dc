// @ts-check
// The imports for tests, benches and tools that run real servers on 127.0.0.1. Owns only the list of exports.
// fetch.mjs finds the programs; etcd.mjs and consul.mjs start them.

export { startConsul } from './consul.mjs'
export { startEtcd } from './etcd.mjs'
export { ensureServers, serverOf } from './fetch.mjs'

/** @typedef {import('./member.mjs').Member} Member */
/** @typedef {import('./etcd.mjs').EtcdCluster} EtcdCluster */
/** @typedef {import('./etcd.mjs').EtcdOptions} EtcdOptions */
/** @typedef {import('./etcd-questions.mjs').EtcdctlOptions} EtcdctlOptions */
/** @typedef {import('./consul.mjs').ConsulCluster} ConsulCluster */
/** @typedef {import('./consul.mjs').ConsulOptions} ConsulOptions */
/** @typedef {import('./fetch.mjs').EtcdLine} EtcdLine */
/** @typedef {import('./fetch.mjs').ConsulLine} ConsulLine */
