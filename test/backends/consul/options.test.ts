// The options of Consul, checked before any server is asked.
import Consul from 'consul'
import { expect, test } from 'vitest'
import { type ConsulOptions, consul, consulFromUrl } from '../../../src/backends/consul/index.ts'
import { connect } from '../../../src/index.ts'
import { refusalOf } from '../../refusal.ts'

/** For what only JavaScript lets pass. */
const untyped = (options: object): ConsulOptions => options as ConsulOptions
const client = new Consul()

test.each([
  [{ endpoints: [] }, RangeError, /^endpoints: \[\] is empty; it takes at least one host:port/],
  [untyped({ endpoints: 'h:1' }), TypeError, /^endpoints: a string is not an array of host:port/],
  [untyped({ endpoints: [8500] }), TypeError, /^endpoints\[0\]: a number is not a string/],
  [
    { endpoints: ['http://h:1'] },
    TypeError,
    /^endpoints: .*"http:\/\/h:1" is no host:port; it takes.*unix:\/\/\/path/,
  ],
  [{ endpoints: ['h:1', 'unix://a'] }, TypeError, /^endpoints: /],
  [{ namespace: '/a/' }, TypeError, /^namespace: the namespace "\/a\/" has an empty part/],
  [{ namespace: 'a/../b' }, TypeError, /^namespace: .*the part "\.\."/],
  [{ namespace: '..' }, TypeError, /^namespace: .*the part "\.\."/],
  [{ namespace: '\ud800' }, RangeError, /^namespace: is not well-formed/],
  [untyped({ namespace: 5 }), TypeError, /^namespace: 5 is not a string/],
  [{ token: '' }, TypeError, /^token: is empty/],
  [untyped({ auth: { username: 'u' } }), TypeError, /^auth.password: undefined is not a string/],
  [{ auth: { username: 'u:v', password: '' } }, RangeError, /^auth.username: has a colon/],
  [{ tls: { cert: 'pem' } }, TypeError, /^tls.key: is missing/],
  [{ tls: { key: 'pem' } }, TypeError, /^tls.cert: is missing/],
  [{ dc: 'a b' }, TypeError, /^dc: "a b" is no datacenter/],
  [{ dc: '' }, RangeError, /^dc: "" is empty/],
  [{ enterprise: { partition: '' } }, RangeError, /^enterprise.partition: "" is empty/],
  [untyped({ enterprise: { namespace: 1 } }), TypeError, /^enterprise.namespace: 1 is not a string/],
  [{ node: '' }, RangeError, /^node: "" is empty/],
  [
    untyped({ checks: 'serfHealth' }),
    TypeError,
    /^checks: a string is not an array of names of health checks/,
  ],
  [{ checks: ['a', ''] }, RangeError, /^checks\[1\]: "" is empty/],
  [{ lockDelayMs: -1 }, RangeError, /^lockDelayMs: -1 is out of range.*whole number from 0 to 60000/],
  [{ lockDelayMs: 0 }, RangeError, /^lockDelayMs: 0 is out of range.*1000 to 60000.*unsafeTwoMayHold: true/],
  [{ lockDelayMs: 999 }, RangeError, /^lockDelayMs: 999 is out of range/],
  [untyped({ unsafeTwoMayHold: 'yes' }), TypeError, /^unsafeTwoMayHold: /],
  [{ lockDelayMs: 60_001 }, RangeError, /^lockDelayMs: 60001 is out of range/],
  [{ lockDelayMs: 0.5 }, RangeError, /^lockDelayMs: 0.5 is out of range/],
  [{ lockDelayMs: Number.NaN }, RangeError, /^lockDelayMs: NaN is out of range/],
  [{ idleMs: 999 }, RangeError, /^idleMs: 999 is out of range.*whole number from 1000 to 600000/],
  [untyped({ lockDelayMs: '15s' }), TypeError, /^lockDelayMs: "15s" is not a whole number from 0 to 60000/],
  [untyped({ client: 'h:1' }), TypeError, /^client: a string is not a client made by/],
  [{ client, dc: 'dc1' }, TypeError, /^dc: the given client decides it/],
  [{ client, endpoints: ['h:1'] }, TypeError, /^endpoints: the given client decides it/],
])('consul refuses the options %j at once, and names the one that is wrong', (options, kind, message) => {
  const error = refusalOf(() => consul(options))
  expect(error).toBeInstanceOf(kind)
  expect((error as Error).message).toMatch(message)
})

test.each([
  { token: 'hunter2\n' },
  { token: ['hunter2'] },
  { auth: { username: 'hunter2:', password: '' } },
  { auth: { password: 'hunter2' } },
])('a refusal of %j shows no secret', (options) => {
  const error = refusalOf(() => consul(untyped(options)))
  expect(error).toBeInstanceOf(Error)
  expect((error as Error).stack).not.toContain('hunter2')
})

test.each([
  [{}, 'consul://127.0.0.1:8500/'],
  [{ tls: true as const }, 'consuls://127.0.0.1:8501/'],
  [
    { endpoints: ['h', 'unix:///run/c.sock'], namespace: 'a/ü', dc: 'dc1' },
    'consul://h:8500,unix:%2Frun%2Fc.sock/a/%C3%BC/?dc=dc1',
  ],
  [{ token: 'hunter2', auth: { username: 'hunter2', password: 'hunter2' } }, 'consul://127.0.0.1:8500/'],
  [{ client: new Consul({ defaults: { token: 'hunter2' } }), namespace: 'a' }, 'consul://given-client/a/'],
])('the URL says where it is, and no secret', (options, url) => {
  expect(consul(options).url).toBe(url)
})

test('the URL of a source says what the environment added, without its secrets', () => {
  const source = consulFromUrl('consul:///a/?dc=dc2', {
    CONSUL_HTTP_ADDR: 'https://h:1',
    CONSUL_HTTP_TOKEN: 'hunter2',
    CONSUL_HTTP_AUTH: 'u:hunter2',
  })
  expect(source.url).toBe('consuls://h:1/a/?dc=dc2')
})

test.each([
  [9_999, true],
  [10_000, false],
  [86_400_000, false],
  [86_400_001, true],
])('a time to live of %d ms is out of range: %s', async (ttlMs, refused) => {
  const error = await connect('consul://127.0.0.1:1/', { ttlMs }).catch((reason: unknown) => reason)
  const range = /^ttlMs: \d+ is out of range; it takes a number from 10000 to 86400000 on consul$/
  expect(range.test((error as Error).message)).toBe(refused)
})
