// The words that make comments, titles, error messages and pages hard to read. Owns the list of patterns. They are the
// floor only: a sentence without a hit can still be hard.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { commentsOf, readSources, type Source } from './sources.ts'

interface Pattern {
  readonly instead: string
  readonly pattern: RegExp
  /** A sentence that it must find. */
  readonly finds: string
}

/** The beginning of a sentence, or of a part after a semicolon. */
const begin = '(?<=^|[.;!?] )'
/** The rest of a sentence that is no question. */
const statement = '[^.?!]*(?:[.!]|$)'
const aNoun = 'a noun as the subject: "a client that", "the holder", "the value that"'

const patterns: readonly Pattern[] = [
  { instead: 'must, may or will', pattern: /\bshall\b/gi, finds: 'It shall end.' },
  { instead: 'still, or anyway', pattern: /\ball the same\b/gi, finds: 'It ends all the same.' },
  {
    instead: aNoun,
    pattern: new RegExp(`${begin}[Ww]h(?:o|om|ose|oever|omever)\\s+[\\w']+${statement}`, 'g'),
    finds: 'Who waits holds.',
  },
  {
    instead: aNoun,
    pattern: /\b(?:whoever|whomever|whosoever|(?:he|she|they|those|them|one|everyone|all) who)\b/gi,
    finds: 'It tells those who wait.',
  },
  {
    instead: aNoun,
    pattern: new RegExp(`${begin}[Ww]hat(?:ever)?\\s${statement}`, 'g'),
    finds: 'What holds is told.',
  },
  {
    instead: 'if',
    pattern: new RegExp(`${begin}Where\\s[\\w']+`, 'g'),
    finds: 'Where nobody holds it is free.',
  },
  {
    instead: 'the noun that "one", "those" or "such" stands for',
    pattern: new RegExp(`${begin}(?:One|Those|Such|Any|Each) (?:that|which|whose|as)\\b`, 'g'),
    finds: 'One that waits holds next.',
  },
  {
    instead: 'since, or because',
    pattern: /[,;] for (?:it|they|he|there|nothing|nobody|else)\b/g,
    finds: 'Stop, for it is lost.',
  },
  {
    instead: 'only',
    pattern: /\b(?:none|nothing|nobody|no one|no other \w+) but\b/gi,
    finds: 'It has none but these.',
  },
  { instead: 'the noun', pattern: /\bthat (?:of )?which\b/gi, finds: 'It has that which it had.' },
  { instead: 'as well as, next to, meanwhile', pattern: /\bbeside\b/gi, finds: 'It stands beside it.' },
  {
    instead: 'shows, reports or says',
    pattern: /\b(?:tells?|told|telling) of\b/gi,
    finds: 'It tells of a loss.',
  },
  { instead: 'learns of, or gets', pattern: /\b(?:hears?|heard) of\b/gi, finds: 'It hears of a loss.' },
  {
    instead: 'becomes, or the result',
    pattern: /\b(?:became|becomes?|what came|comes?) of (?:it|a|an|the|each|one)\b/gi,
    finds: 'What became of it?',
  },
  {
    instead: 'a word of today',
    pattern:
      /\b(?:whence|lest|thereof|whereof|naught|aught|ere|therein|wherein|whereupon|hitherto|henceforth|befalls?|befell|amiss|untold)\b/gi,
    finds: 'Wait, lest it ends.',
  },
  {
    instead: 'the owner first: "line.ts reads the answers"',
    pattern: /\b(?:is|are|was) [\w./-]+(?:'s|s')(?=[.,;:)]|$)/g,
    finds: "What it means is hold.ts's.",
  },
  {
    instead: 'the owner first: "line.ts decides"',
    pattern: /\b(?:is|are) for [\w./-]+(?:\.ts)? to (?:say|know|tell|decide|judge)\b/g,
    finds: 'That is for line.ts to say.',
  },
  {
    instead: 'the subject before the verb',
    pattern: /(?:^|[.;] )(?:Nor|Neither|Never|Should|Were|Had) (?:is|are|was|does|do|did|it|they|the|a) \w+/g,
    finds: 'Should it end, it is lost.',
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

const isText = (node: ts.Node | undefined): node is ts.StringLiteralLike | ts.TemplateExpression =>
  node !== undefined && (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node))

/** The node that holds the title of a test or the message of an error, if the node has one. */
function messageOf(node: ts.Node): ts.Node | undefined {
  if (ts.isPropertyAssignment(node)) return node.name.getText() === 'title' ? node.initializer : undefined
  if (ts.isNewExpression(node))
    return /Error$/.test(node.expression.getText()) ? node.arguments?.[0] : undefined
  if (!ts.isCallExpression(node)) return undefined
  return /^(?:test|describe|it)\b/.test(node.expression.getText()) ? node.arguments[0] : undefined
}

/** The titles of tests and the messages of errors in a source. */
function messagesOf({ tree }: Source): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    const message = messageOf(node)
    if (isText(message)) found.push(message.getText().slice(1, -1))
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** The paragraphs, points and cells of a page, without its code. */
function paragraphsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '')
  return text.split(/\n\s*\n|\n(?=[-|#\d])|\|/)
}

const pages = ['.', 'docs', 'bench'].flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file)),
)

const hitsIn = (text: string): string[] =>
  patterns.flatMap(({ instead, pattern }) =>
    [...text.matchAll(pattern)].map(([hit]) => `"${hit.trim()}" (better: ${instead})`),
  )

function hitsOf(file: string, texts: readonly string[]): string[] {
  return texts.flatMap((text) => hitsIn(text.replace(/\s+/g, ' ').trim()).map((hit) => `${file}: ${hit}`))
}

test.each(patterns)('the patterns find: $finds', ({ pattern, finds }) => {
  expect([...finds.matchAll(pattern)]).toHaveLength(1)
})

test('no page has a hard word', () => {
  expect(pages.flatMap((page) => hitsOf(page, paragraphsOf(page)))).toEqual([])
})

// Read before the tests begin: on a busy machine that takes long. This file itself names the patterns.
const texts = readSources()
  .filter(({ file }) => file !== 'test/words.test.ts')
  .map((source) => ({ file: source.file, found: [...proseOf(source), ...messagesOf(source)] }))

test('no comment, test title or error message has a hard word', () => {
  expect(texts.flatMap(({ file, found }) => hitsOf(file, found))).toEqual([])
})
