// Makes foreign text (from a store, a proxy, a caller or the environment) safe for a message or a terminal: the text
// cannot steer a terminal, it is short, and a URL shows no credentials. base/printable.test.ts checks that no code
// bypasses this file.

/** How many characters of one foreign text a message shows. */
const textMost = 200
/** How many characters a whole message has at most: enough for several foreign texts and the words around them. */
const messageMost = 2_000

/**
 * Characters that a terminal obeys (C0 and C1 controls), separators of lines and paragraphs, and characters that change
 * the order in which text is shown.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * The text, with each unsafe character written like `\u001b`. If that has more than `most` characters, it is cut, and the
 * last of the `most` characters is an ellipsis. The cost depends on `most` and not on the length of the text.
 */
export function printable(text: string, most: number = textMost): string {
  return cut(escaped(text.slice(0, 2 * most + 1).toWellFormed()), most)
}

/** The same as `printable`, in the double quotes of JSON, which separate a text from the words around it. */
export function quoted(text: string, most: number = textMost): string {
  const inner = JSON.stringify(text.slice(0, 2 * most + 1)).slice(1, -1)
  return `"${cut(escaped(inner), most)}"`
}

/** The text of a server, which may have several lines, as one line for a message. */
export function oneLine(text: string, most: number = textMost): string {
  const start = text.slice(0, 4 * most)
  return printable(
    `${start.trim().replace(/\s*[\r\n]\s*/g, ' ')}${text.length > start.length ? '…' : ''}`,
    most,
  )
}

/** A whole message on one line. */
export function messageLine(text: string): string {
  return oneLine(text, messageMost)
}

/**
 * JSON that is safe on a terminal. JSON itself escapes C0 controls; this escapes the other unsafe characters. Nothing
 * is left out.
 */
export function printableJson(document: unknown, indent?: number): string {
  // A line break can only stand between properties: inside a string, JSON writes it as \n.
  return JSON.stringify(document, null, indent).replace(unsafe, (found) =>
    found === '\n' ? found : escaped(found),
  )
}

/**
 * A URL, an endpoint or an address for a message, in quotes. Parts that may be a credential are left out: everything
 * before an @, everything after a question mark or a #, and everything after a colon unless it is a port.
 */
export function quotedTarget(target: string): string {
  const [, scheme = '', rest = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(target.slice(0, 4 * textMost)) ?? []
  const bare = rest.replace(/[?#].*$/s, '?…').replace(/^.*@/s, '…@')
  return quoted(`${scheme}${bare.replace(/:(?!\d{1,5}(?:[/,?]|$)).*$/s, ':…')}`)
}

/**
 * A foreign error as the cause of one of ours: the error itself if its message and those of its causes are safe to print,
 * otherwise a safe copy. Looks at 8 errors in a row; deeper causes, and causes that are not errors, stay as they are.
 */
export function printableCause(cause: unknown, depth = 8): unknown {
  if (!(cause instanceof Error) || depth === 0) return cause
  const inner = printableCause(cause.cause, depth - 1)
  const message = messageLine(cause.message)
  if (message === cause.message && inner === cause.cause) return cause
  const copy = new Error(message, inner === undefined ? {} : { cause: inner })
  copy.name = printable(cause.name)
  return copy
}

function escaped(text: string): string {
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function cut(text: string, most: number): string {
  const characters = [...text]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text
}
