// The ways to a Consul that asks who is there: addresses, a Unix socket, TLS and a proxy, as the variables of the consul
// program give them. auth.test.ts starts the server and runs these tests.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { leasehold, program } from '../../../cli/leasehold.ts'
import { type GuardedConsul, nothing } from '../../../servers/guarded-consul.ts'

/** The tests on this server. */
export function waysIn(consul: GuardedConsul): void {
  test.each(['', 'http://'])('consul: is where CONSUL_HTTP_ADDR says: %shost:port', async (scheme) => {
    const env = { CONSUL_HTTP_ADDR: `${scheme}${consul.address}`, CONSUL_HTTP_TOKEN: consul.management }
    expect(await consul.run('consul:', env)).toEqual({
      status: 0,
      stdout: `consul://${consul.address}/\n`,
      stderr: '',
    })
  })

  test('a command that leasehold runs over a Unix socket can run another by LEASEHOLD_URL', async () => {
    const env = {
      ...nothing,
      CONSUL_HTTP_ADDR: `unix://${consul.socket}`,
      CONSUL_HTTP_TOKEN: consul.management,
    }
    const inner = ['$0', '$1', 'run', 'y', '--', 'sh', '-c', "'echo $LEASEHOLD_URL'"].join(' ')
    const outer = ['sh', '-c', `CONSUL_HTTP_ADDR= ${inner}`, process.execPath, program()]
    const args = ['run', 'x', '--url', `consul:///${consul.namespace}`, '--', ...outer]
    const { status, stdout, stderr } = await leasehold(args, { env }).ended

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe(`consul://unix:${encodeURIComponent(consul.socket)}/${consul.namespace}\n`)
  })

  test('a datacenter that is there is used, and told in LEASEHOLD_URL', async () => {
    const url = `consul://${consul.address}/${consul.namespace}?dc=dc1`
    const { status, stdout } = await consul.run(url, { CONSUL_HTTP_TOKEN: consul.management })
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${url}\n` })
  })

  test('a datacenter that is not there is an error that says so', async () => {
    const { status, stderr } = await consul.run(`consul://${consul.address}/?dc=nowhere`, {
      CONSUL_HTTP_TOKEN: consul.management,
    })
    expect(status).toBe(69)
    expect(stderr).toMatch(/^leasehold: .*datacenter.*\n$/)
  })

  test('with TLS both sides are known by their certificates', async () => {
    const env = { ...consul.certificates(), CONSUL_HTTP_TOKEN: consul.management }
    expect(await consul.run(`consuls://${consul.secure}/${consul.namespace}`, env)).toEqual({
      status: 0,
      stdout: `consuls://${consul.secure}/${consul.namespace}\n`,
      stderr: '',
    })
  })

  test('consul: turns to TLS where CONSUL_HTTP_SSL says so, with the authorities in the folder CONSUL_CAPATH', async () => {
    const { CONSUL_CACERT, ...own } = consul.certificates()
    const place = { CONSUL_HTTP_ADDR: consul.secure, CONSUL_HTTP_SSL: 'true', CONSUL_CAPATH: consul.folder }
    const { status, stdout } = await consul.run('consul:', {
      ...own,
      ...place,
      CONSUL_HTTP_TOKEN: consul.management,
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: `consuls://${consul.secure}/\n` })
  })

  test.each([
    ['consul: with a port that speaks TLS', () => `consul://${consul.secure}/`],
    ['consuls: with a port without TLS', () => `consuls://${consul.address}/`],
  ])('%s says what to try', async (_, url) => {
    const { status, stderr } = await consul.run(url(), { CONSUL_HTTP_TOKEN: consul.management })
    expect(stderr).toMatch(
      /^leasehold: .*is the scheme right \(consul: without TLS, consuls: with TLS\)\?\n$/,
    )
    expect(status).toBe(69)
  })

  test.each([
    ['a server whose authority nobody vouches for', { CONSUL_CACERT: '' }],
    ['a server under another name', { CONSUL_TLS_SERVER_NAME: 'server.dc2.consul' }],
    ['a client that shows no certificate', { CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' }],
  ])('%s gets no further: the exit is 69', async (_, change) => {
    const env = { ...consul.certificates(), ...change, CONSUL_HTTP_TOKEN: consul.management }
    const { status, stdout, stderr } = await consul.run(`consuls://${consul.secure}/`, env)

    expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
    expect(stderr).toMatch(/^leasehold: .*consul at 127\.0\.0\.1:\d+: .*certificate.*\n$/)
    expect(stderr).not.toContain(consul.management)
  })

  test.each([
    ['under the name it has', { CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' }],
    ['that nobody verifies', { CONSUL_CACERT: '', CONSUL_HTTP_SSL_VERIFY: 'false' }],
  ])('TLS reaches a server %s', async (_, change) => {
    const env = { ...consul.certificates(), ...change, CONSUL_HTTP_TOKEN: consul.management }
    expect(await consul.run(`consuls://${consul.secure}/${consul.namespace}`, env)).toMatchObject({
      status: 0,
      stderr: '',
    })
  })

  test('a proxy that asks for a password gets that of CONSUL_HTTP_AUTH, and none other gets through', async () => {
    const login = `Basic ${Buffer.from('cron:correct:horse').toString('base64')}`
    const url = `consul://${await proxy(login)}/${consul.namespace}`
    const token = { CONSUL_HTTP_TOKEN: consul.management }

    const right = await consul.run(url, { ...token, CONSUL_HTTP_AUTH: 'cron:correct:horse' })
    expect(right).toEqual({ status: 0, stdout: `${url}\n`, stderr: '' })
    const wrong = await consul.run(url, { ...token, CONSUL_HTTP_AUTH: 'cron:battery:staple' })
    expect(wrong).toMatchObject({ status: 69, stdout: '' })
    expect(wrong.stderr).toMatch(/^leasehold: .*401.*\n$/)
    const encoded = Buffer.from('cron:battery:staple').toString('base64')
    for (const secret of ['battery', 'staple', encoded]) expect(wrong.stderr).not.toContain(secret)
  })

  /** A proxy in front of Consul that lets only those through who log in; resolves with its address. */
  async function proxy(login: string): Promise<string> {
    const server = createServer((incoming, response) => {
      const { method, url: path, headers } = incoming
      if (headers.authorization !== login)
        return response.writeHead(401).end(`${headers.authorization} is wrong`)
      const [host, port] = consul.address.split(':')
      const { 'x-consul-token': token = '' } = headers
      const passed = request({ host, port, method, path, headers: { 'x-consul-token': token } }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      incoming.pipe(passed)
    })
    server.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
}
