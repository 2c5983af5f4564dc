// The credentials that stores with servers take: a user, and TLS. Owns their types and their checks, so that one option
// has one name and one meaning on every store. Messages show none of it.
import { flagOr, type Kind, object, type TableOf, text } from '../../base/options.ts'

/** A user and a password. */
export interface Auth {
  readonly username: string
  readonly password: string
}

/** A certificate or a key as PEM: a text, or the content of a file. */
export type Pem = string | Buffer

/** How to know the servers, and how to be known to them. */
export interface Tls {
  /** The authorities to trust, in place of the system's. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The client's own certificate; needs `key`. */
  readonly cert?: Pem | undefined
  /** The private key of `cert`. */
  readonly key?: Pem | undefined
}

/** What to show to the servers. */
export interface Credentials {
  /** User and password. */
  readonly auth?: Auth | undefined
  /** TLS. `true` trusts the system's authorities and shows no certificate; `false` is the same as nothing. */
  readonly tls?: boolean | Tls | undefined
}

const login: TableOf<Auth> = {
  username: { ...text({ secret: true }), required: true, alsoCalled: ['user', 'login', 'name'] },
  password: {
    ...text({ secret: true, empty: true }),
    required: true,
    alsoCalled: ['pass', 'secret', 'token'],
  },
}

/** A user without a colon, which would end the name, and a password. */
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

/** True, false, or an object with the options of a table, in which `cert` and `key` need each other. */
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
