// Files that an environment variable names: certificates, keys, tokens. Owns the messages about them. A message always
// names the variable. It shows the value only if it looks like a path: otherwise it may be the secret itself.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quoted } from '../../base/printable.ts'

/** The environment variables. An empty one counts as missing. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The content of the file that a variable names; undefined if it names none. Throws TypeError if it cannot be read. */
export function fileOf(variables: Variables, variable: string): Buffer | undefined {
  const file = variables[variable]
  return file ? fromFile(variable, file, () => readFileSync(file)) : undefined
}

/**
 * The certificates in the file that a variable names; undefined if it names none. Throws TypeError if the file has no
 * certificate that can be read.
 */
export function certificatesOf(variables: Variables, variable: string): Buffer | undefined {
  return pemOf(variables, variable, 'a certificate', (text) => new X509Certificate(text))
}

/** The same for the private key in a file. The key must not be encrypted, since there is no way to give a passphrase. */
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
      : `does not have ${what} that can be read`
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

/** A path in quotes. For a text that does not look like a path: "its value (not shown)". */
function quotedPath(file: string): string {
  return /[/\\]/.test(file) && !/[\r\n]|-----/.test(file) ? quoted(file) : 'its value (not shown)'
}

/**
 * Throws a TypeError if one of these variables about TLS is set, for a URL without TLS. In silence, what was meant to be
 * encrypted would go over the network as it is.
 */
export function refuseWithoutTls(scheme: string, variables: Variables, names: readonly string[]): void {
  const unused = names.find((name) => variables[name])
  if (!unused) return
  throw new TypeError(`${unused}: is set, but ${scheme}: is without TLS; use ${scheme}s:, or unset ${unused}`)
}
