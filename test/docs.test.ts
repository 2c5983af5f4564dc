// Every block of code in the documentation is compiled and run: as `ts` against the built package, as `sh` with the
// built command on the PATH. Anything else belongs into a `text` block.
import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Block {
  readonly title: string
  readonly language: string
  readonly code: string
}

const run = promisify(execFile)
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/cron.md',
  'docs/leaders.md',
  'bench/README.md',
]
const blocks = documents.flatMap(blocksOf)
const scripts = resolve('.cache/docs') // inside the package, so that 'leasehold' is this package
const home = mkdtempSync(join(tmpdir(), 'leasehold-docs-'))
const environment = {
  ...process.env,
  LEASEHOLD_URL: `file:${join(home, 'locks')}`,
  PATH: `${home}${delimiter}${process.env.PATH}`,
}

function blocksOf(document: string): Block[] {
  const found = readFileSync(document, 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)
  return [...found].map(([, language = '', code = ''], index) => {
    return { title: `${document} ${index + 1}`, language, code }
  })
}

const fileOf = ({ title }: Block): string => `${title.replace(/[^a-z0-9]+/gi, '-')}`

beforeAll(() => {
  rmSync(scripts, { recursive: true, force: true })
  mkdirSync(scripts, { recursive: true })
  const sources = blocks.filter(({ language }) => language === 'ts')
  for (const block of sources)
    writeFileSync(join(scripts, `${fileOf(block)}.ts`), `${block.code}\nexport {}\n`)
  const options = [
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
    '--module',
    'nodenext',
    '--strict',
  ]
  const files = sources.map((block) => join(scripts, `${fileOf(block)}.ts`))
  const types = ['--types', 'node', '--skipLibCheck']
  execFileSync('npx', ['--no-install', 'tsc', '--ignoreConfig', ...options, ...types, ...files], {
    stdio: 'inherit', // so that the errors are seen
  })
  const shim = join(home, 'leasehold')
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"\n`)
  chmodSync(shim, 0o755)
}, 60_000)

afterAll(() => rmSync(home, { recursive: true }))

test('every block is of a kind that is run, or says that it is only text', () => {
  expect(
    blocks.map(({ language }) => language).filter((name) => !['ts', 'sh', 'text'].includes(name)),
  ).toEqual([])
})

test.each(blocks.filter(({ language }) => language === 'ts'))(
  '$title runs and ends by itself',
  async (block) => {
    await run(process.execPath, [join(scripts, `${fileOf(block)}.js`)], { env: environment, timeout: 20_000 })
  },
)

test.each(blocks.filter(({ language }) => language === 'sh'))('$title works in a shell', async ({ code }) => {
  await run('sh', ['-euc', code], { env: environment, cwd: home, timeout: 20_000 })
})
