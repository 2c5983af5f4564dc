// The options of etcd and its variables, checked before any server is asked.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { etcd, etcdFromUrl } from '../../../src/backends/etcd/index.ts'
import { refusalOf } from '../../refusal.ts'
import { emptyDirectory, remove } from '../file/processes.ts'

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
  writeFileSync(file, '-----BEGIN CERTIFICATE-----')
  const error = refusalOf(() => etcdFromUrl('etcds://h', { [present]: file }))
  expect(error).toEqual(new TypeError(`${missing}: is not set; ETCDCTL_CERT and ETCDCTL_KEY need each other`))
})

test('a file of a variable that cannot be read is named, and only where TLS needs it', () => {
  const environment = { ETCDCTL_CACERT: '/nowhere/ca.pem' }
  expect(refusalOf(() => etcdFromUrl('etcds://h', environment))).toEqual(
    new TypeError('ETCDCTL_CACERT: "/nowhere/ca.pem" cannot be read (ENOENT)'),
  )
  expect(etcdFromUrl('etcd://h', environment).url).toBe('etcd://h:2379/')
})
