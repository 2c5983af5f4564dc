// Changes between two looks of a client of the embedded store: a lock that becomes free between a question and the wait for
// its answer to change, and a store that is moved after a look. The clock stands, so no look comes by itself.
import { once } from 'node:events'
import { existsSync, mkdtempSync, renameSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../../../src/backends/file/backend.ts'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import { openStore } from '../../../src/backends/file/open-store.ts'
import { SessionGoneError } from '../../../src/base/errors.ts'
import type { Attempt, Claim } from '../../../src/contract.ts'
import { ManualClock, settle } from '../../core/manual-clock.ts'

const { signal } = new AbortController()

function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'leasehold-between-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function opened(directory: string, clock: ManualClock): Promise<FileBackend> {
  const driver = await loadDriver()
  const open = () => openStore(clock, driver, directory)
  return new FileBackend(clock, directory, await open(), open)
}

/** A client with a session, as the locks use it. */
class Contender {
  readonly backend: FileBackend
  readonly session: string
  #claims = 0

  static async in(directory: string, clock: ManualClock): Promise<Contender> {
    const backend = await opened(directory, clock)
    onTestFinished(() => backend.close())
    const { id } = await backend.createSession(12_000, signal)
    return new Contender(backend, id)
  }

  constructor(backend: FileBackend, session: string) {
    this.backend = backend
    this.session = session
  }

  claim(permits = 1, weight = 1): Claim {
    this.#claims += 1
    const { session } = this
    const own = { id: String(this.#claims), name: 'job', session }
    return { ...own, permits, weight, value: '', wait: true, candidate: false }
  }

  /** The answer of `changed`, if it comes without an event or a tick. */
  async changedAtOnce(claim: Claim, answer: Attempt): Promise<Attempt | undefined> {
    let next: Attempt | undefined
    void this.backend.changed(claim, answer, signal).then((changed) => (next = changed))
    await settle()
    return next
  }
}

test('a lock that becomes free between the question of a client and its wait is taken at once, also in a later wait', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const [holder, waiter] = [await Contender.in(directory, clock), await Contender.in(directory, clock)]
  const wakeFile = join(directory, 'sessions', `${waiter.session}.wake`)
  for (const turn of [1, 2]) {
    const [first, second] = [holder.claim(), waiter.claim()]
    expect(await holder.backend.attempt(first, signal)).toMatchObject({ held: true })
    const answer = await waiter.backend.attempt(second, signal)
    expect(answer).toMatchObject({ held: false, ahead: 1 })
    expect(existsSync(wakeFile)).toBe(turn === 2)
    const watcher = turn === 2 ? watch(wakeFile) : undefined
    const heard = watcher && once(watcher, 'change')
    await holder.backend.withdraw(first, signal)
    await heard // the event has come, and no wait of the client has got it
    watcher?.close()
    expect(await waiter.changedAtOnce(second, answer)).toMatchObject({ held: true })
    await waiter.backend.withdraw(second, signal)
  }
})

test('a permit that a client gives back goes at once to a caller of its own that does not wait yet, while others hold', async () => {
  const [directory, clock] = [emptyDirectory(), new ManualClock()]
  const client = await Contender.in(directory, clock)
  const { backend } = client
  const [one, other, gone, next] = [client.claim(2), client.claim(2), client.claim(2), client.claim(2)]
  const held = await backend.attempt(one, signal)
  await backend.attempt(other, signal)
  void backend.changed(one, held, signal)
  const { signal: end, abort } = abortable()
  const left = backend.changed(gone, await backend.attempt(gone, signal), end) // from now on the client listens
  abort()
  await expect(left).rejects.toThrow('enough')
  await backend.withdraw(gone, signal)
  const answer = await backend.attempt(next, signal)
  await backend.withdraw(other, signal)
  expect(await client.changedAtOnce(next, answer)).toMatchObject({ held: true })
})

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) }
}

test.for([
  ['its folder', '.'],
  ['the folder of its sessions', 'sessions'],
] as const)(
  'more than 5 ms after %s was moved, no claim joins a store that its client has used just before that',
  async ([, part]) => {
    const [directory, clock] = [emptyDirectory(), new ManualClock()]
    const contender = await Contender.in(directory, clock)
    const { backend } = contender
    const [first, next] = [contender.claim(), contender.claim()]
    await backend.attempt(first, signal)
    await backend.withdraw(first, signal)
    renameSync(join(directory, part), `${directory}.old`)
    onTestFinished(() => rmSync(`${directory}.old`, { recursive: true }))
    await clock.advance(6)
    await expect(backend.attempt(next, signal)).rejects.toThrow(SessionGoneError)
  },
)
