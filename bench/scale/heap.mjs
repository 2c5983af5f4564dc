// @ts-check
// The memory that objects of this process take: the heap after a collection of garbage.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sleep } from '../lib/measure.mjs'

setFlagsFromString('--expose-gc')
const collect = /** @type {() => void} */ (runInNewContext('gc'))

/** In bytes. Collects more than once, since finalizers run between two collections. */
export async function heapBytes() {
  for (let time = 0; time < 3; time += 1) {
    collect()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}
