// A leader in the catalog of services: types only, as a part of src/contract.ts, which exports them.

/** A leader as a service, for the catalog of the store. */
export interface Announcement {
  /** Unique among all services. */
  readonly id: string
  readonly service: string
  readonly port: number
  /** By default the address of the store's own node. */
  readonly address?: string | undefined
  readonly tags: readonly string[]
  /** A text for people about the health check. */
  readonly about: string
  /** How long the service counts as healthy, in ms, unless it is announced again. */
  readonly forMs: number
}

/** The catalog of a store. Its methods reject as those of Backend do. Only stores with `facts.catalog` have them. */
export interface CatalogBackend {
  /** Shows the service as healthy for `forMs` from now on. Idempotent. */
  announce(announcement: Announcement, signal: AbortSignal): Promise<void>
  /** Removes an announced service. Idempotent. */
  retract(id: string, signal: AbortSignal): Promise<void>
}
