// The type of the key in the store by which a claim holds. src/contract.ts exports it.

/** The key in the store by which a claim holds. A caller compares it in its own transactions. */
export interface StoreKey {
  /** The full key in the store, including the namespace. */
  readonly name: string
  /** The number to compare: on etcd the create revision, on Consul the modify index. */
  readonly revision: bigint
}
