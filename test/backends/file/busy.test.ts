// The embedded backend while another process keeps the database locked, for long or again and again.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { type Database, loadDriver } from '../../../src/backends/file/driver.ts'
import { file } from '../../../src/backends/file/index.ts'
import { connect } from '../../../src/connect.ts'
import { Child, useThings } from './processes.ts'

const things = useThings()

/** Databases that a test keeps locked. They are closed before the clients, which would wait for them. */
const blockers: Database[] = []
afterEach(() => {
  for (const blocker of blockers.splice(0)) blocker.close()
})

function start(directory: string, ...role: (string | number)[]): Child {
  const child = new Child(things.built, directory, 15_000, ...role)
  things.children.push(child)
  return child
}

async function open(directory: string): Promise<Leasehold> {
  const client = await connect(file({ directory }))
  things.clients.push(client)
  return client
}

async function lockedBy(directory: string): Promise<Database> {
  const database = (await loadDriver()).open(join(directory, 'leasehold.db'))
  database.exec('BEGIN IMMEDIATE')
  blockers.push(database)
  return database
}

/** Counts the turns of a timer of 5 ms in another thread. It answers each message with the count. */
const counter = `
  const { parentPort } = require('node:worker_threads')
  let turns = 0
  setInterval(() => (turns += 1), 5)
  parentPort.on('message', () => parentPort.postMessage(turns))
  parentPort.postMessage(0)`

/**
 * How often a timer of 5 ms fires until the function that is returned is called: in this thread, and in one that does nothing
 * else, which is as late as the machine is busy.
 */
async function countTurns(): Promise<() => Promise<{ here: number; there: number }>> {
  const thread = new Worker(counter, { eval: true })
  await once(thread, 'message')
  let here = 0
  const timer = setInterval(() => (here += 1), 5)
  return async () => {
    clearInterval(timer)
    thread.postMessage('count')
    const [there] = await once(thread, 'message')
    await thread.terminate()
    return { here, there }
  }
}

const pauseMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** For each thing that a client can ask of the store: what has to be there before, and the question. */
const questions: Record<string, (client: Leasehold) => Promise<() => Promise<unknown>>> = {
  acquire: async (client) => () => client.mutex('a').acquire(),
  tryAcquire: async (client) => () => client.mutex('b').tryAcquire(),
  release: async (client) => {
    const hold = await client.mutex('c').acquire()
    return () => hold.release()
  },
  checkpoint: async (client) => {
    const hold = await client.mutex('d').acquire()
    return () => hold.checkpoint('page 7')
  },
  verify: async (client) => {
    const hold = await client.mutex('e').acquire()
    return () => hold.verify()
  },
  proclaim: async (client) => {
    const term = await client.election('f').campaign({ value: 'one' })
    return () => term.proclaim('two')
  },
  break: async (client) => {
    const { token } = await client.mutex('g').acquire()
    return async () => expect(await client.break('g', token)).toBe(true)
  },
  survey: async (client) => () => client.survey(),
  close: async (client) => () => client.close(),
}

test('every call made while another process keeps the database locked is done within a second after that', async () => {
  const directory = things.directory()
  const asked: Record<string, () => Promise<unknown>> = {}
  const owners: Leasehold[] = []
  for (const [name, prepare] of Object.entries(questions)) {
    const client = await open(directory)
    owners.push(client)
    asked[name] = await prepare(client)
  }
  const blocker = await lockedBy(directory)
  const turns = await countTurns()
  const settled: string[] = []
  const waits = Object.entries(asked).map(async ([name, ask]) => {
    await ask()
    settled.push(name)
  })
  const connecting = connect(file({ directory })).then((client) => {
    settled.push('connect')
    return client.close()
  })
  await pauseMs(2_500)
  // Reads are not held up; close gives up after a time of its own.
  expect(settled.filter((name) => !['verify', 'survey', 'close'].includes(name))).toEqual([])
  // Of the 500 turns of 2.5 s, ten clients leave 4 if they block for 100 ms at a time, and an eighth at least if they wait with timers.
  const { here, there } = await turns()
  expect(here).toBeGreaterThan(there / 15)

  blocker.exec('ROLLBACK')
  blocker.close()
  const freed = performance.now()
  await Promise.all([...waits, connecting])
  expect(performance.now() - freed).toBeLessThan(1_000)
  for (const client of owners.slice(0, -1)) {
    const hold = await client.mutex('after').acquire()
    await hold.checkpoint('after')
    await hold.verify()
    await hold.release()
  }
  expect(performance.now() - freed).toBeLessThan(3_000)
})

test('an answer is never older than the last change of another client, even after a statement met a lock', async () => {
  const directory = things.directory()
  const [one, two] = [await open(directory), await open(directory)]
  const blocker = await lockedBy(directory)
  const first = one.mutex('job').acquire()
  await pauseMs(200)
  blocker.exec('ROLLBACK')
  blocker.close()
  const hold = await first
  for (let round = 0; round < 20; round += 1) {
    const other = await two.mutex(`other ${round}`).acquire()
    expect(await one.mutex(`other ${round}`).tryAcquire()).toBeUndefined()
    expect((await one.survey('other')).at(-1)?.name).toBe(other.name)
    await other.release()
  }
  expect(await two.break('job', hold.token)).toBe(true)
  await expect(hold.verify()).rejects.toThrow('was removed')
})

test('while a process is stopped inside a transaction, the others wait without blocking, and go on once it is killed', async () => {
  const directory = things.directory()
  const client = await open(directory)
  const blocker = start(directory, 'block')
  await blocker.said('blocked')
  blocker.process.kill('SIGSTOP')
  const turns = await countTurns()
  await expect(client.mutex('job').acquire({ waitMs: 500 })).rejects.toMatchObject({
    code: 'LEASEHOLD_UNAVAILABLE',
  })
  const waiting = client.mutex('job').acquire()
  await pauseMs(500)
  const { here, there } = await turns()
  expect(here).toBeGreaterThan(there / 15)
  blocker.process.kill('SIGKILL')
  const killed = performance.now()
  await waiting
  expect(performance.now() - killed).toBeLessThan(1_000)
})

const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

/** The number of cycles of each of these processes in 2 s, each on its own name, at the same time. */
async function paces(children: readonly Child[]): Promise<number[]> {
  for (const child of children) child.tell('go')
  const cycles: number[] = []
  for (const child of children) {
    const [, count, lost] = await child.said('paced')
    expect(lost).toBe('0')
    cycles.push(Number(count))
  }
  return cycles
}

if (!hasCompiler) console.warn('left out without a C compiler on Linux: the slow disk')
test.runIf(hasCompiler)(
  'on a slow disk a process that writes checkpoints leaves the others their pace',
  async () => {
    const library = join(things.directory(), 'slow.so')
    const source = join(import.meta.dirname, 'slow-disk.c')
    expect(spawnSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']).status).toBe(0)
    Child.environment = { LD_PRELOAD: library }
    const directory = things.directory()
    const paced = [1, 2, 3, 4].map((index) => start(directory, 'pace', `name ${index}`, 2_000))
    const slow = start(directory, 'pace', 'slow', 2_000, 'checkpoint')
    for (const child of [...paced, slow]) await child.said('ready')
    const alone = await paces(paced)
    const beside = await paces([...paced, slow])
    console.log(`alone ${alone.join(' ')}, with the writer of checkpoints ${beside.join(' ')}`)
    for (const child of [...paced, slow]) child.tell('end')
    for (const child of [...paced, slow]) expect(await child.exited()).toBe(0)
    const fair = alone.reduce((sum, count) => sum + count, 0) / alone.length
    for (const count of beside.slice(0, 4)) expect(count).toBeGreaterThan(fair / 5)
    expect(beside[4]).toBeGreaterThan(3)
    const client = await open(directory)
    expect(await client.mutex('slow').readCheckpoint()).toBe(String(Number(beside[4]) - 1))
  },
)
