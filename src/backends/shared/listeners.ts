// Functions to call when something changes, by name. The code that changes it calls them.

/** Functions by name. A name without functions is not kept. */
export type Listeners = Map<string, Set<() => void>>

/** Adds a function under a name. Returns a function that takes it away again. */
export function listen(listeners: Listeners, name: string, changed: () => void): () => void {
  const those = listeners.get(name) ?? new Set()
  listeners.set(name, those.add(changed))
  return () => {
    those.delete(changed)
    if (those.size === 0 && listeners.get(name) === those) listeners.delete(name)
  }
}
