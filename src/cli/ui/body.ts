// Reads the body of a small HTTP request. Owns its limit.
import type { IncomingMessage } from 'node:http'

/** Enough for a name of 512 bytes of which JSON escapes each one. */
const bytesMost = 8_192

/** The body as text. Undefined if it is too long or was broken off: then the rest of it is not read. */
export function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMost) return chunks.push(chunk)
      request.pause()
      resolve(undefined)
    })
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.once('close', () => resolve(undefined)).once('error', () => resolve(undefined))
  })
}
