// Credentials in the wrong place, in an argument or a variable of the environment: no error may repeat them. Each case
// calls a public function.
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { consul, consulFromUrl } from '../../src/backends/consul/index.ts'
import { etcd, etcdFromUrl } from '../../src/backends/etcd/index.ts'
import { file } from '../../src/backends/file/index.ts'
import { connect } from '../../src/index.ts'
import { refusalOf } from '../refusal.ts'

const secret = 'S3CR3T'
const url = (text: string): [string, () => unknown] => [text, () => connect(text)]
const variable = (name: string, value: string): [string, () => unknown] => [
  `${name}=${value}`,
  () =>
    (name.startsWith('ETCD') ? etcdFromUrl : consulFromUrl)(
      name.startsWith('ETCD') ? 'etcds://h/' : name === 'CONSUL_HTTP_ADDR' ? 'consul:' : 'consuls://h/',
      { [name]: value },
    ),
]

test.each<[string, () => unknown]>([
  url(`file://user:${secret}@h/x`),
  url(`memory://user:${secret}@h`),
  url(`memory:${secret}@h`),
  url(`etcd://user:${secret}@h/`),
  url(`etcd://h:${secret}/`),
  url(`etcd://h/?${secret}`),
  url(`etcd://h/%zz?${secret}`),
  url(`consul://user:${secret}@h/`),
  url(`consul:///user:${secret}@h/`),
  url(`consul://h/?${secret}`),
  url(`consul://h/?${secret}=`),
  url(`consul://h/%zz@${secret}@h`),
  url(`user:${secret}@h`),
  url(`redis://user:${secret}@h/`),
  variable('CONSUL_HTTP_ADDR', `${secret}@h`),
  variable('CONSUL_HTTP_ADDR', `http://user:${secret}@h`),
  variable('CONSUL_HTTP_TOKEN_FILE', secret),
  variable('CONSUL_HTTP_TOKEN', `${secret}\n`),
  variable('CONSUL_CLIENT_KEY', `-----BEGIN PRIVATE KEY-----\n${secret}/x\n-----END PRIVATE KEY-----`),
  variable('ETCDCTL_KEY', `-----BEGIN PRIVATE KEY-----\n${secret}/x\n-----END PRIVATE KEY-----`),
  ['endpoints of etcd', () => etcd({ endpoints: [`${secret}@h`] })],
  ['a URL as an endpoint of etcd', () => etcd({ endpoints: [`http://user:${secret}@h`] })],
  ['endpoints of consul', () => consul({ endpoints: [`${secret}@h`] })],
  ['auth of etcd', () => etcd({ auth: { username: `user:${secret}`, password: '' } })],
  ['an option of file', () => file({ url: `file://user:${secret}@h` } as object)],
  ['the options themselves', () => connect('memory:', secret as unknown as object)],
  ['the target', () => connect({ url: secret } as never)],
])('an error about %s does not show the secret', async (_, call) => {
  const error = await refusalOf(call)
  expect(error).toBeInstanceOf(Error)
  expect(inspect(error)).not.toContain(secret)
})
