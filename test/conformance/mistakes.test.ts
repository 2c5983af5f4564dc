// The suite for backends must find the mistakes that their authors make: each mistake of tools/mutants/foreign.mjs, in a
// copy of the backend in memory, fails the case that is named for it.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { BackendSource } from '../../src/contract.ts'
import { backendConformance } from '../../src/testing/index.ts'
import { ofForeigners } from '../../tools/mutants/foreign.mjs'

const folder = '.cache/mistakes'
rmSync(folder, { recursive: true, force: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The backend in memory with one mistake, which shares all other code with the suite. */
async function mistaken({ name, file, find, put }: (typeof ofForeigners)[number]): Promise<BackendSource> {
  const copy = join(folder, name)
  mkdirSync(copy, { recursive: true })
  cpSync('src/backends/memory', copy, { recursive: true })
  const parts = readFileSync(file, 'utf8').split(find)
  expect(parts, `places in ${file} like that`).toHaveLength(2)
  writeFileSync(join(copy, file.replace(/.*\//, '')), parts.join(put))
  for (const each of readdirSync(copy)) {
    const text = readFileSync(join(copy, each), 'utf8')
    const here = text
      .replaceAll("from '../../", `from '${resolve('src')}/`)
      .replaceAll("from '../shared", `from '${resolve('src/backends/shared')}`)
    writeFileSync(join(copy, each), here)
  }
  const { memory } = await import(resolve(copy, 'index.ts'))
  return memory()
}

test('there are nineteen mistakes, and each is in the memory backend', () => {
  expect(ofForeigners).toHaveLength(19)
  expect(new Set(ofForeigners.map(({ name }) => name)).size).toBe(19)
})

test.concurrent.each(ofForeigners)('$name fails "$case"', async (mistake) => {
  const cases = await backendConformance(await mistaken(mistake))
  const named = cases.find(({ title }) => title === mistake.case)
  expect(named, 'the case with this title').toBeDefined()
  await expect(named?.run()).rejects.toThrow()
})
