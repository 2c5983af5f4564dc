// The frames in which gRPC puts a message: a byte that says whether it is compressed, four bytes of length, the message.
// Owns both directions. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

const headBytes = 5

/** A message in its frame. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, headBytes)
  return frame
}

/** Cuts a stream of bytes into messages. */
export class Frames {
  #rest: Buffer | undefined

  /** The messages that are complete with these bytes. Throws if a message is compressed: nobody asked for that. */
  push(chunk: Buffer): Buffer[] {
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    const messages: Buffer[] = []
    while (bytes.length >= headBytes) {
      if (bytes[0] !== 0) throw new Error('the server sent a compressed message, which was not asked for')
      const end = headBytes + bytes.readUInt32BE(1)
      if (bytes.length < end) break
      messages.push(bytes.subarray(headBytes, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes.length > 0 ? bytes : undefined
    return messages
  }
}
