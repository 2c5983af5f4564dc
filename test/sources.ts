// The sources of the project as syntax trees, and their comments, for tests that read the code. Owns how they are
// read.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** One file of the code. */
export interface Source {
  readonly file: string
  readonly tree: ts.SourceFile
}

/** A comment. */
export interface Remark {
  /** Its place, as `file:line`. */
  readonly at: string
  readonly text: string
}

/** The file that `npm run wire` generates. No person reads it. */
export const generated = 'backends/etcd/wire/http2/proto/messages.ts'

/** Every source of the project, tests and tools included, and the generated file left out. */
export function readSources(): Source[] {
  const files = ['src', 'test', 'tools', 'bench'].flatMap(filesBelow)
  return files.filter((file) => !file.endsWith(generated)).map(parsed)
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mjs)$/.test(file))
    .map((file) => join(folder, file))
}

function parsed(file: string): Source {
  const kind = file.endsWith('.ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS
  const text = readFileSync(file, 'utf8')
  return { file, tree: ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind) }
}

/** All nodes of a tree, tokens included. */
export function nodesOf(tree: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    found.push(node)
    for (const child of node.getChildren(tree)) visit(child)
  }
  visit(tree)
  return found
}

/** The line of a position, from 1. */
export const lineOf = (tree: ts.SourceFile, position: number): number =>
  tree.getLineAndCharacterOfPosition(position).line + 1

/** The comments of a file. In a block of `//` lines each line is a comment of its own. */
export function commentsOf({ file, tree }: Source): Remark[] {
  const { text } = tree
  const ranges = nodesOf(tree)
    .filter((node) => node.getChildCount(tree) === 0)
    .flatMap(({ pos, end }) => [
      ...(ts.getLeadingCommentRanges(text, pos) ?? []),
      ...(ts.getTrailingCommentRanges(text, end) ?? []),
    ])
  const places = new Map(ranges.map(({ pos, end }) => [pos, end]))
  return [...places].map(([pos, end]) => ({ at: `${file}:${lineOf(tree, pos)}`, text: text.slice(pos, end) }))
}
