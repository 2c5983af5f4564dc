// One open page as the receiver of server-sent events. Owns how a slow reader is served: it gets the whole state when it has
// read the rest, and none of the changes that it missed.
import type { ServerResponse } from 'node:http'
import { type Clock, leastElapsedMs, type Mark } from '../../base/clock.ts'
import type { Viewer } from './feed.ts'

/** How much may wait for a reader, in bytes. */
const bufferMost = 1_000_000
/** A reader that takes nothing for so long is left. Its browser connects again when it wakes up. */
const stuckMs = 60_000

/** A page that is connected. */
export class Stream implements Viewer {
  readonly #response: ServerResponse
  readonly #clock: Clock
  #isCurrent = false
  #stuckSince: Mark | undefined

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response
    this.#clock = clock
    response.on('drain', () => {
      this.#stuckSince = undefined
    })
    response.write('retry: 1000\n\n') // after a broken connection the browser waits so many ms
  }

  send(event: string, whole: () => string): void {
    if (this.#isFull()) this.#isCurrent = false
    else if (!this.#isCurrent) {
      this.#isCurrent = true
      this.#write(whole())
    } else if (event !== '') this.#write(event)
  }

  pulse(event: string): void {
    const { writableLength } = this.#response
    if (writableLength === 0) this.#write(event)
    else if (this.#stuckSince && leastElapsedMs(this.#stuckSince, this.#clock.mark()) > stuckMs)
      this.#response.destroy()
  }

  #isFull(): boolean {
    return this.#response.writableLength > bufferMost
  }

  #write(text: string): void {
    if (this.#response.destroyed) return
    if (!this.#response.write(text)) this.#stuckSince ??= this.#clock.mark()
  }
}
