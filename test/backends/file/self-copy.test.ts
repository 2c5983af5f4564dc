// A process that reads or copies the files of its own sessions: the kernel drops its locks. If the system tells (on Linux),
// it takes them again at its next look; another one that came in before is noticed then.
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { openStore } from '../../../src/backends/file/open-store.ts'
import { Removals } from '../../../src/backends/file/removals.ts'
import { Renewals } from '../../../src/backends/file/renewals.ts'
import { Waits } from '../../../src/backends/file/waits.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { connect } from '../../../src/connect.ts'
import { until } from '../../../tools/servers/wait.mjs'
import { Child, useThings } from './processes.ts'

const isLinux = process.platform === 'linux'
const things = useThings()

/** A hold of this process that has begun to look after itself, which it does after a tenth of its time to live. */
async function holder() {
  const [directory, copy] = [things.directory(), things.directory()]
  const client = await connect(file({ directory }), { ttlMs: 3_000 })
  things.clients.push(client)
  const hold = await client.mutex('job').acquire()
  const began = performance.now()
  await until(async () => performance.now() - began > 600, { describe: () => 'the first look' })
  const copyAll = (): void => cpSync(directory, copy, { recursive: true })
  return { directory, hold, copyAll, locks: () => locksOf(directory) }
}

/** How many processes keep a file of the sessions locked, as the kernel tells. */
function locksOf(directory: string): number {
  const sessions = join(directory, 'sessions')
  const inodes = readdirSync(sessions).map((name) => `:${statSync(join(sessions, name)).ino} `)
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  return locks.filter((lock) => / POSIX .* WRITE /.test(lock) && inodes.some((inode) => lock.includes(inode)))
    .length
}

function contender(directory: string): Child {
  const child = new Child(things.built, directory, 15_000, 'hold', 'job')
  things.children.push(child)
  return child
}

test.runIf(isLinux)(
  'a holder that copies its store has its lock again at its next look: a later contender waits',
  async () => {
    const { directory, hold, copyAll, locks } = await holder()
    expect(locks()).toBeGreaterThan(0)
    copyAll()
    expect(locks()).toBe(0)
    const dropped = performance.now()
    await until(async () => locks() > 0, { everyMs: 5, describe: () => 'the lock again' })
    expect(performance.now() - dropped).toBeLessThan(500)

    const next = contender(directory)
    await next.said('asking')
    const first = await Promise.race([
      next.said('held'),
      new Promise((resolve) => setTimeout(resolve, 400, 'waits')),
    ])
    expect(first).toBe('waits')
    await hold.verify()
  },
)

test('a contender that was in line comes in at once: the holder that copied its store learns of it at its next look', async () => {
  const { directory, hold, copyAll } = await holder()
  const next = contender(directory)
  await next.said('asking')
  await until(async () => (await things.clients[0]?.line('job'))?.length === 2, {
    describe: () => 'a line of two',
  })
  const lost = new Promise<number>((resolve) => {
    hold.signal.addEventListener('abort', () => resolve(performance.now()), { once: true })
  })
  expect(hold.signal.aborted).toBe(false)
  copyAll()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300) // a long copy: the holder cannot look
  const copied = performance.now()
  await next.said('held')
  expect((await lost) - copied).toBeLessThan(500)
  await expect(hold.verify()).rejects.toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
})

test('a process that came back to its lock is not removed by another one that saw it without', async () => {
  const { directory, hold } = await holder()
  const clock = systemClock()
  const { store, files } = await openStore(clock, await loadDriver(), directory)
  const looks = [true, false] // before the transaction, and in it
  const seen = Object.assign(Object.create(files), { isDead: () => looks.shift() ?? false })
  const waits = new Waits(clock, {
    files: () => files,
    seen: () => files,
    version: () => store.version(),
  })
  const removals = new Removals(store, seen, waits, new Renewals(clock))
  expect(removals.removeDead(store.sessions.all())).toBe(false)
  expect(looks).toEqual([])
  await hold.verify()
  store.close()
})
