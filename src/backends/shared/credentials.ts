// The credentials that stores with servers take: a user, and TLS. Types only, so that one option has one name and one type
// on every store; checks.ts judges them.

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
