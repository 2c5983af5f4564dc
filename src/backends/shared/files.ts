// Files that a variable of the environment names: certificates, keys, tokens. Owns what a message says of them: the variable
// always, the path where it is one. What stands in the place of a path may be the secret itself, and is not shown.
import { readFileSync } from 'node:fs'
import { quoted } from '../../base/printable.ts'

/** Texts of the environment; an empty one is the same as a missing one. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The content of the file that a variable names; undefined where it names none. Throws TypeError if it cannot be read. */
export function fileOf(variables: Variables, variable: string): Buffer | undefined {
  const file = variables[variable]
  return file ? fromFile(variable, file, () => readFileSync(file)) : undefined
}

/** What a reading of a file or folder gives. Throws TypeError, with the variable and the path in it, if it throws. */
export function fromFile<T>(variable: string, file: string, reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    const { code = 'not readable' } = error as NodeJS.ErrnoException
    throw new TypeError(`${variable}: ${quotedPath(file)} cannot be read (${code})`)
  }
}

/** A path in quotes; in its place "its value" for a text that is no path. */
function quotedPath(file: string): string {
  return /[/\\]/.test(file) && !/[\r\n]|-----/.test(file) ? quoted(file) : 'its value (not shown)'
}
