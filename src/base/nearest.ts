// Finds the known word that a caller may have meant by an unknown one. This is own code, since it has 20 lines that
// run only before an error, and a library would be one more dependency of every user.

/**
 * The known word with the fewest letters to insert, remove or replace. Undefined if no word is similar: up to 2 letters,
 * or a third of a long word, may differ, but not every letter.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((other) => ({ other, letters: distance(word.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, letters }) => letters < Math.min(word.length, other.length) || letters === 0)
    .filter(({ other, letters }) => letters <= Math.max(2, other.length / 3))
    .sort((one, two) => one.letters - two.letters)
  return ranked[0]?.other
}

/** The Levenshtein distance, computed one row of the table at a time. */
function distance(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...one.slice(0, 40)].entries()) {
    const next = [at + 1]
    for (let to = 1; to <= two.length; to += 1) {
      const replaced = (row[to - 1] as number) + (letter === two[to - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[to] as number) + 1, (next[to - 1] as number) + 1))
    }
    row = next
  }
  return row[two.length] as number
}
