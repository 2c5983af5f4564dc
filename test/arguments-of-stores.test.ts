// A wrong option of a store is refused at once, and the message names it and shows no secret. test/arguments.test.ts has the
// kinds of mistakes that every public function refuses.
import { expect, test } from 'vitest'
import { consul } from '../src/backends/consul/index.ts'
import { etcd } from '../src/backends/etcd/index.ts'
import { file } from '../src/backends/file/index.ts'
import { memory } from '../src/backends/memory/index.ts'
import { connect } from '../src/index.ts'
import { refusalOf } from './refusal.ts'

/** A function as JavaScript sees it: it takes any arguments. */
type Loose = (...args: unknown[]) => unknown

const cases: [
  code: string,
  call: () => unknown,
  kind: typeof TypeError | typeof RangeError,
  message: string,
][] = [
  [
    'memory({ ttl: 5 })',
    () => (memory as Loose)({ ttl: 5 }),
    TypeError,
    'ttl: is not an option; there are none here',
  ],
  [
    'memory("memory:")',
    () => (memory as Loose)('memory:'),
    TypeError,
    'options: a string is not an object without options',
  ],
  [
    'file("/tmp")',
    () => (file as Loose)('/tmp'),
    TypeError,
    'options: a string is not an object with directory',
  ],
  [
    'file({ directory: 5 })',
    () => (file as Loose)({ directory: 5 }),
    TypeError,
    'directory: 5 is not a string that is not empty',
  ],
  [
    'file({ path: "/tmp" })',
    () => (file as Loose)({ path: '/tmp' }),
    TypeError,
    'path: is not an option; did you mean directory (a string that is not empty)? The options are directory',
  ],
  [
    'etcd({ endpoints: "h:1" })',
    () => (etcd as Loose)({ endpoints: 'h:1' }),
    TypeError,
    'endpoints: a string is not an array of host:port',
  ],
  [
    'etcd({ endpoints: [] })',
    () => etcd({ endpoints: [] }),
    RangeError,
    'endpoints: [] is empty; it takes at least one host:port',
  ],
  [
    'etcd({ auth: "u:p" })',
    () => (etcd as Loose)({ auth: 'u:p' }),
    TypeError,
    'auth: a string is not an object with username, password',
  ],
  [
    'etcd({ auth: { user: "u" } })',
    () => (etcd as Loose)({ auth: { user: 'u' } }),
    TypeError,
    'auth.user: is not an option; did you mean auth.username (a string that is not empty)? The options are auth.username, auth.password',
  ],
  [
    'etcd({ auth: { username, pasword } })',
    () => (etcd as Loose)({ auth: { username: 'u', pasword: 'hunter2' } }),
    TypeError,
    'auth.pasword: is not an option; did you mean auth.password (a string)? The options are auth.username, auth.password',
  ],
  [
    'etcd({ tls: "yes" })',
    () => (etcd as Loose)({ tls: 'yes' }),
    TypeError,
    'tls: a string is not true, false or an object with ca, cert, key',
  ],
  [
    'etcd({ tls: { cert } })',
    () => etcd({ tls: { cert: 'hunter2' } }),
    TypeError,
    'tls.key: is missing; cert and key need each other',
  ],
  [
    'etcd({ tls: { key } })',
    () => etcd({ tls: { key: 'hunter2' } }),
    TypeError,
    'tls.cert: is missing; cert and key need each other',
  ],
  [
    'etcd({ tls: { ca: 5 } })',
    () => (etcd as Loose)({ tls: { ca: 5 } }),
    TypeError,
    'tls.ca: a number is not PEM as a string or a Buffer, or an array of them',
  ],
  [
    'etcd({ hosts: [] })',
    () => (etcd as Loose)({ hosts: [] }),
    TypeError,
    'hosts: is not an option; did you mean endpoints (an array of host:port)? The options are endpoints, namespace, auth, tls, lockDelayMs, client',
  ],
  [
    'consul({ addresses: ["h"] })',
    () => (consul as Loose)({ addresses: ['h'] }),
    TypeError,
    'addresses: is not an option; did you mean endpoints (an array of host:port or unix:///path)? The options are endpoints, namespace, token, auth, tls, dc, enterprise, checks, node, lockDelayMs, unsafeTwoMayHold, idleMs, client',
  ],
  [
    'consul({ token: null })',
    () => (consul as Loose)({ token: null }),
    TypeError,
    'token: null is not a string, the secret id of a token (it is not shown)',
  ],
  [
    'consul({ tls: { verify: 1 } })',
    () => (consul as Loose)({ tls: { verify: 1 } }),
    TypeError,
    'tls.verify: 1 is not true or false',
  ],
]

test.each(cases)('%s is refused, by name', async (_, call, kind, message) => {
  const error = await refusalOf(call)
  expect(error).toBeInstanceOf(kind)
  expect((error as Error).message).toBe(message)
})

test.each<[string, () => unknown]>([
  ['a password in the place of a user', () => (etcd as Loose)({ auth: 'hunter2' })],
  ['a URL with a password in the place of options', () => (etcd as Loose)('etcd://u:hunter2@h')],
  ['a URL with a password among the endpoints', () => etcd({ endpoints: ['http://u:hunter2@h'] })],
  ['a password that is no string', () => (etcd as Loose)({ auth: { username: 'u', password: ['hunter2'] } })],
  ['a name with a colon', () => etcd({ auth: { username: 'u:hunter2', password: '' } })],
  ['a key in the place of tls', () => (consul as Loose)({ tls: 'hunter2' })],
  ['a key that is no PEM', () => (consul as Loose)({ tls: { cert: 'c', key: { text: 'hunter2' } } })],
  ['a token with a line end', () => consul({ token: 'hunter2\n' })],
  ['a target with a password', () => connect(['etcd://u:hunter2@h'] as never)],
])('the refusal of %s does not show the value', async (_, call) => {
  const error = await refusalOf(call)
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).message).not.toContain('hunter2')
})
