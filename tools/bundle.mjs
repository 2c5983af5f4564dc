// `node tools/bundle.mjs [folder]`: the program `leasehold` in a few files, since each file costs time at each start. Owns what
// is in the bundle, and the licences of the packages in it. The library is not bundled: tsc writes it.
//
// The files are CommonJS. Node reads such a file in one step; a file of ESM goes through a loader of its own, with a wait for
// each read. A program without any ESM does not even start that loader, so the driver is loaded by `require`, too.
// @ts-check
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

/** These stay packages: a driver with binaries, and clients that only callers of the library hand in. */
const external = ['consul', 'etcd3', 'libsql']

/** The page of `leasehold ui`. Browsers get its files as they are. */
const pageFolder = 'src/cli/ui/page'

/** @param {string} path */
const isServed = (path) => !path.endsWith('.json') // the settings of the type check

/** The programs. Each is bundled alone: the guardian must not wait for code of the other one to load. */
const programs = {
  main: 'src/cli/main.ts',
  'guardian-main': 'src/cli/process/guardian-main.ts',
}

/**
 * Writes the programs to a folder, and nothing else stays there. Throws on a warning: for example if a package was not found.
 * @param {string} folder
 */
export async function bundle(folder) {
  rmSync(folder, { recursive: true, force: true })
  /** @type {Set<string>} */
  const bundled = new Set()
  for (const [name, file] of Object.entries(programs)) {
    const build = await rolldown({
      cwd: root,
      input: { [name]: file },
      platform: 'node',
      external,
      transform: { target: 'es2022' },
      onLog(level, { message }) {
        if (level === 'warn') throw new Error(message)
      },
    })
    const { output } = await build.write({
      dir: folder,
      format: 'cjs',
      dynamicImportInCjs: false,
      comments: { legal: true, annotation: false, jsdoc: false },
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
    })
    await build.close()
    for (const chunk of output) if (chunk.type === 'chunk') for (const id of chunk.moduleIds) bundled.add(id)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n') // that of the library says "module"
  cpSync(join(root, pageFolder), join(folder, 'page'), { recursive: true, filter: isServed })
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences([...bundled]))
}

/**
 * The licences of the packages that have a file in the bundle: their texts must go with every copy.
 * @param {string[]} files
 */
function licences(files) {
  const folders = new Set(files.flatMap((file) => packageOf(file) ?? []))
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find((each) => /^(license|licence|copying)([.-]|$)/i.test(each))
    if (!file) throw new Error(`${folder}: no file with the licence of ${name}`)
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
  })
  return `The program leasehold contains code of these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

/**
 * The folder of the package that a file belongs to; undefined for our own files.
 * @param {string} file
 */
function packageOf(file) {
  return /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.replaceAll('\\', '/'))?.[1]
}

if (process.argv[1] === import.meta.filename) await bundle(resolve(process.argv[2] ?? join(root, 'dist/cli')))
