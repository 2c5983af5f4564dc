// @ts-check
// Builds the peers in Go, once for all tests, into the cache of the servers.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fingerprint, intoCache, readLabel } from '../../tools/servers/cache.mjs'
import { DEFAULT_CACHE } from '../../tools/servers/fetch.mjs'
import { buildPrograms } from '../../tools/servers/golang.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))

/**
 * Resolves with the folder of the programs `etcd` and `consul`, within milliseconds if they are cached. Rejects with
 * the reason if they cannot be built: without a Go that is new enough, or without the modules.
 *
 * @returns {Promise<string>}
 */
export async function ensurePeers() {
  const home = join(DEFAULT_CACHE, `peers-${await fingerprint(folder)}`)
  const programs = { etcd: './etcd', consul: './consul' }
  if (!(await readLabel(home))) {
    await intoCache(home, async (fresh) => {
      await buildPrograms({ folder, programs, into: fresh })
      return programs
    })
  }
  return home
}
