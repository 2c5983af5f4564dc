// The rules of CONTRIBUTING.md that a program can check: comments name existing files and symbols, exports have
// docstrings, long functions have a reason, and the map of ARCHITECTURE.md shows the real folders.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { commentsOf, lineOf, nodesOf, readSources, type Source } from './sources.ts'

const functionLinesMost = 25

const sources = readSources()
const production = sources.filter(({ file }) => file.startsWith('src/'))
const code = new Set(sources.flatMap(wordsOfCode))

/** Words in comments that are code of others: of Go's client libraries, of node-cron, of the shell. */
const foreign = new Set(['concurrency', 'setRunCoordinator', 'tee'])

/** Every identifier of the code, and every word in its strings. */
function wordsOfCode({ tree }: Source): string[] {
  return nodesOf(tree).flatMap((node) => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) return [node.text.replace('#', '')]
    return ts.isLiteralExpression(node) ? (node.text.match(/\w+/g) ?? []) : []
  })
}

const comments = sources.flatMap(commentsOf)

/**
 * The file names in a text that match no file, or several. A name means the one file whose path ends with it or, if
 * there are several, the one in the folder of the text.
 */
function unclearFiles(text: string, folder: string): string[] {
  const names = text.match(/[\w./-]*[\w-]\.(?:ts|mjs)\b/g) ?? []
  const isClear = (name: string): boolean => {
    const path = name.replace(/^[./]+/, '')
    const files = sources.filter(({ file }) => file === path || file.endsWith(`/${path}`))
    return files.length === 1 || existsSync(join(folder, path))
  }
  return names.filter((name) => !isClear(name))
}

/** The symbols in backticks with a part that is in no code. */
function missingSymbols(text: string): string[] {
  const symbols = text.matchAll(/`([A-Za-z_][\w.]*)(?:\([^`]*\))?`/g)
  const isKnown = (word: string): boolean => code.has(word) || foreign.has(word) || word in globalThis
  return [...symbols].map(([, symbol = '']) => symbol).filter((symbol) => !symbol.split('.').every(isKnown))
}

test('the check has enough input: sources, comments and words', () => {
  expect(production.length).toBeGreaterThan(100)
  expect(comments.length).toBeGreaterThan(1_000)
})

test('a file name in a comment means exactly one file', () => {
  const wrong = comments.flatMap(({ at, text }) =>
    unclearFiles(text, dirname(at)).map((name) => `${at} names ${name}`),
  )
  expect(wrong).toEqual([])
})

test('every symbol in backticks in a comment exists in the code', () => {
  const wrong = comments.flatMap(({ at, text }) => missingSymbols(text).map((name) => `${at} names ${name}`))
  expect(wrong).toEqual([])
})

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docs()])(
  'a file name in %s means exactly one file',
  (document) => {
    // `<name>` stands for any name.
    expect(unclearFiles(readFileSync(document, 'utf8').replace(/\S*<\w+>\S*/g, ''), 'src')).toEqual([])
  },
)

function docs(): string[] {
  const files = readdirSync('docs').filter((file) => file.endsWith('.md'))
  return files.map((file) => join('docs', file))
}

function isExported(node: ts.Node): boolean {
  if (!ts.canHaveModifiers(node)) return false
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

test('every export of the source has a docstring', () => {
  const silent = production.flatMap(({ file, tree }) =>
    tree.statements
      .filter((node) => isExported(node) && ts.getJSDocCommentsAndTags(node).length === 0)
      .map((node) => `${file}:${lineOf(tree, node.getStart(tree))}`),
  )
  expect(silent).toEqual([])
})

/** The lines of a function's body, from brace to brace. */
function linesOf(tree: ts.SourceFile, node: ts.Node): number {
  const body = ts.isFunctionLike(node) && 'body' in node ? node.body : undefined
  if (!body || !ts.isBlock(body as ts.Node)) return 0
  const { end } = body as ts.Block
  return lineOf(tree, end) - lineOf(tree, (body as ts.Block).getStart(tree)) + 1
}

const isLong = (tree: ts.SourceFile, node: ts.Node): boolean => linesOf(tree, node) > functionLinesMost

test('a function of more than 25 lines has a comment that begins with "Long:" and says why', () => {
  const wrong = production.flatMap(({ file, tree }) =>
    nodesOf(tree)
      .filter((node) => isLong(tree, node) && !ts.findAncestor(node.parent, (outer) => isLong(tree, outer)))
      .filter((node) => !/(\/\/|\*) Long: .{10}/.test(node.getFullText(tree)))
      .map((node) => `${file}:${lineOf(tree, node.getStart(tree))} has ${linesOf(tree, node)} lines`),
  )
  expect(wrong).toEqual([])
})

/** The map of ARCHITECTURE.md, and the paths of files and folders at the beginning of its lines. */
function pathsOfMap(): string[] {
  const map = /## The map\n.*?```text\n(.*?)```/s.exec(readFileSync('ARCHITECTURE.md', 'utf8'))?.[1] ?? ''
  let room = ''
  return map.split('\n').flatMap((line) => {
    const [, indent = '', text = ''] = /^([ │]*)(.*)$/.exec(line) ?? []
    const paths = text.match(/[\w/-]+(?:\.ts|\/)(?=[\s:,]|$)/g) ?? []
    if (indent.length <= 2 && paths[0]) room = paths[0]
    return paths.map((path) => (existsSync(join('src', path)) ? path : room + path))
  })
}

test('every file and folder on the map of ARCHITECTURE.md exists', () => {
  expect(pathsOfMap().length).toBeGreaterThan(20)
  expect(pathsOfMap().filter((path) => !existsSync(join('src', path)))).toEqual([])
})

test('the map of ARCHITECTURE.md shows every folder of src, and every loose file but index.ts', () => {
  const shown = new Set(pathsOfMap().map((path) => path.replace(/\/$/, '')))
  const rooms = readdirSync('src').filter((name) => name !== 'index.ts')
  const backends = readdirSync('src/backends').map((name) => `backends/${name}`)
  expect([...rooms, ...backends].filter((name) => !shown.has(name))).toEqual([])
})
