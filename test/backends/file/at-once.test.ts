// The embedded store answers at once: requests that must not wait are refused if they would, and no statement is planned again
// for each use.

import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Database, loadDriver } from '../../../src/backends/file/driver.ts'
import { facts } from '../../../src/backends/file/facts.ts'
import { file } from '../../../src/backends/file/index.ts'
import * as sql from '../../../src/backends/file/sql.ts'
import { systemClock } from '../../../src/base/clock.ts'
import type { Backend, Claim } from '../../../src/contract.ts'
import { emptyDirectory, remove } from './processes.ts'

const { signal } = new AbortController()
const { atOnce } = facts
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function scene(): Promise<{ backend: Backend; claim: Claim; directory: string }> {
  const directory = emptyDirectory()
  ends.push(() => remove(directory))
  const backend = await file({ directory }).open(systemClock())
  ends.push(() => backend.close())
  const { id: session } = await backend.createSession(15_000, signal)
  const form = { permits: 1, weight: 1, value: '', wait: true, candidate: false }
  return { backend, directory, claim: { id: '1', session, name: 'job', ...form } }
}

async function lock(directory: string): Promise<Database> {
  const database = (await loadDriver()).open(join(directory, 'leasehold.db'))
  ends.push(() => database.close())
  database.exec('BEGIN IMMEDIATE')
  return database
}

/** The refusal, and not another error. */
async function isRefused(question: Promise<unknown>): Promise<boolean> {
  return (await question.catch((error) => error)) === atOnce?.refusal
}

test('a request that must not wait is refused while the database is locked, and leaves no claim', async () => {
  const { backend, claim, directory } = await scene()
  const blocker = await lock(directory)
  const now = atOnce?.signal as AbortSignal
  expect(await isRefused(backend.attempt(claim, now))).toBe(true)
  expect(await isRefused(backend.renewSession(claim.session, now))).toBe(true)
  expect(await isRefused(backend.createSession(15_000, now))).toBe(true)
  blocker.exec('ROLLBACK')
  expect(await backend.line('job', now)).toEqual([])
  expect(await backend.attempt(claim, now)).toMatchObject({ held: true })
  blocker.exec('BEGIN IMMEDIATE')
  expect(await isRefused(backend.withdraw(claim, now))).toBe(true)
  blocker.exec('ROLLBACK')
  await backend.withdraw(claim, now)
  expect(await backend.line('job', now)).toEqual([])
})

test('a request that must not wait is refused if the disk has to sync, or the store has to be opened again', async () => {
  const { backend, claim, directory } = await scene()
  const now = atOnce?.signal as AbortSignal
  await backend.attempt(claim, now)
  expect(await isRefused(backend.writeCheckpoint(claim, 'text', now))).toBe(true)
  expect(await isRefused(backend.keep?.(claim, { ms: 1_000, value: '' }, now) ?? Promise.resolve())).toBe(
    true,
  )
  expect(await backend.writeCheckpoint(claim, 'text', signal)).toBe(true)
  remove(directory)
  expect(await isRefused(backend.line('job', now))).toBe(true)
  expect(await backend.line('job', signal)).toEqual([])
})

test('no statement is planned anew at each use: no parameter alone decides on an order or a limit', () => {
  for (const [name, text] of Object.entries(sql)) {
    if (!/ORDER BY|LIMIT|\b(min|max)\(/.test(text)) continue
    expect(text, name).not.toMatch(/name = \?|LIMIT \?\d(?! \+ 0)/)
  }
})
