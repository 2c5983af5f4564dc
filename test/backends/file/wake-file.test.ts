// The file by which other processes wake the waiters of a session, when it is deleted between two waits.
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { file } from '../../../src/backends/file/index.ts'
import { connect, type Leasehold } from '../../../src/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'leasehold-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** The wake files of all sessions. */
function wakeFiles(): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.wake')).map((name) => join(directory, name))
}

/** One client holds, the other one waits; returns the wake files that there are meanwhile. */
async function turn(holder: Leasehold, waiter: Leasehold): Promise<string[]> {
  const hold = await holder.mutex('a').acquire()
  const waiting = new Promise<void>((resolve) => {
    const acquired = waiter.mutex('a').acquire({ onWait: () => setImmediate(resolve) })
    acquired.then((next) => next.release())
  })
  await waiting
  const there = wakeFiles()
  await hold.release()
  await (await holder.mutex('a').acquire()).release() // behind the waiter
  return there
}

test('a wake file that somebody deleted is made again by a later wait', async () => {
  const [holder, waiter] = await Promise.all([connect(file({ directory })), connect(file({ directory }))])
  try {
    const [wakeFile = ''] = await turn(holder, waiter)
    expect(await turn(holder, waiter)).toContain(wakeFile)
    unlinkSync(wakeFile)
    await expect.poll(() => turn(holder, waiter), { timeout: 10_000 }).toContain(wakeFile)
  } finally {
    await Promise.all([holder.close(), waiter.close()])
  }
  expect(wakeFiles()).toEqual([])
})
