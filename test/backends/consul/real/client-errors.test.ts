// The error of a failed request to Consul, and its message: the cause, the missing rule, and no secret.
import { expect, test } from 'vitest'
import type { ConsulClient } from '../../../../src/backends/consul/wire/client.ts'
import type { Operation } from '../../../../src/backends/consul/wire/transport.ts'
import {
  fake,
  goneSession,
  never,
  plan,
  rejection,
  saying,
  useSecuredConsul,
} from '../../../servers/consul-wire.ts'

const consul = useSecuredConsul()

test.for([
  [500, 'No cluster leader', 'LEASEHOLD_UNAVAILABLE', 'No cluster leader'],
  [502, '', 'LEASEHOLD_UNAVAILABLE', 'Bad Gateway'],
  [503, 'busy', 'LEASEHOLD_UNAVAILABLE', 'busy'],
  [504, 'late', 'LEASEHOLD_UNAVAILABLE', 'late'],
  [429, 'Your IP is issuing too many concurrent connections', 'LEASEHOLD_UNAVAILABLE', 'too many concurrent'],
  [200, '<html>', 'LEASEHOLD_UNAVAILABLE', 'makes no sense'],
  [200, '[{"Key":"a"}]', 'LEASEHOLD_UNAVAILABLE', 'makes no sense'],
  [500, 'rpc error making call: invalid session "1"', 'LEASEHOLD_SESSION_GONE', 'invalid session'],
  [500, "Invalid Session TTL '5', must be between [30s=24h0m0s]", 'LEASEHOLD_REFUSED', 'between [30s'],
  [400, 'Bad request', 'LEASEHOLD_REFUSED', 'Bad request'],
  [301, '', 'LEASEHOLD_REFUSED', 'Moved Permanently'],
  [405, 'method PATCH not allowed', 'LEASEHOLD_REFUSED', 'not allowed'],
  [413, 'Value exceeds 524288 byte limit', 'LEASEHOLD_REFUSED', 'exceeds 524288'],
  [403, 'ACL not found', 'LEASEHOLD_REFUSED', 'there is no such token'],
  [401, 'who are you', 'LEASEHOLD_REFUSED', 'who are you'],
] as const)('an answer of %s, %s, is told as %s', async ([status, text, code, told]) => {
  const { address: at } = await fake(saying(status, text))

  const error = await rejection(consul.clientOf({}, at).read({ key: 'a' }, never()))

  expect(error).toMatchObject({ code })
  expect(error.message).toContain(`consul at ${at}: `)
  expect(error.message).toContain(told)
})

test('a long text of the server is told as far as 200 characters', async () => {
  const text = `rpc error making call: ${'because '.repeat(40)}`.trim()
  const { address: at } = await fake(saying(500, text))

  const error = await rejection(consul.clientOf({}, at).read({ key: 'a' }, never()))

  expect(error.message).toBe(`consul at ${at}: ${text.slice(0, 199)}… (500)`)
})

test("a proxy's 404 is not taken for a key that is not there, nor its page for a renewal", async () => {
  const proxy = await fake((request, response) => {
    response.writeHead(request.method === 'GET' ? 404 : 200).end('"no such upstream"')
  })
  const client = consul.clientOf({}, proxy.address)

  expect(await rejection(client.read({ key: 'a' }, never()))).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
  const renewal = client.renewSession(goneSession, never())
  expect(await rejection(renewal)).toMatchObject({ code: 'LEASEHOLD_UNAVAILABLE' })
})

const lockNear = (key: string): Operation => ({ verb: 'lock', key, value: '', session: goneSession })

test.for<[string, (client: ConsulClient) => Promise<unknown>, string]>([
  [
    'create a session',
    (client) => client.createSession(plan, never()),
    'session_prefix "" { policy = "write" }',
  ],
  [
    'create a session on a node',
    (client) => client.createSession({ ...plan, node: consul.cluster.members[0].name }, never()),
    'session "m1',
  ],
  [
    'lock',
    (client) => client.txn([lockNear('app/locks/a/1'), lockNear('app/locks/ab')], never()),
    'key_prefix "app/locks/" { policy = "write" }',
  ],
  [
    'read in a transaction',
    async (client) => {
      await consul.clientOf().txn([{ verb: 'set', key: 'app/a', value: '' }], never())
      await client.txn([{ verb: 'get', key: 'app/a' }], never())
    },
    'key_prefix "app/" { policy = "read" }',
  ],
  ['read', (client) => client.read({ key: 'app/a/b' }, never()), 'key_prefix "app/a/" { policy = "read" }'],
])('a client that may not %s learns which rule its token needs', async ([, ask, rule]) => {
  const error = await rejection(ask(consul.clientOf({})))

  expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
  expect(error.message).toContain('Permission denied')
  expect(error.message).toContain(rule)
})

test('a token, a user and a password reach the server, and never a message, even if the server says them', async () => {
  const echo = await fake(({ headers }, response) => {
    const said = `${headers['x-consul-token']} ${headers.authorization} hunter2 not allowed`
    response
      .writeHead(headers['x-consul-namespace'] === 'ns' ? 500 : 200, { 'x-consul-index': '7' })
      .end(said)
  })
  const auth = { username: 'me', password: 'hunter2' }
  const login = Buffer.from('me:hunter2').toString('base64')
  const secret = { token: 'secret-token', auth, dc: 'dc2', partition: 'part' }

  for (const credentials of [secret, { ...secret, namespace: 'ns' }]) {
    const error = await rejection(consul.clientOf(credentials, echo.address).read({ key: 'a' }, never()))
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      expect(`${each.stack} ${JSON.stringify(each)}`).not.toMatch(new RegExp(`secret-token|hunter2|${login}`))
    }
  }

  expect(echo.requests[1]?.url).toContain('dc=dc2')
  expect(echo.requests[1]?.headers).toMatchObject({
    'x-consul-token': 'secret-token',
    authorization: `Basic ${login}`,
    'x-consul-namespace': 'ns',
    'x-consul-partition': 'part',
  })
})

test.for(['an unknown one', 'one\nof two lines'])(
  'a token that cannot be right, %s, is refused',
  async (wrong) => {
    const error = await rejection(consul.clientOf({ token: wrong }).read({ key: 'a' }, never()))

    expect(error).toMatchObject({ code: 'LEASEHOLD_REFUSED' })
    expect(error.message).not.toContain(wrong)
  },
)
