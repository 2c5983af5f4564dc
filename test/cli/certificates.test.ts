// The ends of certificates in `leasehold doctor`: on servers with TLS that say no word, by a clock that stands shortly before or
// after the end of their certificate.
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { consul } from '../../src/backends/consul/index.ts'
import { etcd } from '../../src/backends/etcd/index.ts'
import { judged } from '../../src/backends/shared/certificates.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { Finding } from '../../src/base/finding.ts'
import { certificate, privateKey } from '../backends/shared/pem.ts'

const endMs = Date.parse('2126-11-03T10:11:21Z')
const dayMs = 86_400_000
const own = { ca: certificate, cert: certificate, key: privateKey }

let address: string
beforeEach(async () => {
  const server = createServer({ cert: certificate, key: privateKey }, (socket) => socket.destroy())
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`
})

/** The findings about certificates at this time. */
async function findingsAt(wallMs: number, source: typeof etcd | typeof consul): Promise<readonly Finding[]> {
  const clock: Clock = { ...systemClock(), wallMs: () => wallMs }
  const { signal } = new AbortController()
  const examined = await source({ endpoints: [address], tls: own }).examine?.({
    ...{ clock, ttlMs: 15_000, name: 'x', signal },
  })
  return (examined?.findings ?? []).filter(({ check }) => check === 'certificate')
}

test.each([
  ['etcd', etcd],
  ['Consul', consul],
] as const)(
  '%s: the certificate of the server and that of the client are told before they end',
  async (_, source) => {
    const early = await findingsAt(endMs - 15 * dayMs, source)
    expect(early.map(({ about, level }) => [about, level])).toEqual([
      [address, 'ok'],
      ['client', 'ok'],
    ])
    const late = await findingsAt(endMs - 10.5 * dayMs, source)
    expect(late[0]).toMatchObject({
      about: address,
      level: 'warning',
      text: 'the certificate of CN=leasehold-test ends in 10 days, at 2126-11-03T10:11:21.000Z',
      next: expect.stringContaining('renew it'),
      data: { daysLeft: 10 },
    })
  },
)

test('a certificate that has expired, or does not count yet, is a problem', () => {
  const validity = { subject: 'CN=x', fromMs: 10 * dayMs, untilMs: 400 * dayMs }
  const levels = [9, 11, 385, 387, 400].map((day) => judged('a', validity, day * dayMs).level)
  expect(levels).toEqual(['problem', 'ok', 'ok', 'warning', 'problem'])
})
