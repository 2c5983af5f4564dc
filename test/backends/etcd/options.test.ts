// The options of etcd and its variables, checked before any server is asked.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { consulFromUrl } from '../../../src/backends/consul/index.ts'
import { etcd, etcdFromUrl } from '../../../src/backends/etcd/index.ts'
import { refusalOf } from '../../refusal.ts'
import { emptyDirectory, remove } from '../file/processes.ts'
import { certificate, encryptedKey, privateKey } from '../shared/pem.ts'

test.each([
  [{}, 'etcd://127.0.0.1:2379/'],
  [{ endpoints: ['h', '[::1]:1'] }, 'etcd://h:2379,[::1]:1/'],
  [{ tls: true, namespace: 'a' }, 'etcds://127.0.0.1:2379/a/'],
  [{ tls: false, namespace: 'a/' }, 'etcd://127.0.0.1:2379/a/'],
  [{ auth: { username: 'hunter2', password: 'hunter2' } }, 'etcd://127.0.0.1:2379/'],
])('for %j the URL shows the endpoints and the namespace, and no secret', (options, url) => {
  expect(etcd(options).url).toBe(url)
})

test.each([
  ['ETCDCTL_CERT', 'ETCDCTL_KEY'],
  ['ETCDCTL_KEY', 'ETCDCTL_CERT'],
])('%s without %s is refused, and the missing one is named', (present, missing) => {
  const directory = emptyDirectory()
  onTestFinished(() => remove(directory))
  const file = join(directory, 'file.pem')
  writeFileSync(file, present.endsWith('KEY') ? privateKey : certificate)
  const error = refusalOf(() => etcdFromUrl('etcds://h', { [present]: file }))
  expect(error).toEqual(new TypeError(`${missing}: is not set; ETCDCTL_CERT and ETCDCTL_KEY need each other`))
})

test('a file of a variable that cannot be read is named', () => {
  const environment = { ETCDCTL_CACERT: '/nowhere/ca.pem' }
  expect(refusalOf(() => etcdFromUrl('etcds://h', environment))).toEqual(
    new TypeError('ETCDCTL_CACERT: "/nowhere/ca.pem" cannot be read (ENOENT)'),
  )
})

test.each(['ETCDCTL_CACERT', 'ETCDCTL_CERT', 'ETCDCTL_KEY'])(
  '%s together with etcd: is refused, not ignored',
  (name) => {
    const error = refusalOf(() => etcdFromUrl('etcd://h', { [name]: '/some/file.pem' }))
    expect(error).toEqual(
      new TypeError(`${name}: is set, but etcd: is without TLS; use etcds:, or unset ${name}`),
    )
    expect(etcdFromUrl('etcd://h', { [name]: '' }).url).toBe('etcd://h:2379/')
  },
)

test.each<[string, string, RegExp]>([
  [
    'ETCDCTL_CACERT',
    '-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n',
    /does not have a certificate that can be read/,
  ],
  ['ETCDCTL_CACERT', 'garbage', /is not PEM/],
  ['ETCDCTL_CERT', privateKey, /does not have a certificate that can be read/],
  ['ETCDCTL_KEY', certificate, /does not have a private key that can be read/],
  ['ETCDCTL_KEY', encryptedKey, /is encrypted; give a copy without a passphrase/],
])('a file of %s with something else in it is refused by its name: %s', (name, content, message) => {
  const directory = emptyDirectory()
  onTestFinished(() => remove(directory))
  const file = join(directory, 'file.pem')
  writeFileSync(file, content)
  for (const call of [
    () => etcdFromUrl('etcds://h', { [name]: file }),
    () => consulFromUrl('consuls://h', { [consulNames[name] ?? '']: file }),
  ]) {
    const error = refusalOf(call)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(/^[A-Z_]+: ".*file.pem" /)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toMatch(/OpenSSL|error:|routines/)
  }
})

/** The same variables of Consul. */
const consulNames: Record<string, string> = {
  ETCDCTL_CACERT: 'CONSUL_CACERT',
  ETCDCTL_CERT: 'CONSUL_CLIENT_CERT',
  ETCDCTL_KEY: 'CONSUL_CLIENT_KEY',
}
