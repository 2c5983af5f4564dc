// Blocks of code in the documentation, for the tests that run them. Owns how they are found and compiled against the built
// package.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { tsc } from '../tools/compiler.mjs'

/** One block of code. */
export interface Block {
  readonly title: string
  readonly language: string
  readonly code: string
}

/** All blocks of a document. */
export function blocksOf(document: string): Block[] {
  const found = readFileSync(document, 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gms)
  return [...found].map(([, language = '', code = ''], index) => {
    return { title: `${document} ${index + 1}`, language, code }
  })
}

/** Whether a block runs only with a Redis, in test/cron/real/bullmq.test.ts. */
export function needsRedis({ code }: Block): boolean {
  return code.includes("from 'bullmq'")
}

/**
 * Compiles the blocks of TypeScript into a folder of that name in `.cache`, inside the package, so that 'leasehold' is this
 * package. Returns a function from a block to the path of its compiled program.
 */
export function compileBlocks(blocks: readonly Block[], name: string): (block: Block) => string {
  const folder = resolve('.cache', name)
  const path = ({ title }: Block, ending: string): string =>
    join(folder, `${title.replace(/[^a-z0-9]+/gi, '-')}.${ending}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const sources = blocks.filter(({ language }) => language === 'ts')
  for (const block of sources) writeFileSync(path(block, 'ts'), `${block.code}\nexport {}\n`)
  const target = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--module', 'nodenext']
  const types = ['--strict', '--types', 'node', '--skipLibCheck']
  const decorators = ['--experimentalDecorators', '--emitDecoratorMetadata'] // as Nest needs them
  const files = sources.map((block) => path(block, 'ts'))
  execFileSync(process.execPath, [tsc, '--ignoreConfig', ...target, ...types, ...decorators, ...files], {
    stdio: 'inherit', // so that the errors are seen
  })
  return (block) => path(block, 'js')
}
