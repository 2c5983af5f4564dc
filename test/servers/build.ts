// Leasehold as JavaScript, for the tests of a file that need it in a process of its own.
import { join } from 'node:path'
import { beforeAll } from 'vitest'
import { builtPackage } from '../built.ts'

/** Sees to the build before the tests of a file; `index` is then the path of the built index.js. */
export function useBuild(): { index: string } {
  const built = { index: '' }
  beforeAll(() => {
    built.index = join(builtPackage(), 'dist', 'index.js')
  })
  return built
}
