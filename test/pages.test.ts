// The pages of the documentation as a whole: every link leads somewhere, the front page stays short, and llms.txt and the ten
// questions name real places. test/docs.test.ts runs the code of the pages.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { llmsText, pages } from '../tools/llms.mjs'

const folders = ['.', 'docs', 'examples', 'bench']
const deeper = readdirSync('examples', { withFileTypes: true }).filter((entry) => entry.isDirectory())
const documents = [...folders, ...deeper.map(({ name }) => join('examples', name))].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
)

/** A document without its blocks of code, in which a # begins no heading. */
const proseOf = (document: string): string => readFileSync(document, 'utf8').replace(/^```.*?^```$/gms, '')

/** The anchors of a document, as GitHub and npm make them from its headings. */
function anchorsOf(document: string): Set<string> {
  const headings = [...proseOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  const text = (heading: string) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const slug = (heading: string) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '')
  return new Set(headings.map((heading) => slug(text(heading)).replaceAll(' ', '-')))
}

/** The links of a document that lead nowhere. */
function brokenLinks(document: string): string[] {
  const links = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => {
    if (/^(https?|mailto):/.test(link)) return false
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? document : normalize(join(dirname(document), path))
    if (!existsSync(target)) return true
    return anchor !== undefined && !anchorsOf(target).has(anchor)
  })
}

test.each(documents)('every link of %s leads to a file, and to a heading of it', (document) => {
  expect(brokenLinks(document)).toEqual([])
})

test('the front page has at most 120 lines, and one click leads from it to each page', () => {
  const readme = readFileSync('README.md', 'utf8')
  expect(readme.split('\n').length).toBeLessThanOrEqual(120)
  const missing = readdirSync('docs').filter(
    (file) => file.endsWith('.md') && !readme.includes(`docs/${file}`),
  )
  expect(missing).toEqual([])
})

test('every page begins with a title and a paragraph that says what it is about', () => {
  const wrong = pages().filter((page) => !/^# .+\n\n(?![#|]|```)\S/.test(readFileSync(page, 'utf8')))
  expect(wrong).toEqual([])
})

test('llms.txt lists each page with its title; npm run llms writes it', () => {
  const listed = (text: string) => text.match(/^- \[.*?\]\(.*?\)/gm)
  expect(listed(readFileSync('llms.txt', 'utf8'))).toEqual(listed(llmsText()))
})

test('there are ten questions, each with the place of its answer on the front page or one click away', () => {
  const rows = [...readFileSync('docs/questions.md', 'utf8').matchAll(/^\| (\d+)\. .*$/gm)]
  expect(rows.map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const readme = readFileSync('README.md', 'utf8')
  for (const [row] of rows) {
    const [, page = ''] = /\]\(([\w./-]+\.md)#[\w-]+\)/.exec(row) ?? []
    expect(page === '../README.md' || readme.includes(`docs/${page}`), row).toBe(true)
  }
})
