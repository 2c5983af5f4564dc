// Text that others wrote (a store, a proxy, a caller, the environment) on its way into a message or onto a terminal. Owns
// that nothing in it steers a terminal, that it is short, and that a target shows no credentials. base/printable.test.ts
// looks for other ways.

/** How many characters of one foreign text a message shows. */
const textMost = 200
/** How many characters a whole message has. Several foreign texts, and the words around them, fit into it. */
const messageMost = 2_000

/** Characters that a terminal obeys, C1 controls too, and those that change the order in which others are shown. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/**
 * The text with each character that a terminal would obey written as `\u001b`, and cut to `most` characters, the last of
 * which is then an ellipsis. Costs no more for a long text than for a short one.
 */
export function printable(text: string, most: number = textMost): string {
  return cut(escaped(text.slice(0, 2 * most + 1).toWellFormed()), most)
}

/** The same in the double quotes of JSON, which keep a text apart from the words around it. */
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

/** JSON that is safe to look at: JSON escapes C0 controls by itself, and this the rest. Nothing is left out. */
export function printableJson(document: unknown, indent?: number): string {
  // Line breaks are those between properties: inside a string JSON writes them out.
  return JSON.stringify(document, null, indent).replace(unsafe, (found) =>
    found === '\n' ? found : escaped(found),
  )
}

/**
 * A URL, an endpoint or an address for a message, in quotes. Parts that may be a credential are left out: all before an
 * @, all behind a question mark or a #, and behind a colon everything but a port.
 */
export function quotedTarget(target: string): string {
  const [, scheme = '', rest = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(target.slice(0, 4 * textMost)) ?? []
  const bare = rest.replace(/[?#].*$/s, '?…').replace(/^.*@/s, '…@')
  return quoted(`${scheme}${bare.replace(/:(?!\d{1,5}(?:[/,?]|$)).*$/s, ':…')}`)
}

/**
 * An error from outside as the cause of one of ours: itself if it and its own causes can be printed as they are, else a
 * copy that can. Looks at no more than 8 causes in a row.
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
