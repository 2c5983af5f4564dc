// Numbers of things that stand at the moment, by their attributes. Owns that attributes which were seen once are observed as
// zero afterwards, and not left out.
import type { Attributes, ObservableResult } from '@opentelemetry/api'

/** The numbers of one instrument. */
export class Levels {
  readonly #known = new Map<string, { readonly attributes: Attributes; count: number }>()

  /** From now on these attributes are observed. */
  know(attributes: Attributes): void {
    this.#of(attributes)
  }

  /** One more, until the next `observe`. */
  add(attributes: Attributes): void {
    this.#of(attributes).count += 1
  }

  /** Observes all numbers, and begins at zero again. */
  observe(result: ObservableResult): void {
    for (const level of this.#known.values()) {
      result.observe(level.count, level.attributes)
      level.count = 0
    }
  }

  #of(attributes: Attributes): { count: number } {
    const key = JSON.stringify(attributes)
    const known = this.#known.get(key) ?? { attributes, count: 0 }
    this.#known.set(key, known)
    return known
  }
}
