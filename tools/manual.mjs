// `npm run manual`: writes the reference of docs/command.md and the man page from the definitions of the command. Owns how the
// sources are loaded for that; src/cli/reference/ makes the texts. A test fails if they are not up to date.
// @ts-check
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

const cwd = fileURLToPath(new URL('..', import.meta.url))
const input = {
  program: 'src/cli/program.ts',
  man: 'src/cli/reference/man.ts',
  markdown: 'src/cli/reference/markdown.ts',
}
const build = await rolldown({ cwd, input, platform: 'node', external: ['consul', 'etcd3', 'libsql'] })
const folder = resolve('.cache/reference') // two folders below package.json, as the program expects it
await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].js' })
await build.close()
const load = (/** @type {string} */ name) => import(pathToFileURL(join(folder, `${name}.js`)).href)
const [{ wholeProgram }, { manOf }, { markdownOf, withReference }] = await Promise.all(
  Object.keys(input).map(load),
)
const program = await wholeProgram()
const page = 'docs/command.md'
writeFileSync(page, withReference(readFileSync(page, 'utf8'), markdownOf(program)))
mkdirSync('man', { recursive: true })
writeFileSync('man/leasehold.1', manOf(program))
