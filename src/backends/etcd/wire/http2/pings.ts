// The pings of a connection, which find out that it is dead although nobody said so. Owns when they are sent: in one series, and
// only while a stream is open. grpc.ts opens the streams.
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { Clock } from '../../../../base/clock.ts'

/** Pings find a silently dead connection after 15 s. etcd accepts one ping every 5 s, and only while a stream is open. */
const pingEveryMs = 10_000
const pingLimitMs = 5_000

/** The pings of one connection, whose sessions come one after another. */
export class Pings {
  readonly #clock: Clock
  readonly #session: () => ClientHttp2Session | undefined
  #streams = 0
  #cancel = (): void => {}

  /** `session` gives the present session. */
  constructor(clock: Clock, session: () => ClientHttp2Session | undefined) {
    this.#clock = clock
    this.#session = session
  }

  /** Pings as long as this stream or another one is open. Destroys a session that does not answer within 5 s. */
  during(stream: ClientHttp2Stream): void {
    this.#streams += 1
    if (this.#streams === 1) this.#next()
    stream.on('close', () => {
      this.#streams -= 1
      if (this.#streams === 0) this.stop()
    })
  }

  /** Sends no more of them. */
  stop(): void {
    this.#cancel()
  }

  /**
   * Waits for the time of the next ping, and for that of no other: a session that dies fails its ping only after the first stream of
   * the next session may have begun to wait.
   */
  #next(): void {
    this.#cancel()
    if (this.#streams > 0) this.#cancel = this.#clock.after(pingEveryMs, () => this.#ping())
  }

  #ping(): void {
    const session = this.#session()
    if (session && !session.destroyed && !session.connecting) this.#ask(session)
    else this.#next()
  }

  #ask(session: ClientHttp2Session): void {
    const dead = this.#clock.after(pingLimitMs, () => session.destroy(new Error('no answer to a ping')))
    this.#cancel = dead
    session.ping(() => {
      dead()
      this.#next()
    })
  }
}
