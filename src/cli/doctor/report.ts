// Shows the findings of `leasehold doctor`, to people and to programs. Owns the layout and the shape of the JSON document, which
// docs/command.md describes.
import { arch, platform, release } from 'node:os'
import type { Finding, Level } from '../../base/finding.ts'
import { printable } from '../../base/printable.ts'
import type { Diagnosis } from './diagnosis.ts'

/** How many characters one text of a finding has at most. */
const textMost = 600

/** The parts of a report that do not come from the store. */
export interface Setting {
  /** The version of Leasehold. */
  readonly version: string
  /** The source of the URL: `--url`, `LEASEHOLD_URL` or `default`. */
  readonly from: string
}

/** Whether nothing is broken. Warnings do not count. */
export function isHealthy({ findings }: Diagnosis): boolean {
  return findings.every(({ level }) => level !== 'problem')
}

/** The findings as text: a line for each, and one more for each next step. */
export function reportOf(diagnosis: Diagnosis, { version, from }: Setting): string {
  const { url, findings } = diagnosis
  const head = [
    `leasehold ${version}, Node ${process.version}, ${platform()} ${release()} ${arch()}`,
    `store: ${printable(url, textMost)} (${from === 'default' ? 'the default' : `from ${from}`})`,
  ]
  const lines = findings.flatMap(linesOf)
  return [...head, '', ...lines, '', summaryOf(findings), ''].join('\n')
}

function linesOf({ level, check, about, text, next }: Finding): string[] {
  const title = about === undefined ? check : `${check}, ${printable(about)}`
  const line = `${level.padEnd(8)} ${title}: ${printable(text, textMost)}`
  return next === undefined ? [line] : [line, `         -> ${printable(next, textMost)}`]
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (level: Level): number => findings.filter((each) => each.level === level).length
  const told = (['problem', 'warning'] as const).map((level) => {
    const found = count(level)
    return `${found} ${level}${found === 1 ? '' : 's'}`
  })
  return told.join(', ')
}

/** The document for programs. Its properties are never renamed; others may be added. */
export function documentOf(diagnosis: Diagnosis, { version, from }: Setting): object {
  const { url, ttlMs, findings } = diagnosis
  return {
    url,
    from,
    healthy: isHealthy(diagnosis),
    leasehold: version,
    node: process.version,
    platform: platform(),
    ttlMs,
    findings: findings.map(({ check, level, about, text, next, data }) => {
      return { check, level, about: about ?? null, text, next: next ?? null, data: data ?? {} }
    }),
  }
}
