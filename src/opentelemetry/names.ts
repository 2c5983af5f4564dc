// The names of locks as attributes. Owns that metrics have a bounded number of them.
import { diag } from '@opentelemetry/api'

/** The value for all names beyond the limit. */
const other = 'other'

/** Maps names for one instrumentation. */
export class Names {
  readonly #map: (name: string) => string | undefined
  readonly #most: number
  readonly #known = new Set<string>()

  constructor(map: false | ((name: string) => string | undefined) = (name) => name, most: number) {
    this.#map = map === false ? () => undefined : map
    this.#most = most
  }

  /** The attribute for spans, of which there is no limit. Undefined leaves it out. */
  span(name: string): string | undefined {
    try {
      const mapped = this.#map(name)
      return mapped === undefined ? undefined : String(mapped)
    } catch (error) {
      diag.error('leasehold: the option names failed', error)
      return other
    }
  }

  /** The attribute for metrics. */
  metric(name: string): string | undefined {
    const mapped = this.span(name)
    if (mapped === undefined || this.#known.has(mapped)) return mapped
    if (this.#known.size >= this.#most) return other
    this.#known.add(mapped)
    return mapped
  }
}
