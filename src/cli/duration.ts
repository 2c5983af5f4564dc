// Reads lengths of time on the command line. Owns the notation; the library checks which lengths make sense.

const msPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/**
 * The length of time that `text` says, in ms: a number and its unit, such as `500ms`, `30s`, `1.5m` or `1h`.
 * Throws RangeError for everything else, also for a plain number, whose unit would be a guess.
 */
export function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  if (unit) return Number(amount) * msPerUnit[unit as keyof typeof msPerUnit]
  throw new RangeError('it takes a number with its unit, one of ms, s, m, h, such as 30s')
}
