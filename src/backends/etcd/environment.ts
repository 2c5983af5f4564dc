// The variables that etcdctl also reads. Owns their meaning, and which of them apply in addition to a URL.
// https://etcd.io/docs/v3.5/op-guide/configuration/ and etcdctl/README.md of etcd
import type { Auth, Tls } from '../shared/credentials.ts'
import { certificatesOf, privateKeyOf, refuseWithoutTls, type Variables } from '../shared/files.ts'
import type { EtcdOptions } from './options.ts'
import { parseEtcdUrl } from './url.ts'

/**
 * The options from a URL together with the environment. The files for TLS are read only with `etcds:`. Throws a
 * TypeError that names the variable, and the file if it cannot be read.
 */
export function optionsOf(url: string, variables: Variables): EtcdOptions {
  const { endpoints, namespace, tls, lockDelayMs } = parseEtcdUrl(url)
  if (!tls) refuseWithoutTls('etcd', variables, ['ETCDCTL_CACERT', 'ETCDCTL_CERT', 'ETCDCTL_KEY'])
  const credentials = { auth: authOf(variables), tls: tls ? tlsOf(variables) : undefined }
  return { endpoints, namespace, lockDelayMs, ...credentials }
}

function authOf({ ETCDCTL_USER: user = '', ETCDCTL_PASSWORD: password }: Variables): Auth | undefined {
  const [username = '', ...rest] = password === undefined ? user.split(':') : [user, password]
  return username ? { username, password: rest.join(':') } : undefined
}

function tlsOf(variables: Variables): Tls {
  const cert = certificatesOf(variables, 'ETCDCTL_CERT')
  const key = privateKeyOf(variables, 'ETCDCTL_KEY')
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert ? 'ETCDCTL_KEY' : 'ETCDCTL_CERT'
    throw new TypeError(`${missing}: is not set; ETCDCTL_CERT and ETCDCTL_KEY need each other`)
  }
  return { ca: certificatesOf(variables, 'ETCDCTL_CACERT'), cert, key }
}
