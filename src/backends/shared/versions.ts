// The known faults of a server's version, as data. Owns the comparison of versions; each backend has its own list.
import type { Finding, Level } from '../../base/finding.ts'

/** A fault of some versions. */
export interface KnownFault {
  /** Its name in the tracker of the server, e.g. `etcd-io/etcd#15247`. */
  readonly id: string
  readonly level: Level
  /** The first version that has it; by default the first of all. */
  readonly since?: string
  /** The first good version of each line, oldest first. A newer line has no fault. Empty: every version has it. */
  readonly fixed: readonly string[]
  /** The effect for a client of Leasehold. */
  readonly text: string
  readonly next: string
}

/** Negative if `one` is older than `other`. Compares the three numbers; a suffix such as `-rc.1` or `+ent` does not count. */
export function compareVersions(one: string, other: string): number {
  const [left, right] = [numbersOf(one), numbersOf(other)]
  const at = left.findIndex((number, index) => number !== right[index])
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
}

function numbersOf(version: string): number[] {
  const [, major = 0, minor = 0, patch = 0] = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []
  return [Number(major), Number(minor), Number(patch)]
}

/** Whether a version has a fault. */
export function isAffected(version: string, { since = '0.0.0', fixed }: KnownFault): boolean {
  if (compareVersions(version, since) < 0) return false
  const [major, minor] = numbersOf(version)
  const ofLine = fixed.find((good) => {
    const [goodMajor, goodMinor] = numbersOf(good)
    return goodMajor === major && goodMinor === minor
  })
  if (ofLine !== undefined) return compareVersions(version, ofLine) < 0
  const newest = fixed.at(-1)
  return newest === undefined || compareVersions(version, newest) < 0
}

/** A finding for each fault that one of these versions has. */
export function faultsOf(
  product: string,
  versions: readonly string[],
  faults: readonly KnownFault[],
): Finding[] {
  return faults.flatMap((fault) => {
    const affected = [...new Set(versions)].filter((version) => isAffected(version, fault))
    if (affected.length === 0) return []
    const { id, level, text, next, fixed } = fault
    return [
      {
        check: 'version',
        level,
        about: id,
        text: `${product} ${affected.join(', ')}: ${text}`,
        next,
        data: { versions: affected.join(' '), fixedIn: fixed.join(' ') },
      },
    ]
  })
}
