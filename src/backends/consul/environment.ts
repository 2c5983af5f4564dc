// The variables that the consul program also reads. Owns their meaning, which is that of Consul's own client
// (api/api.go), and which of them apply in addition to a URL.
// https://developer.hashicorp.com/consul/commands#environment-variables

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { quoted } from '../../base/printable.ts'
import type { Auth } from '../shared/credentials.ts'
import {
  certificatesOf,
  fileOf,
  fromFile,
  privateKeyOf,
  refuseWithoutTls,
  type Variables,
} from '../shared/files.ts'
import { type ConsulOptions, type ConsulTls, checkToken } from './options.ts'
import { parseAddress, parseConsulUrl } from './url.ts'

const certificateVariables = [
  'CONSUL_CACERT',
  'CONSUL_CAPATH',
  'CONSUL_CLIENT_CERT',
  'CONSUL_CLIENT_KEY',
] as const

/** The place of Consul. */
type Place = Required<Pick<ConsulOptions, 'endpoints'>> & { readonly tls: boolean }

/**
 * The options from a URL together with the environment. The host and the scheme of the URL override CONSUL_HTTP_ADDR
 * and CONSUL_HTTP_SSL. Without a host in the URL, variables about TLS are ignored where TLS is off, as the consul program
 * does; with `consul://host` they are an error. Throws a TypeError that names the variable, and the file if it cannot be
 * read.
 */
export function optionsOf(url: string, variables: Variables): ConsulOptions {
  const { endpoints, tls: secure, ...written } = parseConsulUrl(url)
  const isPlain = endpoints?.some((endpoint) => !endpoint.startsWith('unix:')) && !secure
  if (isPlain) refuseWithoutTls('consul', variables, certificateVariables)
  const place = endpoints ? { endpoints, tls: secure } : endpointsIn(variables, secure)
  const { CONSUL_NAMESPACE: enterpriseNamespace, CONSUL_PARTITION: partition } = variables
  return {
    ...written,
    endpoints: place.endpoints,
    token: tokenOf(variables),
    auth: authOf(variables),
    tls: place.tls ? tlsOf(variables) : undefined,
    enterprise: {
      ...(enterpriseNamespace ? { namespace: enterpriseNamespace } : {}),
      ...(partition ? { partition } : {}),
    },
  }
}

/**
 * The place of Consul in the environment. As with the consul program, no variable turns TLS off once another turned it
 * on.
 */
function endpointsIn(variables: Variables, secure: boolean): Place {
  const argument = 'CONSUL_HTTP_ADDR'
  const { CONSUL_HTTP_ADDR: text } = variables
  const [, scheme = 'http', rest = ''] = /^(?:([^/]*):\/\/)?(.*)$/s.exec(text ?? '') ?? []
  const tls = secure || scheme === 'https' || isTrue(variables, 'CONSUL_HTTP_SSL', false)
  if (!text) return { endpoints: [`127.0.0.1:${secure ? 8501 : 8500}`], tls }
  if (scheme === 'unix') return { endpoints: [parseAddress(text, { argument, tls })], tls }
  const host = rest.replace(/\/$/, '')
  if (!['http', 'https'].includes(scheme) || host.includes('/')) {
    throw new TypeError(`${argument}: takes host:port, http://host:port, https://host:port or unix:///path`)
  }
  // The program knows no port of Consul's own here: it takes that of HTTP.
  return { endpoints: [parseAddress(host, { argument, tls, port: tls ? 443 : 80 })], tls }
}

/** As with the consul program, the file wins unless it is empty. */
function tokenOf(variables: Variables): string | undefined {
  const { CONSUL_HTTP_TOKEN: token } = variables
  const inFile = fileOf(variables, 'CONSUL_HTTP_TOKEN_FILE')?.toString().trim()
  const [variable, found] = inFile ? ['CONSUL_HTTP_TOKEN_FILE', inFile] : ['CONSUL_HTTP_TOKEN', token]
  if (!found) return undefined
  checkToken(variable, found)
  return found
}

/** The token as the variables and the file give it now; undefined if the file cannot be read or has none. */
export function tokenAgain(variables: Variables): string | undefined {
  try {
    return tokenOf(variables)
  } catch {
    return undefined // perhaps it is being replaced; the next request that Consul refuses reads it again
  }
}

function authOf({ CONSUL_HTTP_AUTH: auth }: Variables): Auth | undefined {
  if (!auth) return undefined
  const [username = '', ...rest] = auth.split(':')
  return { username, password: rest.join(':') }
}

function tlsOf(variables: Variables): ConsulTls {
  const cert = certificatesOf(variables, 'CONSUL_CLIENT_CERT')
  const key = privateKeyOf(variables, 'CONSUL_CLIENT_KEY')
  if (Boolean(cert) !== Boolean(key)) {
    const missing = cert ? 'CONSUL_CLIENT_KEY' : 'CONSUL_CLIENT_CERT'
    throw new TypeError(`${missing}: is not set; CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY need each other`)
  }
  return {
    ca: certificatesOf(variables, 'CONSUL_CACERT') ?? authoritiesOf(variables),
    cert,
    key,
    serverName: variables.CONSUL_TLS_SERVER_NAME || undefined,
    verify: isTrue(variables, 'CONSUL_HTTP_SSL_VERIFY', true),
  }
}

/** Every certificate in the folder CONSUL_CAPATH and below. */
function authoritiesOf(variables: Variables): Buffer[] | undefined {
  const variable = 'CONSUL_CAPATH'
  const folder = variables[variable]
  if (!folder) return undefined
  const files = fromFile(variable, folder, () =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((file) => join(folder, file))
      .filter((file) => statSync(file).isFile()),
  )
  const texts = files.map((file) => fromFile(variable, file, () => readFileSync(file)))
  const certificates = texts.filter((text) => text.includes('-----BEGIN CERTIFICATE-----'))
  if (certificates.length > 0) return certificates
  throw new TypeError(`${variable}: ${quoted(folder)} has no certificate in PEM`)
}

/** Reads a boolean as Go does. Throws for other texts, since a guess would turn verification on or off. */
function isTrue(variables: Variables, variable: string, otherwise: boolean): boolean {
  const text = variables[variable]
  if (!text) return otherwise
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw new TypeError(`${variable}: ${quoted(text)} is neither true nor false`)
}
