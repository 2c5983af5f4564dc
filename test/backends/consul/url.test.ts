// URLs of Consul, together with the environment; no server is asked.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { optionsOf } from '../../../src/backends/consul/environment.ts'
import { formatConsulUrl, parseConsulUrl } from '../../../src/backends/consul/url.ts'
import { certificate, privateKey } from '../shared/pem.ts'

const home = ['127.0.0.1:8500']

/** A folder with these files, until the test ends. */
function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-consul-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test.each([
  ['consul://h', { endpoints: ['h:8500'], namespace: '', tls: false }],
  ['consul://h/', { endpoints: ['h:8500'], namespace: '', tls: false }],
  ['consuls://h/', { endpoints: ['h:8501'], namespace: '', tls: true }],
  ['CONSULS://h:1,other:65535/a', { endpoints: ['h:1', 'other:65535'], namespace: 'a/', tls: true }],
  [
    'consul://[::1],[fe80::1]:23/a/b/',
    { endpoints: ['[::1]:8500', '[fe80::1]:23'], namespace: 'a/b/', tls: false },
  ],
  ['consul://h/a%20%C3%BC/%3F%23%25/', { endpoints: ['h:8500'], namespace: 'a ü/?#%/', tls: false }],
  ['consul://h/a%2Fb', { endpoints: ['h:8500'], namespace: 'a/b/', tls: false }],
  ['consul://h/?dc=eu-west_1', { endpoints: ['h:8500'], namespace: '', tls: false, dc: 'eu-west_1' }],
  ['consul://h?dc=dc1', { endpoints: ['h:8500'], namespace: '', tls: false, dc: 'dc1' }],
  [
    'consul://unix:%2Frun%2Fa%20%25%2C%40.sock,h/a/?dc=dc1',
    { endpoints: ['unix:///run/a %,@.sock', 'h:8500'], namespace: 'a/', tls: false, dc: 'dc1' },
  ],
  [
    'consul://h/a/?node=n%201&checks=serfHealth,service:db&lockDelayMs=30000&idleMs=5000',
    {
      endpoints: ['h:8500'],
      namespace: 'a/',
      tls: false,
      node: 'n 1',
      checks: ['serfHealth', 'service:db'],
      lockDelayMs: 30_000,
      idleMs: 5_000,
    },
  ],
  ['consul://unix:8500/', { endpoints: ['unix:8500'], namespace: '', tls: false }],
])('%s is read, and written so that it is read the same', (url, expected) => {
  expect(parseConsulUrl(url)).toEqual(expected)
  expect(parseConsulUrl(formatConsulUrl(expected))).toEqual(expected)
})

test.each([
  ['consul:', { namespace: '', tls: false }],
  ['consul://', { namespace: '', tls: false }],
  ['consul:///a/', { namespace: 'a/', tls: false }],
  ['consuls:?dc=dc1', { namespace: '', tls: true, dc: 'dc1' }],
])('%s leaves it to the environment where Consul is', (url, expected) => {
  expect(parseConsulUrl(url)).toEqual(expected)
})

test.each([
  ['consul:h', /malformed.*consul:\/\/host/],
  ['consul:/a/', /malformed/],
  ['consul://h/#a', /malformed/],
  ['consul://h,/', /no host:port/],
  ['consul://h:0/', /no host:port/],
  ['consul://h:65536/', /no host:port/],
  ['consul://::1/', /no host:port/],
  ['consul://unix:run%2Fa/', /"unix:…" is no host:port/],
  ['consul://unix:%2Frun%zz/', /socket is not correctly percent-encoded/],
  ['consul://h/%zz/', /"\/%zz\/" is not valid percent-encoding/],
  ['consul://h//', /namespace "\/" has an empty part.*a\/b\//],
  ['consul://h//a', /"\/a\/" has an empty part/],
  ['consul://h/a//b/', /an empty part/],
  ['consul://h/a%2F/', /an empty part/],
  ['consul://h/./', /the part "\."/],
  ['consul://h/a/%2E%2E/b', /the part "\.\."/],
  ['consul://h/?ns=a', /"ns" is not known; it takes only dc, node, checks, lockDelayMs, idleMs/],
  ['consul://h/?lockDelayMs=15s', /lockDelayMs: "15s" is not a whole number/],
  ['consul://h/?idleMs=1e3', /idleMs: "1e3" is not a whole number/],
  ['consul://h/?node=', /node has an empty name/],
  ['consul://h/?checks=a,,b', /checks has an empty name/],
  ['consul://h/?dc=a&token=b', /"token" is not known/],
  ['consul://h/?dc', /dc: "" is no datacenter/],
  ['consul://h/?dc=a%20b', /"a b" is no datacenter; it takes letters/],
  ['consul://h/?dc=a&dc=b', /dc is given more than once/],
])('%s is refused, and what is wrong with it is said', (url, message) => {
  expect(() => parseConsulUrl(url)).toThrow(TypeError)
  expect(() => parseConsulUrl(url)).toThrow(message)
  expect(() => parseConsulUrl(url)).toThrow(/^url: /)
})

test.each([
  'consul://root:hunter2@h/',
  'consul://hunter2@h/',
  'consul://root:hunter2/',
  'consul://h:8500,root:hunter2@h/',
  'consul://root:hun?ter2@h/',
  'consul://root?hunter2@h/',
  'consul:root:hunter2@h/',
  'consul://h/?token=hunter2',
])('the message about %s does not show a possible secret', (url) => {
  expect(() => parseConsulUrl(url)).toThrow(/^((?!hun|ter2).)*$/)
})

test('credentials in a URL are refused with the way to give them', () => {
  expect(() => parseConsulUrl('consul://u:p@h/')).toThrow(/CONSUL_HTTP_TOKEN or CONSUL_HTTP_AUTH/)
})

test.each([
  ['consul:', {}, home, false],
  ['consul:', { CONSUL_HTTP_ADDR: '' }, home, false],
  ['consuls:', {}, ['127.0.0.1:8501'], true],
  ['consul:', { CONSUL_HTTP_SSL: 'true' }, home, true],
  ['consul:', { CONSUL_HTTP_SSL: 't' }, home, true],
  ['consul:', { CONSUL_HTTP_SSL: '0' }, home, false],
  ['consul:', { CONSUL_HTTP_ADDR: 'h:1' }, ['h:1'], false],
  ['consul:///a/', { CONSUL_HTTP_ADDR: 'h:1', CONSUL_HTTP_SSL: '1' }, ['h:1'], true],
  ['consul:', { CONSUL_HTTP_ADDR: 'http://h:1' }, ['h:1'], false],
  ['consul:', { CONSUL_HTTP_ADDR: 'https://h:1/' }, ['h:1'], true],
  ['consul:', { CONSUL_HTTP_ADDR: 'http://h:1', CONSUL_HTTP_SSL: 'true' }, ['h:1'], true],
  ['consuls:', { CONSUL_HTTP_ADDR: 'http://[::1]:1' }, ['[::1]:1'], true],
  ['consul:', { CONSUL_HTTP_ADDR: 'https://h' }, ['h:443'], true],
  ['consul:', { CONSUL_HTTP_ADDR: 'h' }, ['h:80'], false],
  ['consul:', { CONSUL_HTTP_ADDR: 'unix:///run/c.sock' }, ['unix:///run/c.sock'], false],
  ['consul://own:2/', { CONSUL_HTTP_ADDR: 'https://h:1', CONSUL_HTTP_SSL: 'true' }, ['own:2'], false],
  ['consuls://own/', { CONSUL_HTTP_ADDR: 'h:1', CONSUL_HTTP_SSL: 'false' }, ['own:8501'], true],
])('%s with %j is at %j, TLS: %s', (url, variables, endpoints, tls) => {
  const options = optionsOf(url, variables)
  expect(options.endpoints).toEqual(endpoints)
  expect(options.tls !== undefined).toBe(tls)
})

test.each([
  [{ CONSUL_HTTP_ADDR: 'ftp://h:1' }, /^CONSUL_HTTP_ADDR: takes host:port, http:/],
  [{ CONSUL_HTTP_ADDR: 'http://h:1/consul' }, /^CONSUL_HTTP_ADDR: takes/],
  [{ CONSUL_HTTP_ADDR: 'h:x' }, /^CONSUL_HTTP_ADDR: .*no host:port/],
  [{ CONSUL_HTTP_ADDR: 'http://root:hunter2@h:1' }, /^CONSUL_HTTP_ADDR: ((?!hunter2).)*$/],
  [{ CONSUL_HTTP_ADDR: 'unix://run/c.sock' }, /^CONSUL_HTTP_ADDR: /],
  [{ CONSUL_HTTP_SSL: 'yes' }, /^CONSUL_HTTP_SSL: "yes" is neither true nor false/],
  [{ CONSUL_HTTP_TOKEN: 'hunter2\n' }, /^CONSUL_HTTP_TOKEN: ((?!hunter2).)*$/],
  [{ CONSUL_HTTP_TOKEN_FILE: '/no/such' }, /^CONSUL_HTTP_TOKEN_FILE: "\/no\/such" cannot be read/],
])('the environment %j is refused by the name of the variable', (variables, message) => {
  expect(() => optionsOf('consul:', variables)).toThrow(TypeError)
  expect(() => optionsOf('consul:', variables)).toThrow(message)
})

test.each([
  [{ CONSUL_CACERT: '/no/ca.pem' }, /^CONSUL_CACERT: "\/no\/ca.pem" cannot be read/],
  [{ CONSUL_CACERT: 'package.json' }, /^CONSUL_CACERT: "package.json" is not PEM/],
  [{ CONSUL_CAPATH: '/no/folder' }, /^CONSUL_CAPATH: "\/no\/folder" cannot be read/],
  [{ CONSUL_CAPATH: 'src/cli' }, /^CONSUL_CAPATH: "src\/cli" has no certificate/],
  [{ CONSUL_CLIENT_CERT: '/no/c.pem' }, /^CONSUL_CLIENT_CERT: .*cannot be read/],
  [{ CONSUL_CLIENT_KEY: '/no/k.pem' }, /^CONSUL_CLIENT_KEY: .*cannot be read/],
  [{ CONSUL_HTTP_SSL_VERIFY: 'off' }, /^CONSUL_HTTP_SSL_VERIFY: "off" is neither/],
])(
  'with TLS %j is refused, and with an address of the environment without TLS it does not matter',
  (variables, message) => {
    expect(() => optionsOf('consuls://h/', variables)).toThrow(message)
    expect(() => optionsOf('consul:', variables)).not.toThrow()
  },
)

test('a token comes from the variable, or from the file, which wins unless it is empty', () => {
  const folder = folderOf({ full: '  of-the-file\n', empty: ' \n' })
  const token = (variables: Record<string, string>) => optionsOf('consul:', variables).token
  const own = { CONSUL_HTTP_TOKEN: 'own' }

  expect(token(own)).toBe('own')
  expect(token({ ...own, CONSUL_HTTP_TOKEN_FILE: join(folder, 'full') })).toBe('of-the-file')
  expect(token({ ...own, CONSUL_HTTP_TOKEN_FILE: join(folder, 'empty') })).toBe('own')
  expect(token({ CONSUL_HTTP_TOKEN: '' })).toBeUndefined()
})

test.each([
  ['user:pass:word', { username: 'user', password: 'pass:word' }],
  ['user', { username: 'user', password: '' }],
  ['', undefined],
])('CONSUL_HTTP_AUTH %j is %j', (text, auth) => {
  expect(optionsOf('consul:', { CONSUL_HTTP_AUTH: text }).auth).toEqual(auth)
})

test('with TLS the certificates come from their files', () => {
  const folder = folderOf({ ca: `${certificate}ca`, cert: `${certificate}own`, key: privateKey })
  const { tls } = optionsOf('consuls:', {
    CONSUL_CACERT: join(folder, 'ca'),
    CONSUL_CAPATH: '/never/read',
    CONSUL_CLIENT_CERT: join(folder, 'cert'),
    CONSUL_CLIENT_KEY: join(folder, 'key'),
    CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
    CONSUL_HTTP_SSL_VERIFY: 'false',
  })

  expect(tls).toEqual({
    ca: Buffer.from(`${certificate}ca`),
    cert: Buffer.from(`${certificate}own`),
    key: Buffer.from(privateKey),
    serverName: 'server.dc1.consul',
    verify: false,
  })
})

test('a server is verified unless the environment says otherwise', () => {
  expect(optionsOf('consuls:', {}).tls).toMatchObject({ verify: true })
})

test('CONSUL_CAPATH is every certificate in the folder and below', () => {
  const folder = folderOf({ 'a.pem': `${certificate}a`, 'below/b.pem': `${certificate}b`, README: 'no PEM' })
  const { tls } = optionsOf('consuls:', { CONSUL_CAPATH: folder })

  const found = (tls as { ca: Buffer[] }).ca.map(String).sort()
  expect(found).toEqual([`${certificate}a`, `${certificate}b`])
})

test('a certificate without its key is refused by the name of the variable that is missing, and the reverse', () => {
  const folder = folderOf({ cert: certificate, key: privateKey })
  const given = (variable: string, file: string) => () =>
    optionsOf('consuls:', { [variable]: join(folder, file) })

  expect(given('CONSUL_CLIENT_CERT', 'cert')).toThrow(/^CONSUL_CLIENT_KEY: is not set/)
  expect(given('CONSUL_CLIENT_KEY', 'key')).toThrow(/^CONSUL_CLIENT_CERT: is not set/)
})

test('the namespace and the partition of Consul Enterprise come from the environment', () => {
  expect(optionsOf('consul:', {}).enterprise).toEqual({})
  expect(optionsOf('consul:', { CONSUL_NAMESPACE: 'n', CONSUL_PARTITION: 'p' }).enterprise).toEqual({
    namespace: 'n',
    partition: 'p',
  })
})

test.each(['CONSUL_CACERT', 'CONSUL_CAPATH', 'CONSUL_CLIENT_CERT', 'CONSUL_CLIENT_KEY'])(
  '%s together with a host of consul: is refused, not ignored',
  (name) => {
    const open =
      (url: string, value = '/some/file.pem') =>
      () =>
        optionsOf(url, { [name]: value })
    expect(open('consul://h')).toThrow(
      new TypeError(`${name}: is set, but consul: is without TLS; use consuls:, or unset ${name}`),
    )
    expect(open('consul://h', '')).not.toThrow()
    // The consul program itself ignores it where its address is without TLS.
    expect(open('consul:')).not.toThrow()
    expect(open('consul://unix:%2Frun%2Fconsul.sock/')).not.toThrow()
  },
)
