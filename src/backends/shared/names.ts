// The order of names in an answer that lists many of them. Owns that the order is the same on every store.

/** Compares two entries by their names, as strings: `entries.sort(byName)`. No two entries have the same name. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1
}
