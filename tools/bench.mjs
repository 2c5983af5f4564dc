// @ts-check
// `npm run bench -- all | calls | consul | …`, see `names`: builds what changed and runs one bench. Owns the command line; the
// measurements are in bench/.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tsc } from './compiler.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const names = ['all', 'calls', 'consul', 'etcd', 'file', 'memory', 'peers', 'scale', 'shapes', 'start']
const scaled = ['all', 'scale']
const clustered = ['consul', 'etcd']
const usage = `usage: npm run bench -- ${names.join(' | ')} [--json] [--cluster] [--list] [--small] [--only WORD]
  --json     one JSON document instead of the table
  --cluster  consul and etcd only: three servers instead of one
  --list     calls only: each function with how often it was called
  --small    all and scale only: smaller sizes
  --only     scale only: the series whose store and size have these words, such as 'consul permits'`

const { name, ...options } = readArguments()
if (isStale()) build()
const { default: bench } = await import(`../bench/${name}.mjs`)
process.stdout.write(await bench(options))

function readArguments() {
  try {
    const flag = /** @type {const} */ ({ type: 'boolean', default: false })
    const { values, positionals } = parseArgs({
      options: { json: flag, cluster: flag, list: flag, small: flag, only: { type: 'string' } },
      allowPositionals: true,
    })
    const [name = '', ...rest] = positionals
    if (!names.includes(name) || rest.length > 0) throw new Error('which bench?')
    if (values.cluster && !clustered.includes(name)) throw new Error('--cluster goes with consul and etcd')
    if (values.list && name !== 'calls') throw new Error('--list goes with calls')
    if (values.small && !scaled.includes(name)) throw new Error('--small goes with all and scale')
    if (values.only && name !== 'scale') throw new Error('--only goes with scale')
    return { name, ...values }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}\n`)
    process.exit(64)
  }
}

/** Whether a file in src is newer than the build. */
function isStale() {
  const built = join(root, 'dist', 'index.js')
  if (!existsSync(built)) return true
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  const newest = Math.max(...files.map((file) => statSync(join(root, 'src', file)).mtimeMs))
  return newest > statSync(built).mtimeMs
}

function build() {
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'pipe' })
    execFileSync(process.execPath, ['tools/bundle.mjs'], { cwd: root, stdio: 'pipe' })
  } catch (error) {
    const { stdout } = /** @type {{ stdout?: Buffer }} */ (error)
    process.stderr.write(`src does not compile; nothing is measured\n${stdout ?? error}`)
    process.exit(1)
  }
}
