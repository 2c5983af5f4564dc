// The end of a stream of gRPC from the client's side, for both transports. Owns that its last messages are sent first.
import type { Clock } from '../../../base/clock.ts'

/** A stream that can be cancelled. */
export interface Cancellable {
  /** Whether everything that was written is sent. */
  readonly writableFinished?: boolean
  once(event: 'finish' | 'close', tell: () => void): unknown
  end(): unknown
  cancel(): unknown
}

/** How long a stream may take to send its last messages before it is cancelled, in ms. */
const lastWordsMs = 1_000

/**
 * Ends the client's side, and cancels the stream when its last messages are sent. In node:http2 of Node 20, a stream that is
 * reset while messages are queued can block the process and take all its memory (nodejs/node#49147). The end comes first,
 * since etcd3 counts the error of a cancelled stream that is still writable as a failure of the host.
 */
export function hangUp(stream: Cancellable, clock: Clock): void {
  if (stream.writableFinished) return void stream.cancel()
  const cancelLater = clock.after(lastWordsMs, () => stream.cancel())
  stream.once('close', cancelLater)
  stream.once('finish', () => {
    cancelLater()
    clock.after(0, () => stream.cancel()) // node:http2 sends the messages in its next turn
  })
  stream.end()
}
