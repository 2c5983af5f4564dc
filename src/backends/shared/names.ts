// Names in an answer that shows many of them: their order and their longest length, the same on every store.

/** Compares two entries by their names, as strings: `entries.sort(byName)`. No two entries have the same name. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1
}

/** The longest name in bytes of UTF-8. A longer one is no name: no client of ours can ask for it. */
const nameBytesMax = 512

/** Whether a client of ours could ask for this name, as far as its length goes. */
export function isName(name: string): boolean {
  return name.length <= nameBytesMax && Buffer.byteLength(name) <= nameBytesMax
}
