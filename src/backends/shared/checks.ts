// Checks of the options that several backends take: endpoints, namespace, credentials, a client of the client library.
// They are here so that the rules are the same on every store. A message never shows a value that may be a secret.
import { flagOr, type Kind, list, object, type TableOf, text } from '../../base/options.ts'
import type { Auth, Tls } from './credentials.ts'

/** The option `endpoints`: addresses that `parse` reads; it throws for a bad one. */
export function endpointsKind(of: string, parse: (address: string) => unknown): Kind {
  const address: Kind = {
    takes: 'a string',
    secret: true, // a caller may pass a URL with a password here
    judge(value) {
      if (typeof value !== 'string') return 'wrong type'
      parse(value)
      return 'fits'
    },
  }
  return {
    ...list(address, of, false),
    alsoCalled: ['endpoint', 'addresses', 'address', 'hosts', 'host', 'servers', 'url'],
  }
}

/** The option `namespace`; it may be empty. */
export const namespaceKind: Kind = { ...text({ empty: true }), alsoCalled: ['prefix', 'keyPrefix', 'folder'] }

/**
 * Checks the option `client`: a client of the client library (such as etcd3) that the caller has made. Throws TypeError
 * if one of the `superfluous` options is given with it, since the client already decides these.
 */
export function checkAlone(options: object, superfluous: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>
  const extra = superfluous.find((name) => given[name] !== undefined)
  if (given.client === undefined || extra === undefined) return
  throw new TypeError(`${extra}: the given client decides it; leave one of them out`)
}

const login: TableOf<Auth> = {
  username: { ...text({ secret: true }), required: true, alsoCalled: ['user', 'login', 'name'] },
  password: {
    ...text({ secret: true, empty: true }),
    required: true,
    alsoCalled: ['pass', 'secret', 'token'],
  },
}

/** A user and a password. A colon would end the username, so it may not contain one. */
export const auth: Kind = {
  ...object(login, 'auth.'),
  alsoCalled: ['credentials', 'login', 'user'],
  judge(value, argument) {
    const verdict = object(login, `${argument}.`).judge(value, argument)
    if (verdict !== 'fits' || !(value as Auth).username.includes(':')) return verdict
    throw new RangeError(`${argument}.username: has a colon, which ends a username (it is not shown)`)
  },
}

const pem: Kind = {
  takes: 'PEM as a string or a Buffer (it is not shown)',
  secret: true,
  judge(value) {
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) return 'wrong type'
    return value.length > 0 ? 'fits' : 'out of range'
  },
}

const pems: Kind = {
  ...pem,
  takes: 'PEM as a string or a Buffer, or an array of them',
  judge(value, argument) {
    if (!Array.isArray(value)) return pem.judge(value, argument)
    return value.every((each) => pem.judge(each, argument) === 'fits') ? 'fits' : 'wrong type'
  },
}

/** The options of `tls` on every store. */
export const tlsOptions: TableOf<Tls> = {
  ca: { ...pems, alsoCalled: ['cacert', 'caCert', 'rootCertificate'] },
  cert: { ...pem, alsoCalled: ['certificate', 'certChain', 'clientCert'] },
  key: { ...pem, alsoCalled: ['privateKey', 'clientKey'] },
}

/** True, false, or an object with the options of a table. `cert` and `key` are only valid together. */
export function tlsOf(table: TableOf<Tls>): Kind {
  const options = object(table, 'tls.')
  return flagOr({
    ...options,
    alsoCalled: ['ssl', 'https', 'secure'],
    judge(value, argument) {
      const verdict = options.judge(value, argument)
      if (verdict !== 'fits') return verdict
      const { cert, key } = value as Tls
      if ((cert === undefined) === (key === undefined)) return 'fits'
      throw new TypeError(`tls.${cert ? 'key' : 'cert'}: is missing; cert and key need each other`)
    },
  })
}
