// Leasehold as JavaScript, for tests that run it in other processes. Owns the build: one for each state of the
// sources, shared by all test files. `dist` is used only if `npm test` says that it has just built it: otherwise it may
// be old, or another process may be building it now.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tsc } from '../tools/compiler.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Type errors are found by `npm run check`, not here. */
const quick = [
  '--noCheck',
  '--declaration',
  'false',
  '--declarationMap',
  'false',
  '--isolatedDeclarations',
  'false',
]

/**
 * The folder with the compiled package, `dist/` and package.json. Compiles, in a second or two, if no test has done so
 * for these sources. Throws with the compiler's output if it cannot. The folder stays; only read it.
 */
export function builtPackage(): string {
  const home = join(root, '.cache', 'built', sourcesHash())
  if (!existsSync(home)) build(home)
  return home
}

/** Builds in another folder first, so that other processes see the whole build or none. */
function build(home: string): void {
  const draft = `${home}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  if (process.env.LEASEHOLD_DIST_IS_NEW) cpSync(join(root, 'dist'), join(draft, 'dist'), { recursive: true })
  else compile(join(draft, 'dist'))
  copyFileSync(join(root, 'package.json'), join(draft, 'package.json'))
  try {
    renameSync(draft, home)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(home)) throw error // otherwise another process was first
  }
}

/** Costs 5 s of processor time. Several test files that begin at once all do it. */
function compile(outDir: string): void {
  mustRun([tsc, '-p', join(root, 'tsconfig.build.json'), ...quick, '--outDir', outDir])
  mustRun([join(root, 'tools', 'bundle.mjs'), join(outDir, 'cli')])
}

function mustRun(args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`src does not compile; see npm run check\n${stdout}${stderr}`)
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const file of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'tools/bundle.mjs'])
    hash.update(readFileSync(join(root, file)))
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name))
  for (const path of paths.sort()) hash.update(path).update(readFileSync(path))
  return hash.digest('hex').slice(0, 16)
}
