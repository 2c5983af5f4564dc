// The types of web locks and those of lib.dom fit each other, checked by the compiler as a user's program with "lib": "dom"
// would be.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { tsc } from '../../tools/compiler.mjs'

const program = `
import { webLocks, type WebLocks } from '${resolve('src/web-locks/index.ts')}'
declare const made: ReturnType<typeof webLocks>
const locks: LockManager = made
const work = (lock: Lock | null): number => lock?.name.length ?? 0
const options: LockOptions = { mode: 'shared', ifAvailable: false }
const count: Promise<number> = made.request('a', options, work)
const nested: Promise<number> = made.request('a', async (lock) => Number(lock?.token))
const text: Promise<string> = locks.request('a', () => Promise.resolve('text'))
const snapshot: Promise<LockManagerSnapshot> = made.query()
const either: WebLocks | LockManager = locks
// @ts-expect-error: no such mode
made.request('a', { mode: 'none' }, work)
// @ts-expect-error: the callback is missing
made.request('a', options)
export { count, nested, text, snapshot, either }
`

test('a LockManager of lib.dom can be one of ours, with its options and callbacks', () => {
  const file = resolve('.cache', 'web-locks-types.ts')
  mkdirSync(resolve('.cache'), { recursive: true })
  writeFileSync(file, program)
  const lib = ['--lib', 'es2023,es2024.string,esnext.disposable,dom']
  const module = ['--module', 'nodenext', '--target', 'es2022', '--allowImportingTsExtensions']
  const checks = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--types', 'node']
  const compiled = spawnSync(process.execPath, [tsc, ...checks, ...lib, ...module, file], {
    encoding: 'utf8',
  })
  expect(compiled.error).toBeUndefined()
  expect(compiled.stderr).toBe('')
  // A user compiles against our declarations, never against our sources with "dom".
  const ofTheProgram = compiled.stdout.split('\n').filter((line) => !line.startsWith('src/'))
  expect(ofTheProgram).toEqual([''])
})
