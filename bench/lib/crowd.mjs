// @ts-check
// Many clients in this process that want the same lock once. contenders.mjs chooses the kind of lock.
import { contenders } from './contenders.mjs'
import { now } from './measure.mjs'

/** @typedef {Awaited<ReturnType<typeof openCrowd>>} Crowd */

/** @param {string} kind one of contenders.mjs @param {string} target @param {number} size */
export async function openCrowd(kind, target, size) {
  const open = contenders[kind]
  if (!open) throw new Error(`no contender is called ${kind}`)
  const crowd = await Promise.all(Array.from({ length: size }, () => open(target)))
  return {
    /** All ask at once. Resolves with the time in ms until each has had its turn. @param {string} name */
    async race(name) {
      const start = now()
      await Promise.all(crowd.map(({ acquire }) => acquire(name).then((release) => release())))
      return now() - start
    },
    close: () => Promise.all(crowd.map(({ close }) => close())),
  }
}
