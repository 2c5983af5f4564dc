// The variables that etcdctl also reads. Owns their meaning, and which of them apply in addition to a URL.
// https://etcd.io/docs/v3.5/op-guide/configuration/ and etcdctl/README.md of etcd
import { readFileSync } from 'node:fs'
import type { Auth, Pem, Tls } from '../shared/credentials.ts'
import type { EtcdOptions } from './options.ts'
import { parseEtcdUrl } from './url.ts'

/** The variables by name. An empty value counts as missing. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * The options from a URL together with the environment. The files for TLS are read only with `etcds:`. Throws a
 * TypeError that names the variable, and the file if it cannot be read.
 */
export function optionsOf(url: string, variables: Variables): EtcdOptions {
  const { endpoints, namespace, tls } = parseEtcdUrl(url)
  return { endpoints, namespace, auth: authOf(variables), tls: tls ? tlsOf(variables) : undefined }
}

function authOf({ ETCDCTL_USER: user = '', ETCDCTL_PASSWORD: password }: Variables): Auth | undefined {
  const [username = '', ...rest] = password === undefined ? user.split(':') : [user, password]
  return username ? { username, password: rest.join(':') } : undefined
}

function tlsOf(variables: Variables): Tls {
  const [cert, key] = [pem(variables, 'ETCDCTL_CERT'), pem(variables, 'ETCDCTL_KEY')]
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert ? 'ETCDCTL_KEY' : 'ETCDCTL_CERT'
    throw new TypeError(`${missing}: is not set; ETCDCTL_CERT and ETCDCTL_KEY need each other`)
  }
  return { ca: pem(variables, 'ETCDCTL_CACERT'), cert, key }
}

function pem(variables: Variables, variable: string): Pem | undefined {
  const file = variables[variable]
  try {
    return file ? readFileSync(file) : undefined
  } catch (cause) {
    throw new TypeError(`${variable}: ${JSON.stringify(file)} cannot be read`, { cause })
  }
}
