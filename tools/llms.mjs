// `npm run llms` writes llms.txt: a line for each page of the documentation, for programs that read it. A test checks that
// the file is up to date. Owns how a page is shortened to a line.
// @ts-check
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** The pages: those of the README in its order, then the others of docs/. */
export function pages() {
  const linked = [...readFileSync('README.md', 'utf8').matchAll(/\]\(((?:docs|examples)\/[\w-]+\.md)\)/g)]
  const others = readdirSync('docs').filter((file) => file.endsWith('.md'))
  return [...new Set([...linked.map(([, path = '']) => path), ...others.map((file) => `docs/${file}`)])]
}

/** The text of llms.txt. */
export function llmsText() {
  const [, summary = ''] = /^# .*?\n\n(.*?)\n\n/s.exec(readFileSync('README.md', 'utf8')) ?? []
  const lines = pages().map((path) => {
    const text = readFileSync(path, 'utf8')
    const [, title = '', first = ''] = /^# (.*?)\n\n(.*?)(?:\n\n|$)/s.exec(text) ?? []
    return `- [${title}](${path}): ${sentence(first)}`
  })
  return `# Leasehold\n\n> ${summary.replaceAll('\n', ' ')}\n\n## Pages\n\n${lines.join('\n')}\n`
}

/**
 * The first sentence of a paragraph.
 * @param {string} paragraph
 */
function sentence(paragraph) {
  const text = paragraph.replace(/\s+/g, ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  return /^.*?[.?:](?= |$)/.exec(text)?.[0].replace(/:$/, '.') ?? text
}

if (fileURLToPath(import.meta.url) === argv[1]) writeFileSync('llms.txt', llmsText())
