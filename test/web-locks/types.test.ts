// The types of web locks and those of lib.dom fit each other, checked by the compiler as a user's program with "lib": "dom"
// would be.
import { join, resolve } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

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
  const file = join(resolve('.cache'), 'web-locks-types.ts')
  const options: ts.CompilerOptions = {
    ...{ lib: ['lib.es2023.d.ts', 'lib.es2024.string.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'] },
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, strict: true, noEmit: true },
    ...{ allowImportingTsExtensions: true, skipLibCheck: true, types: ['node'] },
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  const given = ts.createSourceFile(file, program, ts.ScriptTarget.ES2022, true)
  host.getSourceFile = (name, ...rest) => (name === file ? given : getSourceFile.call(host, name, ...rest))
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? program : readFile(name))
  const compiled = ts.createProgram([file], options, host)
  const wrong = [...compiled.getSyntacticDiagnostics(given), ...compiled.getSemanticDiagnostics(given)]
  expect(wrong.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})
