// docs/observability.md lists what each event has. This test compares it with the types of src/api/events.ts.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source = readFileSync('src/api/events.ts', 'utf8')
const page = readFileSync('docs/observability.md', 'utf8')

/** Told once for all events, above the tables of the page. */
const common = ['store', 'client', 'name', 'kind']

/** The fields of an interface with those that it extends. */
function fieldsOf(type: string): string[] {
  const [, parent, body = ''] =
    new RegExp(`^export interface ${type}(?: extends (\\w+))? \\{\\n(.*?)^\\}`, 'ms').exec(source) ?? []
  const own = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field)
  return [...(parent ? fieldsOf(parent) : []), ...own]
}

const channels = [...source.matchAll(/^ {2}readonly '(leasehold:[\w.-]+)': (\w+)$/gm)]

test.each(channels.map(([, name = '', type = '']) => [name, type]))(
  'the page lists each field of %s, and no other',
  (name, type) => {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
    const [told = '', ...rest] = (row.split(' | ').at(-1) ?? '').split(':')
    expect(told).toBe(`\`${type}\``)
    const listed = rest
      .join(':')
      .replace(/\([^)]*\)/g, '')
      .matchAll(/`(\w+)`/g)
    const fields = fieldsOf(type).filter((field) => !common.includes(field))
    expect([...listed].map(([, field]) => field).sort()).toEqual(fields.sort())
  },
)

test('each channel of the types is on the page', () => {
  expect(channels).toHaveLength(10)
  for (const field of common) expect(page).toContain(`\`${field}\``)
})
