// The test of every way: it holds a lock on `file:` and on `memory:`, next to a second client, and finds each promise kept.

/**
 * Rejects with what was seen if a promise was broken. Resolves with a line that names the stores.
 * @param {Pick<typeof import('leasehold'), 'connect' | 'HoldLostError'>} leasehold
 * @param {Pick<typeof import('leasehold/memory'), 'memory'>} memoryStore
 */
export async function check({ connect, HoldLostError }, { memory }) {
  const { NEWCOMER_FOLDER: folder } = process.env
  const seen = []
  for (const [name, store] of Object.entries({ memory: memory(), file: `file:${folder}` })) {
    const [one, other] = await Promise.all([connect(store), connect(store)])
    const hold = await one.mutex('a').acquire({ waitMs: 5_000 })
    must(hold.held && typeof hold.token === 'bigint' && !hold.signal.aborted, `${name}: a hold that is held`)
    must((await other.mutex('a').tryAcquire()) === undefined, `${name}: a second client is refused`)
    const waiting = other.mutex('a').acquire({ waitMs: 5_000 })
    await hold.release()
    const next = await waiting
    must(next.token > hold.token, `${name}: a larger token`)
    must(thrownBy(() => hold.assertHeld()) instanceof HoldLostError, `${name}: a released hold is refused`)
    await Promise.all([one.close(), other.close()])
    seen.push(`${name} ${next.token}`)
  }
  return `leasehold works: ${seen.join(', ')}, ${process.version}`
}

/** @param {boolean} isTrue @param {string} promise */
function must(isTrue, promise) {
  if (!isTrue) throw new Error(`broken: ${promise}`)
}

/** @param {() => void} work */
function thrownBy(work) {
  try {
    work()
  } catch (error) {
    return error
  }
}
