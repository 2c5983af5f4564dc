// The key by which a claim holds, as the store names it: types only, which src/contract.ts passes on.

/** The key by which a claim holds, for transactions of the caller's own in the same store. */
export interface StoreKey {
  /** The whole key as the store has it, with the namespace. */
  readonly name: string
  /** The number that such a transaction compares: on etcd the create revision, on Consul the modify index. */
  readonly revision: bigint
}
