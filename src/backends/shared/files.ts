// Files that a variable of the environment names: certificates, keys, tokens. Owns the messages about them. A message
// always names the variable. It shows the path only if that is one: a text in place of a path may be the secret itself.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quoted } from '../../base/printable.ts'

/** Texts of the environment; an empty one is the same as a missing one. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The content of the file that a variable names; undefined where it names none. Throws TypeError if it cannot be read. */
export function fileOf(variables: Variables, variable: string): Buffer | undefined {
  const file = variables[variable]
  return file ? fromFile(variable, file, () => readFileSync(file)) : undefined
}

/**
 * The certificates in the file that a variable names; undefined where it names none. Throws TypeError if it has none that
 * can be read.
 */
export function certificatesOf(variables: Variables, variable: string): Buffer | undefined {
  return pemOf(variables, variable, 'a certificate', (text) => new X509Certificate(text))
}

/** The private key in the file that a variable names, likewise. It must not be encrypted: nobody asks for a passphrase. */
export function privateKeyOf(variables: Variables, variable: string): Buffer | undefined {
  return pemOf(variables, variable, 'a private key', (text) => createPrivateKey(text))
}

function pemOf(
  variables: Variables,
  variable: string,
  what: string,
  parse: (text: Buffer) => unknown,
): Buffer | undefined {
  const text = fileOf(variables, variable)
  if (!text) return undefined
  const file = quoted(variables[variable] ?? '')
  if (!text.includes('-----BEGIN ')) throw new TypeError(`${variable}: ${file} is not PEM`)
  try {
    parse(text)
    return text
  } catch {
    // OpenSSL's message for an encrypted key differs from version to version.
    const why = text.includes('ENCRYPTED')
      ? 'is encrypted; give a copy without a passphrase'
      : `has not ${what} that can be read`
    throw new TypeError(`${variable}: ${file} ${why}`)
  }
}

/**
 * The result of `reading`, which reads a file or folder. If it throws, throws a TypeError that names the variable and
 * the path.
 */
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
