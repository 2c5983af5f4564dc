// `npm run newcomer`: tries the packed package as a new user would, with several versions of Node and several tools, and
// writes the table of docs/bundlers.md. Owns the order of the steps; tools/newcomer/ has the ways and the programs.
// @ts-check
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, install, main } from './install.mjs'
import { nodes, tryWay } from './newcomer/cell.mjs'
import { packages, ways } from './newcomer/ways.mjs'

const page = 'docs/bundlers.md'
const [begin, end] = ['<!-- Written by npm run newcomer. -->', '<!-- The end of the table. -->']

await main(async () => {
  install()
  build()
  const home = mkdtempSync(join(tmpdir(), 'leasehold-newcomer-'))
  try {
    writeTable(tryAll(home))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

/**
 * Tries each way with each Node. Returns the lines of the table.
 * @param {string} home an empty folder
 */
function tryAll(home) {
  const folder = join(home, 'project')
  cpSync('tools/newcomer/project', folder, { recursive: true })
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', home]
  const tarball = execFileSync('npm', pack, { encoding: 'utf8' }).trim()
  npm(folder, ['install', join(home, tarball), ...packages])
  const programs = nodes.map((version) => nodeProgram(home, version))
  const heads = programs.map((node) =>
    execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1),
  )
  const rows = ways.map((way) => {
    const cells = programs.map((node) => tryWay(folder, node, way))
    console.log(`${way.name}: ${cells.join(', ')}`)
    return `| ${way.name} | ${way.needs} | ${cells.join(' | ')} |`
  })
  const columns = heads.map((version) => `Node ${version}`)
  return [`| | It needs | ${columns.join(' | ')} |`, `| --- |${' --- |'.repeat(heads.length + 1)}`, ...rows]
}

/**
 * Installs a Node of this version, and returns the path of its program.
 * @param {string} home
 * @param {string} version
 */
function nodeProgram(home, version) {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(home, `node-${version}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{}')
  npm(folder, ['install', `${name}@${version}`])
  return join(folder, 'node_modules', name, 'bin', 'node')
}

/** @param {string} cwd @param {string[]} args */
function npm(cwd, args) {
  execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], { cwd, stdio: 'inherit' })
}

/** @param {string[]} lines */
function writeTable(lines) {
  const text = readFileSync(page, 'utf8')
  const [before, rest = ''] = text.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`${page} has no place for the table: ${begin} … ${end}`)
  writeFileSync(page, `${before}${begin}\n\n${lines.join('\n')}\n\n${end}${after}`)
  const failed = lines.join('\n').split('✗').length - 1
  console.log(`${page} has the table; ${failed} cells failed`)
  if (failed > 0) process.exitCode = 1
}
