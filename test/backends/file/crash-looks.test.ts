// A holder whose process dies a moment after another client saw it alive. The clock stands between two looks.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../../../src/backends/file/backend.ts'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import { openStore } from '../../../src/backends/file/open-store.ts'
import { connect, type Leasehold } from '../../../src/index.ts'
import { ManualClock, settle } from '../../core/manual-clock.ts'

interface Scene {
  readonly clock: ManualClock
  readonly client: Leasehold
  /** Ends the process that holds `job`, as far as others can see. */
  crash(): Promise<void>
}

/** A client that has just seen the holder of `job` alive. */
async function scene(): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), 'leasehold-crash-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const clock = new ManualClock()
  const open = async (): Promise<[Leasehold, FileBackend]> => {
    const driver = await loadDriver()
    const opened = () => openStore(clock, driver, directory)
    const backend = new FileBackend(clock, directory, await opened(), opened)
    return [await connect({ url: 'file:', open: async () => backend }, { clock }), backend]
  }
  const [holder, doomed] = await open()
  const [client] = await open()
  onTestFinished(() => client.close())
  await holder.mutex('job').acquire()
  const { signal, abort } = abortable()
  const waiting = client.mutex('job').acquire({ signal })
  await settle()
  abort()
  await expect(waiting).rejects.toThrow('enough')
  return { clock, client, crash: () => doomed.close() }
}

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) }
}

test('a caller that does not wait gets the lock of a holder that has just died, although it was just seen alive', async () => {
  const { client, crash } = await scene()
  expect(await client.mutex('job').tryAcquire()).toBeUndefined()
  await crash()
  const hold = await client.mutex('job').tryAcquire()
  expect(hold?.held).toBe(true)
})

test('a caller that waits takes over at its first look from a holder that died a moment before', async () => {
  const { clock, client, crash } = await scene()
  await crash()
  const waiting = client.mutex('job').acquire()
  await settle()
  await clock.advance(25)
  expect((await waiting).held).toBe(true)
})
