// Shows a wait on a terminal: the holder and the place in line, on one line that is redrawn, and erased at the end.
// Owns when to draw. If stderr is not a terminal, or has a log, nothing is drawn and no request is sent.

import { hostname } from 'node:os'
import { isatty } from 'node:tty'
import type { Leasehold } from '../api/leasehold.ts'
import type { Clock } from '../base/clock.ts'
import { quoted } from '../base/printable.ts'
import type { Standing } from '../contract.ts'
import { describeHolders, parseHolder } from '../core/holder.ts'
import { say, write } from './exit.ts'

/** The output, which may be a terminal. */
export interface Screen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Stderr. It is written without Node's stream, which would make a pipe non-blocking for the command that shares it, too. */
const terminal: Screen = { isTTY: isatty(2), write: (text) => write(2, text) }

/** The client that waits, and the name for which it waits. */
export interface ProgressOptions {
  readonly client: Pick<Leasehold, 'line'>
  readonly clock: Clock
  readonly name: string
  /** The value of this client's claim, if it sets one. */
  readonly value?: string | undefined
  readonly quiet?: boolean | undefined
  readonly screen?: Screen
}

/** How often to ask for the line, in ms: `onWait` does not report every change far ahead in line. */
const lookMs = 5_000

/** Shows one wait after another. */
export class Progress {
  /** For `acquire` or `lead`. Undefined if nothing is drawn. */
  readonly onWait: ((ahead: number) => void) | undefined
  readonly #options: ProgressOptions
  readonly #screen: Screen
  /** The number of the present wait, so that an answer for an earlier wait is not drawn. */
  #wait = 0
  #drawn = false
  /** The place in line: 1 for the next one. */
  #place = 0
  #line: readonly Standing[] = []
  /** Whether a question about the line is under way. */
  #looking = false
  /** Whether `onWait` has reported a new place since that question was sent. */
  #heard = false
  #cancelLook = (): void => {}

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#screen = options.screen ?? terminal
    const { TERM, LEASEHOLD_LOG } = process.env // lines of a log would be mixed with the line that is redrawn
    const isShown = this.#screen.isTTY && !options.quiet && TERM !== 'dumb' && !LEASEHOLD_LOG
    this.onWait = isShown ? (ahead) => this.#hear(ahead) : undefined
  }

  /** Erases the line: the wait is over, or its state is unknown. */
  clear(): void {
    this.#wait += 1
    this.#heard = false
    this.#line = []
    this.#cancelLook()
    this.#erase()
  }

  /** Writes a line of its own to stderr. */
  readonly say = (message: string): void => {
    this.clear()
    say(message)
  }

  #hear(ahead: number): void {
    this.#place = ahead
    this.#heard = true
    this.#draw()
    void this.#look()
  }

  /** Asks for the holders in the background. The wait does not depend on the answer. */
  async #look(): Promise<void> {
    if (this.#looking) return
    const { client, clock, name, value } = this.#options
    const wait = this.#wait
    this.#looking = true
    this.#heard = false
    this.#cancelLook()
    const line = await client.line(name).catch(() => [])
    this.#looking = false
    if (wait === this.#wait) {
      this.#line = line
      this.#place = positionOf(value, line) ?? this.#place
      this.#draw()
      this.#cancelLook = clock.after(lookMs, () => void this.#look())
    }
    if (this.#heard) void this.#look() // the place changed after the request was sent: the answer may be older
  }

  #draw(): void {
    const text = this.#text()
    // Without the terminal's wrapping, a text that is too long stays one line, which can be erased.
    this.#screen.write(`\r\x1b[2K\x1b[?7l${text}\x1b[?7h`)
    this.#drawn = true
  }

  #erase(): void {
    if (this.#drawn) this.#screen.write('\r\x1b[2K')
    this.#drawn = false
  }

  #text(): string {
    const where = this.#place > 1 ? `place ${this.#place} in line` : 'next in line'
    const holders = describeHolders(this.#line)
    return `leasehold: waiting for ${quoted(this.#options.name)}, ${where}${holders && `: held by ${holders}`}`
  }
}

/**
 * The place of our claim among those that wait. Ours has this value or, if we set none, a value that names this process.
 * Undefined unless exactly one claim matches.
 */
function positionOf(value: string | undefined, line: readonly Standing[]): number | undefined {
  const waiters = line.filter(({ held }) => !held)
  const own = waiters.flatMap((waiter, index) => (isOwn(waiter, value) ? index + 1 : []))
  return own.length === 1 ? own[0] : undefined
}

function isOwn(waiter: Standing, value: string | undefined): boolean {
  if (value !== undefined) return waiter.value === value
  const holder = parseHolder(waiter.value)
  return holder?.pid === process.pid && holder.host === hostname()
}
