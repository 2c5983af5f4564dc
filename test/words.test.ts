// The words that make sentences of comments and pages hard to read. Owns the list of patterns, and how many hits each file
// may still have: test/words.json. A file that has fewer hits than that must have its number lowered.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commentsOf, readSources, type Source } from './sources.ts'

interface Pattern {
  readonly instead: string
  readonly pattern: RegExp
}

/** A sentence begins at the start of the text, or after the end of another one. */
const begin = String.raw`(?:^|[.:;!?]\s+)`

const patterns: readonly Pattern[] = [
  { instead: 'must, may or will', pattern: /\bshall\b/gi },
  { instead: 'nothing, or "still"', pattern: /\ball the same\b/gi },
  {
    instead: 'a noun as the subject: "a client that", "the holder"',
    pattern: new RegExp(`${begin}(?:Who|Whoever|Whom|Whomever|Whose)\\s+[\\w']+`, 'g'),
  },
  {
    instead: 'a noun: "a client that", "the holder"',
    pattern: /(?<=[\w,;:] )(?:whoever|whomever|whosoever|he who)\s+\w+/g,
  },
]

/** The comments of a source as running text: lines that follow each other are one text. */
function proseOf(source: Source): string[] {
  const found: string[] = []
  let end = -2
  for (const { at, text } of commentsOf(source)) {
    const line = Number(at.split(':')[1])
    const plain = text.replace(/^\s*(?:\/\/|\/\*\*?|\*\/|\*)\s?/gm, '').trim()
    if (text.startsWith('//') && line === end + 1) found.push(`${found.pop()} ${plain}`)
    else found.push(plain)
    end = text.startsWith('//') ? line : -2
  }
  return found
}

/** The paragraphs, points and cells of a page, without its code. */
function paragraphsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '')
  return text.split(/\n\s*\n|\n(?=[-|#\d])|\|/).map((part) => part.trim())
}

const pages = ['.', 'docs', 'bench'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
)
const texts = new Map([
  ...pages.map((page) => [page, paragraphsOf(page)] as const),
  ...readSources().map((source) => [source.file, proseOf(source)] as const),
])
// This file names the patterns.
texts.delete('test/words.test.ts')

function hitsOf(file: string, prose: readonly string[]): string[] {
  return prose.flatMap((text) =>
    patterns.flatMap(({ instead, pattern }) =>
      [...text.matchAll(pattern)].map(([hit]) => `${file}: "${hit.trim()}" (better: ${instead})`),
    ),
  )
}

const allowed: Record<string, number> = JSON.parse(readFileSync('test/words.json', 'utf8'))

test('no file has more hard words than it had, and none fewer than test/words.json says', () => {
  const hits = [...texts].map(([file, prose]) => ({ file, hits: hitsOf(file, prose) }))
  if (process.env.LEASEHOLD_WORDS)
    console.log(
      JSON.stringify(
        hits.filter((each) => each.hits.length > 0),
        null,
        1,
      ),
    )
  const wrong = hits.filter((each) => each.hits.length !== (allowed[each.file] ?? 0))
  expect(wrong.map((each) => ({ ...each, allowed: allowed[each.file] ?? 0 }))).toEqual([])
})
