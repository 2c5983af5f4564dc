// The files in the package, so that none is added or lost unseen, and the settings that a release relies on.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

interface Packed {
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Every kind of file that the package has. A file that fits none of these patterns does not belong into it. */
const kinds: readonly RegExp[] = [
  /^package\.json$/,
  /^README\.md$/,
  /^LICENSE$/,
  /^llms\.txt$/,
  /^man\/leasehold\.1$/,
  /^docs\/[\w-]+\.md$/,
  /^examples\/README\.md$/,
  /^examples\/[\w-]+\/(src\/)?[\w.-]+\.(ts|js|mjs|md|json|sh|sql|yml|yaml|crontab)$/,
  /^src\/([\w-]+\/)*[\w-]+\.(ts|proto)$/,
  /^src\/cli\/ui\/page\/[\w-]+\.(mjs|css|html|svg|json)$/,
]
/** The kinds that a build makes. */
const built: readonly RegExp[] = [
  /^dist\/(?!cli\/)([\w-]+\/)*[\w-]+\.(js|js\.map|d\.ts|d\.ts\.map)$/,
  /^dist\/cli\/(main|guardian-main|[\w-]+)\.js$/,
  /^dist\/cli\/page\/[\w-]+\.(mjs|css|html|svg)$/,
  /^dist\/cli\/package\.json$/,
  /^dist\/cli\/THIRD-PARTY-LICENSES\.txt$/,
]

const [packed] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }),
) as [Packed]
const paths = packed.files.map(({ path }) => path)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

test('the package has no file of an unknown kind', () => {
  expect(paths.filter((path) => ![...kinds, ...built].some((kind) => kind.test(path)))).toEqual([])
})

test('the package has files of each kind that is not built', () => {
  expect(kinds.filter((kind) => !paths.some((path) => kind.test(path))).map(String)).toEqual([])
})

test('the package has each page of docs and each source', () => {
  const pages = readdirSync('docs').filter((name) => name.endsWith('.md'))
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  const expected = [...pages.map((name) => `docs/${name}`), ...sources.map((name) => `src/${name}`)]
  expect(expected.filter((path) => !paths.includes(path))).toEqual([])
})

test('a new build is packed whole: each file that package.json names, and JavaScript for each source', () => {
  const names = JSON.stringify([manifest.bin, manifest.exports]).match(/dist\/[\w./-]+/g) ?? []
  expect(names.length).toBeGreaterThan(10)
  if (!process.env.LEASEHOLD_DIST_IS_NEW) return // then dist may be old, or missing
  expect(names.filter((name) => !paths.includes(name))).toEqual([])
  expect(built.filter((kind) => !paths.some((path) => kind.test(path))).map(String)).toEqual([])
})

test('the package has less than 8 MB', () => {
  expect(packed.unpackedSize).toBeLessThan(8 * 2 ** 20)
})

test('an install has no binaries: libsql is an optional peer, in the version that the error names', () => {
  expect(manifest.optionalDependencies).toBeUndefined()
  expect(manifest.peerDependenciesMeta.libsql).toEqual({ optional: true })
  const driver = readFileSync('src/backends/file/driver.ts', 'utf8')
  const [, version] = /npm install libsql@(\d+\.\d+)/.exec(driver) ?? []
  expect(manifest.peerDependencies.libsql).toMatch(new RegExp(`^\\^${version?.replace('.', '\\.')}\\.`))
})

test('a release is published by its workflow after the tests, with provenance', () => {
  const { on, jobs } = parse(readFileSync('.github/workflows/release.yml', 'utf8'))
  expect(on).toEqual({ push: { tags: ['v*'] } })
  expect(jobs.publish.needs).toBe('test')
  expect(jobs.publish.permissions['id-token']).toBe('write')
  expect(jobs.publish.steps.at(-1).run).toBe('npm publish --provenance --access public')
  const tested = parse(readFileSync('.github/workflows/test.yml', 'utf8')).jobs.test.strategy
  expect(jobs.test.strategy.matrix).toEqual(tested.matrix)
  expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true })
  expect(existsSync('.npmrc')).toBe(false)
})
