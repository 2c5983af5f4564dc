// The command on a Consul that asks who is there: tokens and their rules, and what a client says when one of them is missing.
// No secret shows in what leasehold says, nor in LEASEHOLD_URL. auth-ways.ts has the other ways to such a Consul.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { consulFromUrl, consul as consulSource } from '../../../../src/backends/consul/index.ts'
import { connect } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { leasehold } from '../../../cli/leasehold.ts'
import { nothing, useGuardedConsul } from '../../../servers/guarded-consul.ts'
import { waysIn } from './auth-ways.ts'

const consul = useGuardedConsul()

test('a token is taken from CONSUL_HTTP_TOKEN, and LEASEHOLD_URL has none of it', async () => {
  expect(
    await consul.run(`consul://${consul.address}/${consul.namespace}`, {
      CONSUL_HTTP_TOKEN: consul.management,
    }),
  ).toEqual({
    status: 0,
    stdout: `consul://${consul.address}/${consul.namespace}\n`,
    stderr: '',
  })
})

test('a token is taken from the file CONSUL_HTTP_TOKEN_FILE, which wins over CONSUL_HTTP_TOKEN', async () => {
  writeFileSync(consul.file('token'), `${consul.management}\n`)
  const env = { CONSUL_HTTP_TOKEN_FILE: consul.file('token'), CONSUL_HTTP_TOKEN: randomUUID() }

  expect(await consul.run(`consul://${consul.address}/${consul.namespace}`, env)).toEqual({
    status: 0,
    stdout: `consul://${consul.address}/${consul.namespace}\n`,
    stderr: '',
  })
})

test('without a token the exit is 69, and the rule that is missing is named', async () => {
  const { status, stdout, stderr } = await consul.run(`consul://${consul.address}/`, {})

  expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
  expect(stderr).toMatch(/^leasehold: .*session.*write.*\n$/)
})

test('with a token that Consul does not know the exit is 69, and the token is not shown', async () => {
  const stranger = randomUUID()
  const { status, stderr } = await consul.run(`consul://${consul.address}/`, { CONSUL_HTTP_TOKEN: stranger })

  expect(status).toBe(69)
  expect(stderr).toMatch(/^leasehold: .*no such token.*\n$/)
  expect(stderr).not.toContain(stranger)
})

test('a token that may open sessions and not write keys is refused, and the rule for the key is named', async () => {
  const token = await consul.tokenOf('session_prefix "" { policy = "write" }')
  const { status, stderr } = await consul.run(`consul://${consul.address}/${consul.namespace}`, {
    CONSUL_HTTP_TOKEN: token,
  })

  expect(status).toBe(69)
  expect(stderr).toMatch(new RegExp(`^leasehold: .*key_prefix "${consul.namespace}.*write.*\\n$`))
  expect(stderr).not.toContain(token)
})

test('ls with a token that may not read the keys is refused, and names the rule, rather than showing nobody', async () => {
  const holding = await consul.run(`consul://${consul.address}/${consul.namespace}`, {
    CONSUL_HTTP_TOKEN: consul.management,
  })
  expect(holding.status).toBe(0)
  const url = `consul://${consul.address}/${consul.namespace}`
  const ls = async (rules: string) => {
    const env = { ...nothing, CONSUL_HTTP_TOKEN: await consul.tokenOf(rules) }
    return leasehold(['ls', '--url', url], { env }).ended
  }

  const { status, stderr } = await ls('session_prefix "" { policy = "write" }')
  expect(stderr).toMatch(
    new RegExp(`^leasehold: .*the token needs key_prefix "${consul.namespace}" .*read.*\\n$`),
  )
  expect(status).toBe(69)
  const rules = `session_prefix "" { policy = "write" } key_prefix "${consul.namespace}" { policy = "read" }`
  expect(await ls(rules)).toMatchObject({ status: 0, stderr: 'leasehold: nobody holds or waits\n' })
})

test('ls and leader work with a token that may only read, and show who holds; run with it is refused', async () => {
  const client = await connect(
    consulSource({ endpoints: [consul.address], namespace: consul.namespace, token: consul.management }),
  )
  onTestFinished(() => client.close())
  await client.election('boss').campaign({ value: 'host-1' })
  await client.mutex('job').acquire()
  const env = {
    ...nothing,
    CONSUL_HTTP_TOKEN: await consul.tokenOf(`key_prefix "${consul.namespace}" { policy = "read" }`),
  }
  const at = { ...env, LEASEHOLD_URL: `consul://${consul.address}/${consul.namespace}` }
  const command = (...args: string[]) => leasehold(args, { env: at }).ended

  expect(await command('leader', 'boss')).toEqual({ status: 0, stdout: 'host-1\n', stderr: '' })
  const ls = await command('ls')
  expect(ls).toMatchObject({ status: 0, stderr: '' })
  expect(ls.stdout).toMatch(/^boss .*\n.*|^job /m)
  const run = await command('run', 'x', '--', 'true')
  expect(run.stderr).toMatch(/^leasehold: .*the token needs session_prefix "" \{ policy = "write" \}\n$/)
  expect(run.status).toBe(69)
})

test('leader with a token that may not read the keys, and ls of more than it may read, are refused', async () => {
  const client = await connect(
    consulSource({ endpoints: [consul.address], namespace: '', token: consul.management }),
  )
  onTestFinished(() => client.close())
  await client.mutex(`${consul.namespace}a`).acquire()
  await client.mutex('other').acquire()
  const refused = async (rules: string, ...args: string[]) => {
    const env = { ...nothing, CONSUL_HTTP_TOKEN: await consul.tokenOf(rules) }
    const { status, stdout, stderr } = await leasehold([...args, '--url', `consul://${consul.address}/`], {
      env,
    }).ended
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
    return stderr
  }
  const none = 'session_prefix "" { policy = "write" }'
  expect(await refused(none, 'leader', 'boss')).toMatch(
    /the token needs key_prefix "boss\/" \{ policy = "read" \}\n$/,
  )
  const part = `key_prefix "${consul.namespace}" { policy = "read" }`
  expect(await refused(part, 'ls')).toMatch(/the token needs key_prefix "" \{ policy = "read" \}\n$/)
})

test('sessions on one node and keys under the namespace are all that a token has to allow', async () => {
  const node = consul.node
  const rules = `session "${node}" { policy = "write" } key_prefix "${consul.namespace}" { policy = "write" }`
  const token = await consul.tokenOf(rules)

  expect(
    await consul.run(`consul://${consul.address}/${consul.namespace}`, { CONSUL_HTTP_TOKEN: token }),
  ).toMatchObject({
    status: 0,
    stderr: '',
  })
})

test('a token that is deleted and comes back ends no candidate: both get the error, and one of them leads', async () => {
  const token = await consul.tokenOf(
    'session_prefix "" { policy = "write" } key_prefix "" { policy = "write" }',
  )
  const stop = new AbortController()
  const candidates = await Promise.all([1, 2].map(() => candidateWith(token, stop.signal)))
  await until(async () => candidates.some(({ terms }) => terms === 1), { describe: () => 'a leader' })

  const { AccessorID, Policies } = await consul.readToken(token)
  await consul.command(['acl', 'token', 'delete', `-id=${AccessorID}`])
  await until(async () => candidates.every(({ errors }) => errors.includes('LEASEHOLD_REFUSED')), {
    deadlineMs: 40_000,
    describe: () => JSON.stringify(candidates),
  })
  const led = (): number => candidates.reduce((sum, { terms }) => sum + terms, 0)
  expect(led()).toBe(1)
  await consul.command(['acl', 'token', 'create', `-secret=${token}`, `-policy-id=${Policies[0]?.ID}`])
  // Nobody could end the session of the first leader: Consul ends it itself, after up to twice its 10 s.
  await until(async () => led() > 1, { deadlineMs: 30_000, describe: () => JSON.stringify(candidates) })
  expect(candidates.map(({ ended }) => ended)).toEqual([false, false])
  stop.abort()
}, 80_000)

/** A candidate under `lead`, in a client of its own: its terms, the codes of its errors, and whether `lead` has ended. */
async function candidateWith(token: string, signal: AbortSignal) {
  const source = consulSource({
    endpoints: [consul.address],
    namespace: consul.namespace,
    token,
    lockDelayMs: 4_000, // holds end at nine tenths of it: with 1 s a busy machine ended one
  })
  const client = await connect(source, { ttlMs: 10_000 })
  onTestFinished(() => client.close())
  const candidate = { terms: 0, errors: [] as unknown[], ended: false }
  const work = async (term: { readonly signal: AbortSignal }): Promise<void> => {
    candidate.terms += 1
    await once(term.signal, 'abort')
  }
  const onError = (error: unknown): void => void candidate.errors.push((error as { code?: string }).code)
  const ending = client.election('x').lead(work, { signal, onError })
  const ended = (): void => {
    candidate.ended = true
  }
  ending.then(ended, ended)
  return candidate
}

test('a token that was replaced in its file is used as soon as Consul refuses the old one', async () => {
  const [first, second] = [await consul.revocable(), await consul.revocable()]
  writeFileSync(consul.file('rotated'), first.token)
  const variables = { CONSUL_HTTP_TOKEN_FILE: consul.file('rotated') }
  const client = await connect(consulFromUrl(`consul://${consul.address}/${consul.namespace}`, variables))
  onTestFinished(() => client.close())
  const hold = await client.mutex('a').acquire()

  writeFileSync(consul.file('rotated'), second.token)
  await first.revoke()

  await hold.verify()
  await hold.release()
  expect((await client.mutex('a').acquire()).held).toBe(true)
})

test('a token file that is gone or unchanged is no way out: the refusal comes at once, and is not repeated', async () => {
  const { token, revoke } = await consul.revocable()
  writeFileSync(consul.file('revoked'), token)
  const variables = { CONSUL_HTTP_TOKEN_FILE: consul.file('revoked') }
  const client = await connect(consulFromUrl(`consul://${consul.address}/${consul.namespace}`, variables))
  onTestFinished(() => client.close())
  await revoke()
  const refused = { code: 'LEASEHOLD_REFUSED' }
  await expect(client.mutex('a').acquire({ waitMs: 5_000 })).rejects.toMatchObject(refused)
  rmSync(consul.file('revoked'))
  await expect(client.mutex('a').acquire({ waitMs: 5_000 })).rejects.toMatchObject(refused)
})

test('a hold that is lost for want of permission says so, and does not speak of lost contact', async () => {
  const [gone, narrowed] = [await consul.revocable(), await consul.revocable()]
  const client = await connect(
    consulSource({
      endpoints: [consul.address],
      namespace: consul.namespace,
      token: gone.token,
      lockDelayMs: 20_000,
    }),
    { ttlMs: 10_000 },
  )
  onTestFinished(() => client.close())
  const hold = await client.mutex('library').acquire()
  const env = { ...nothing, CONSUL_HTTP_TOKEN: narrowed.token }
  const args = ['run', 'command', '--ttl', '10s', '--url', `consul://${consul.address}/${consul.namespace}`]
  const run = leasehold([...args, '--', 'sh', '-c', 'echo held; exec sleep 60'], { env })
  await run.says(/held/)

  await gone.revoke()
  await narrowed.narrow()
  if (!hold.signal.aborted) await once(hold.signal, 'abort')
  expect(hold.signal.reason.message).toMatch(/^hold lost: not renewed for .*\(403\): there is no such token$/)
  const { status, stderr } = await run.ended
  expect(stderr).toMatch(/Permission denied.*the token needs session.*write.*; stopping the command/)
  expect(stderr).not.toMatch(/no contact/)
  expect(status).toBe(70)
}, 60_000)

waysIn(consul)
