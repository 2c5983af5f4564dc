// Names the keys of a request in one word, for messages about missing permissions. Knows no store.

/** The longest folder that contains all keys, with its slash; empty if they have none in common. */
export function commonFolder(keys: readonly string[]): string {
  let common = keys[0] ?? ''
  for (const key of keys) while (!key.startsWith(common)) common = common.slice(0, -1)
  return common.slice(0, common.lastIndexOf('/') + 1)
}
