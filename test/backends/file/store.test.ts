// The embedded backend within one process: tokens, conflicts, checkpoints, and files that are not what they
// should be.
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { ConflictError, RefusedError, SessionGoneError } from '../../../src/base/errors.ts'
import { connect } from '../../../src/connect.ts'
import type { Backend, Claim, SessionGrant } from '../../../src/contract.ts'
import { builtPackage } from '../../built.ts'
import { emptyDirectory, remove } from './processes.ts'

const { signal } = new AbortController()
let directory: string
const backends: Backend[] = []

beforeAll(() => void builtPackage())
beforeEach(() => {
  directory = emptyDirectory()
})
afterEach(async () => {
  for (const backend of backends.splice(0)) await backend.close()
  remove(directory)
})

async function open(): Promise<Backend> {
  const backend = await file({ directory }).open(systemClock())
  backends.push(backend)
  return backend
}

async function openWithSession(): Promise<{ backend: Backend; session: SessionGrant }> {
  const backend = await open()
  return { backend, session: await backend.createSession(15_000, signal) }
}

let claims = 0
function newClaim({ id: session }: SessionGrant, more: Partial<Claim> = {}): Claim {
  claims += 1
  return {
    id: String(claims),
    name: 'job',
    session,
    permits: 1,
    weight: 1,
    value: '',
    wait: true,
    candidate: false,
    ...more,
  }
}

/** The first column of the first row, read over a separate connection. */
async function inDatabase(question: string): Promise<unknown> {
  const database = (await loadDriver()).open(join(directory, 'leasehold.db'))
  const [row] = database.prepare(question).all()
  database.close()
  return Object.values(row ?? {})[0]
}

async function holdAndRelease(backend: Backend, session: SessionGrant): Promise<bigint> {
  const claim = newClaim(session)
  const attempt = await backend.attempt(claim, signal)
  await backend.withdraw(claim, signal)
  return attempt.held ? attempt.token : 0n
}

describe('tokens', () => {
  test('grow even if a power cut undoes the last commits', async () => {
    const first = await openWithSession()
    await holdAndRelease(first.backend, first.session)
    // By another process: closing a descriptor of the database in this one would drop its locks.
    execFileSync('cp', ['-r', directory, `${directory}.old`])
    let last = 0n
    for (let count = 0; count < 100; count += 1) last = await holdAndRelease(first.backend, first.session)
    await first.backend.close()
    remove(directory)
    execFileSync('mv', [`${directory}.old`, directory])

    const second = await openWithSession()
    expect(await holdAndRelease(second.backend, second.session)).toBeGreaterThan(last)
  })

  test('never exceed the bound that is on the disk', async () => {
    const { backend, session } = await openWithSession()
    let token = 0n
    for (let count = 0; count < 4_200; count += 1) token = await holdAndRelease(backend, session)
    expect(token).toBeGreaterThan(4_096n)
    expect(await inDatabase('SELECT bound FROM tokens')).toBeGreaterThanOrEqual(token)
  })

  test('are given out within the bound, even if another client has moved the bound', async () => {
    const [one, two] = [await openWithSession(), await openWithSession()]
    const tokens: bigint[] = []
    for (let count = 0; count < 4_200; count += 1) {
      const { backend, session } = count % 2 ? one : two
      tokens.push(await holdAndRelease(backend, session))
    }
    expect(new Set(tokens).size).toBe(4_200)
    expect(tokens.toSorted((a, b) => Number(a - b))).toEqual(tokens)
  })
})

describe('two clients in one process', () => {
  test('exclude each other, and the second holds once the first releases', async () => {
    const [one, two] = [await openWithSession(), await openWithSession()]
    const [first, second] = [newClaim(one.session), newClaim(two.session)]
    expect(await one.backend.attempt(first, signal)).toMatchObject({ held: true })
    const waiting = await two.backend.attempt(second, signal)
    expect(waiting).toMatchObject({ held: false, ahead: 1 })
    const changed = two.backend.changed(second, waiting, signal)
    await one.backend.withdraw(first, signal)
    expect(await changed).toMatchObject({ held: true })
  })

  test('free what they hold when one is closed without destroying its session', async () => {
    const [one, two] = [await openWithSession(), await openWithSession()]
    await one.backend.attempt(newClaim(one.session), signal)
    await one.backend.close()
    expect(await two.backend.attempt(newClaim(two.session, { wait: false }), signal)).toMatchObject({
      held: true,
    })
  })
})

describe('a claim', () => {
  test('that is attempted twice stands once', async () => {
    const { backend, session } = await openWithSession()
    const claim = newClaim(session, { permits: 2 })
    const [first, second] = [await backend.attempt(claim, signal), await backend.attempt(claim, signal)]
    expect(second).toMatchObject({ held: true, token: first.held && first.token })
    expect(await backend.line('job', signal)).toHaveLength(1)
  })

  test('without wait leaves nothing behind when it is refused', async () => {
    const { backend, session } = await openWithSession()
    await backend.attempt(newClaim(session), signal)
    const refused = await backend.attempt(newClaim(session, { wait: false }), signal)
    expect(refused).toMatchObject({ held: false, ahead: 1 })
    expect(await backend.line('job', signal)).toHaveLength(1)
  })

  test('for another number of permits is a conflict, and leaves nothing behind', async () => {
    const { backend, session } = await openWithSession()
    await backend.attempt(newClaim(session, { permits: 4 }), signal)
    const attempt = backend.attempt(newClaim(session, { permits: 2 }), signal)
    await expect(attempt).rejects.toThrow(ConflictError)
    await expect(attempt).rejects.toThrow(
      '"job" is in use as a semaphore with 4 permits; this asks for a semaphore with 2 permits',
    )
    expect(await backend.line('job', signal)).toHaveLength(1)
  })

  test('of a session that was removed is told that the session is gone', async () => {
    const { backend, session } = await openWithSession()
    await backend.destroySession(session.id, signal)
    await expect(backend.attempt(newClaim(session), signal)).rejects.toThrow(SessionGoneError)
    await expect(backend.renewSession(session.id, signal)).rejects.toThrow(SessionGoneError)
  })

  test('that holds notices when somebody removes it', async () => {
    const { backend, session } = await openWithSession()
    const claim = newClaim(session)
    const held = await backend.attempt(claim, signal)
    const changed = backend.changed(claim, held, signal)
    await inDatabase(`DELETE FROM claims WHERE name = 'job' RETURNING ticket`)
    expect(await changed).toBeUndefined()
    expect(await backend.verify(claim, signal)).toBe(false)
    expect(await backend.writeCheckpoint(claim, 'late', signal)).toBe(false)
  })
})

test('a semaphore admits as many as it has permits, in order', async () => {
  const { backend, session } = await openWithSession()
  const five = Array.from({ length: 5 }, () => newClaim(session, { permits: 2 }))
  const held: boolean[] = []
  for (const claim of five) held.push((await backend.attempt(claim, signal)).held)
  expect(held).toEqual([true, true, false, false, false])
  await backend.withdraw(five[1] as Claim, signal)
  expect(await backend.attempt(five[3] as Claim, signal)).toMatchObject({ held: false, ahead: 1 })
  expect(await backend.attempt(five[2] as Claim, signal)).toMatchObject({ held: true })
})

test('a checkpoint is written by the holder and read by anybody', async () => {
  const { backend, session } = await openWithSession()
  const [holder, waiter] = [newClaim(session), newClaim(session)]
  await backend.attempt(holder, signal)
  await backend.attempt(waiter, signal)
  expect(await backend.writeCheckpoint(waiter, 'not mine', signal)).toBe(false)
  expect(await backend.writeCheckpoint(holder, 'page 7 – ü\n', signal)).toBe(true)
  expect(await (await open()).readCheckpoint('job', signal)).toBe('page 7 – ü\n')
})

test('a closed client leaves no session and no session file', async () => {
  const client = await connect(file({ directory }))
  await client.mutex('job').acquire()
  const waiting = client.mutex('job').acquire()
  await Promise.all([client.close(), expect(waiting).rejects.toThrow('closed')])
  expect(readdirSync(join(directory, 'sessions'))).toEqual([])
})

describe('a directory', () => {
  test('with a file in the place of the database is refused, and the file stays as it is', async () => {
    const path = join(directory, 'leasehold.db')
    writeFileSync(path, 'my notes, many of them. '.repeat(100))
    await expect(open()).rejects.toThrow(ConflictError)
    await expect(open()).rejects.toThrow(`${path} is not a database`)
    expect(readFileSync(path, 'utf8')).toBe('my notes, many of them. '.repeat(100))
  })

  test("with another program's database in its place is refused", async () => {
    await inDatabase('CREATE TABLE theirs (a)')
    await expect(open()).rejects.toThrow(ConflictError)
    expect(await inDatabase('SELECT count(*) FROM sqlite_master')).toBe(1n)
  })

  test('that this user may not write is refused, and the error names it', async () => {
    chmodSync(directory, 0o555)
    const root = process.getuid?.() === 0
    if (root) process.seteuid?.(65_534)
    try {
      await expect(open()).rejects.toThrow(RefusedError)
      await expect(open()).rejects.toThrow(directory)
    } finally {
      if (root) process.seteuid?.(0)
      chmodSync(directory, 0o755)
    }
  })

  test('that is deleted while in use ends its sessions, and the next session is in a new one', async () => {
    const { backend, session } = await openWithSession()
    rmSync(directory, { recursive: true })
    await expect(backend.renewSession(session.id, signal)).rejects.toThrow(SessionGoneError)
    const next = await backend.createSession(15_000, signal)
    const held = await backend.attempt(newClaim(next), signal)
    expect(held).toMatchObject({ held: true })
    expect(await (await open()).line('job', signal)).toMatchObject([{ session: next.id }])
  })

  test('can be opened by many clients at once although it is new', async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, openWithSession))
    expect(new Set(opened.map(({ session }) => session.id)).size).toBe(8)
  })
})

test('opening goes on while another process keeps the new database locked', async () => {
  const blocker = (await loadDriver()).open(join(directory, 'leasehold.db'))
  blocker.exec('BEGIN EXCLUSIVE')
  const clock = systemClock()
  const after: Clock['after'] = (ms, run) => {
    blocker.close()
    return clock.after(ms, run)
  }
  await (await file({ directory }).open({ ...clock, after })).close()
})
