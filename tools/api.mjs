// Reads the public surface of the package from the built declarations with the TypeScript compiler: the exports of
// each entry of package.json, without comments, as one text. `npm run api` writes it to test/api.snapshot.md, so that
// every change of the surface shows in a review; test/api.test.ts compares.
// @ts-check
import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')

/** The file with the last agreed surface. */
export const snapshot = join(root, 'test/api.snapshot.md')

/**
 * @typedef {object} Entrance
 * @property {string} name such as `leasehold/etcd`
 * @property {string[]} files the declaration files of this package that a user's compiler reads for it, relative to `dist`
 * @property {string[]} strays types of this package that its declarations mention and no entrance exports
 * @property {string} text its exports in words of TypeScript
 */

/**
 * Reads each entrance from `dist`, which has to be built.
 * @returns {Entrance[]}
 */
export function readEntrances() {
  const entrances = [...entrancesOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))]
  /** @type {Set<string>} */
  const published = new Set()
  const read = entrances.map(([name, file]) => {
    const { program, checker, exported } = open(file)
    /** @type {Set<string>} */
    const mentioned = new Set()
    for (const symbol of exported) published.add(originOf(symbol))
    const texts = exported.map((symbol) => textOf(checker, symbol, mentioned)).sort()
    return {
      name,
      files: filesOf(program),
      mentioned,
      text: `## ${name}\n\n\`\`\`text\n${texts.join('\n')}\`\`\`\n`,
    }
  })
  return read.map(({ name, files, mentioned, text }) => {
    const strays = [...mentioned].filter((place) => !published.has(place)).sort()
    return { name, files, strays, text }
  })
}

/**
 * The whole surface as the text of the snapshot.
 * @param {readonly Entrance[]} entrances
 */
export function surfaceText(entrances) {
  return `${heading}\n${entrances.map(({ text }) => text).join('\n')}`
}

/** @param {string} file */
function open(file) {
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
  }
  const program = ts.createProgram([file], { ...options, skipLibCheck: true, types: ['node'] })
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${file}: not there; run \`npm run build\` first`)
  const exported = checker.getExportsOfModule(module).map((symbol) => resolved(checker, symbol))
  return { program, checker, exported }
}

/**
 * A symbol's name and file, by which it is the same for each program.
 * @param {ts.Symbol} symbol
 */
function originOf(symbol) {
  const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? ''
  return `${symbol.name} in ${relative(join(root, 'dist'), file)}`
}

const heading = `# The public surface

What each entrance exports, by \`npm run api\`. A change here is a change for users: CHANGELOG.md tells them.
`

/**
 * The declaration file of each entrance that has one.
 * @param {{ name: string, exports: Record<string, string | { types: string }> }} manifest
 * @returns {Map<string, string>}
 */
function entrancesOf({ name, exports }) {
  const found = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : [/** @type {const} */ ([`${name}${path.slice(1)}`, join(root, target.types)])],
  )
  return new Map(found)
}

/**
 * The files of this package that a user's compiler reads.
 * @param {ts.Program} program
 */
function filesOf(program) {
  const dist = join(root, 'dist')
  const files = program.getSourceFiles().map(({ fileName }) => relative(dist, fileName))
  return files.filter((file) => !file.startsWith('..')).sort()
}

/**
 * The symbol itself, where another file exports it again.
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol} symbol
 */
function resolved(checker, symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/**
 * The declarations of one export, without comments; notes the types of this package that they mention.
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol} symbol
 * @param {Set<string>} mentioned
 */
function textOf(checker, symbol, mentioned) {
  const printer = ts.createPrinter({ removeComments: true })
  const declarations = symbol.declarations ?? []
  return declarations
    .map((declaration) => {
      note(checker, declaration, mentioned)
      return `${printer.printNode(ts.EmitHint.Unspecified, declaration, declaration.getSourceFile())}\n`
    })
    .join('')
}

/**
 * @param {ts.TypeChecker} checker
 * @param {ts.Node} node
 * @param {Set<string>} mentioned
 */
function note(checker, node, mentioned) {
  if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
    const symbol = checker.getSymbolAtLocation(ts.isTypeReferenceNode(node) ? node.typeName : node.expression)
    const type = symbol && resolved(checker, symbol)
    if (type?.declarations?.some(isOurs)) mentioned.add(originOf(type))
  }
  ts.forEachChild(node, (child) => note(checker, child, mentioned))
}

/**
 * Whether it is a type of this package, and no parameter of a generic one.
 * @param {ts.Declaration} declaration
 */
function isOurs(declaration) {
  const file = relative(join(root, 'dist'), declaration.getSourceFile().fileName)
  return !file.startsWith('..') && !ts.isTypeParameterDeclaration(declaration)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(snapshot, surfaceText(readEntrances()))
  process.stdout.write(`${relative(root, snapshot)} is up to date\n`)
}
