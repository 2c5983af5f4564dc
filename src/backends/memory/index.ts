// The entry to a store in this process: for tests, and as the smallest complete example of a backend.
import type { Finding } from '../../base/finding.ts'
import { checkOptions } from '../../base/options.ts'
import { quotedTarget } from '../../base/printable.ts'
import type { BackendSource } from '../../contract.ts'
import { MemoryBackend } from './backend.ts'

const place: Finding = {
  check: 'place',
  level: 'note',
  text: 'the memory of this process: no other process can use the store, and it ends with this one',
  next: 'for processes of one machine take file:, for several machines etcd or Consul',
}

/** The options of `memory`: there are none. */
export type MemoryOptions = Readonly<Record<string, never>>

/**
 * A store in memory, shared by every client that is opened with the same source. It ends with the process. Throws
 * TypeError for any option.
 */
export function memory(options: MemoryOptions = {}): BackendSource {
  checkOptions(options, {})
  let store: MemoryBackend | undefined
  return {
    url: 'memory:',
    open: async (clock) => (store ??= new MemoryBackend(clock)),
    examine: async () => ({ mayOpen: true, findings: [place] }),
  }
}

/** A new store for each call. Throws TypeError for every URL except `memory:`. */
export function memoryFromUrl(url: string): BackendSource {
  if (url !== 'memory:') throw new TypeError(`url: ${quotedTarget(url)} is malformed; it takes "memory:"`)
  return memory()
}
