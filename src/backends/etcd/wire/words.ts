// The words in which etcd says what its status does not: both wires look for them. Owns these words, and our advice.

/** The token of a login is over. The server did nothing. */
export const tokenOver: RegExp = /auth store is old|invalid auth token/
/** A request that would be refused again: it is too large, or the login does not suit the server. */
export const refusal: RegExp =
  /message larger than max|user name is empty|authentication is not enabled|user name not found/
/** A transaction has more operations than the server takes: its flag `--max-txn-ops`. Nothing was done. */
export const tooMany: RegExp = /too many operations in txn request/
/** The advice for such a transaction, where it cannot be smaller. */
export const tooManyHint =
  'one request of Leasehold may need up to 128 operations: start etcd without --max-txn-ops'
/** The advice where no connection was made. */
export const schemeHint = 'is a server there, and is the scheme right (etcd: without TLS, etcds: with TLS)?'
