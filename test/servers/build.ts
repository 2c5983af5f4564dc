// Leasehold as JavaScript, for test files that run it in other processes.
import { join } from 'node:path'
import { beforeAll } from 'vitest'
import { builtPackage } from '../built.ts'

/** Builds before the tests of a file. After that `index` is the path of the built index.js. */
export function useBuild(): { index: string } {
  const built = { index: '' }
  beforeAll(() => {
    built.index = join(builtPackage(), 'dist', 'index.js')
  })
  return built
}
