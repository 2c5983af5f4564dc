// @ts-check
// What these tools do with a bad command line: they print the reason and end, before they do anything.

/**
 * Resolves a command line: returns what `read` does. When it throws, writes its message and the usage to stderr and ends the
 * process with exit code 64.
 *
 * @template Result
 * @param {string} usage
 * @param {() => Result} read
 * @returns {Result}
 */
export function readArguments(usage, read) {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}\n`)
    process.exit(64)
  }
}
