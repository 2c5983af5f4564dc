// The credentials for stores with servers: a user, and TLS. Types only, so that an option has the same name and type
// on every store. checks.ts checks them.

/** A user and a password. */
export interface Auth {
  readonly username: string
  readonly password: string
}

/** A certificate or a key as PEM: a text, or the content of a file. */
export type Pem = string | Buffer

/** The certificates: which servers to trust, and which certificate the client shows. */
export interface Tls {
  /** The authorities to trust, instead of the system's. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The client's own certificate. Needs `key`. */
  readonly cert?: Pem | undefined
  /** The private key of `cert`. */
  readonly key?: Pem | undefined
}

/** The credentials that the client shows to servers. */
export interface Credentials {
  /** User and password. */
  readonly auth?: Auth | undefined
  /** TLS. `true` trusts the system's authorities and shows no certificate. `false` is the same as no option. */
  readonly tls?: boolean | Tls | undefined
}
