// @ts-check
// The lines of etcd and Consul for the tests, and the source of each: Debian's packages, or sources that Go builds.
// Data only; fetch.mjs fetches them.

import { fileURLToPath } from 'node:url'

/** @typedef {'3.7' | '3.6' | '3.5' | '3.4'} EtcdLine */
/** @typedef {'1.14' | '1.8'} ConsulLine */
/**
 * @typedef {object} Wanted
 * @property {'etcd' | 'consul'} kind
 * @property {string} line minor version
 * @property {string[]} binaries
 * @property {{ suite: string, packages: string[] }} [debian]
 * @property {{ folder: string, programs: Record<string, string> }} [go] pinned in `folder`; `programs` are the packages
 *   of their mains
 */

const ETCD = { kind: /** @type {const} */ ('etcd'), binaries: ['etcd', 'etcdctl'] }
const CONSUL = { kind: /** @type {const} */ ('consul'), binaries: ['consul'] }
const ETCD_PACKAGES = ['etcd-server', 'etcd-client']
const ETCD_PROGRAMS = { etcd: 'go.etcd.io/etcd/server/v3', etcdctl: 'go.etcd.io/etcd/etcdctl/v3' }

/** Newest first. @type {Record<EtcdLine, Wanted>} */
export const ETCD_LINES = {
  3.7: { ...ETCD, line: '3.7', go: { folder: pinned('etcd-3.7'), programs: ETCD_PROGRAMS } },
  3.6: { ...ETCD, line: '3.6', go: { folder: pinned('etcd-3.6'), programs: ETCD_PROGRAMS } },
  3.5: { ...ETCD, line: '3.5', debian: { suite: 'trixie', packages: ETCD_PACKAGES } },
  3.4: { ...ETCD, line: '3.4', debian: { suite: 'bookworm', packages: ETCD_PACKAGES } },
}

/**
 * Newest first. 1.14 is the newest line with an open-source licence whose modules are all available with their
 * checksums: 1.15 and 1.16 need github.com/hashicorp/consul/envoyextensions, which was never published for them.
 *
 * @type {Record<ConsulLine, Wanted>}
 */
export const CONSUL_LINES = {
  1.14: {
    ...CONSUL,
    line: '1.14',
    go: { folder: pinned('consul-1.14'), programs: { consul: 'github.com/hashicorp/consul' } },
  },
  1.8: { ...CONSUL, line: '1.8', debian: { suite: 'bullseye', packages: ['consul'] } },
}

/**
 * The line for a test that asks for none: Debian's, which needs no build. LEASEHOLD_ETCD_LINE or LEASEHOLD_CONSUL_LINE
 * in the environment names another one for all tests.
 *
 * @param {'etcd' | 'consul'} kind
 * @returns {string}
 */
export function defaultLine(kind) {
  const named = process.env[`LEASEHOLD_${kind.toUpperCase()}_LINE`]
  return named ?? { etcd: '3.5', consul: '1.8' }[kind]
}

/** @param {string} name */
function pinned(name) {
  return fileURLToPath(new URL(`go/${name}`, import.meta.url))
}
