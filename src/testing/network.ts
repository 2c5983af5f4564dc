// The network of a simulated run: how long messages take between a process and a server, and which faults happen to
// them. A server may apply a request whose answer is then lost. The servers know what a request means.
import { UnavailableError } from '../base/errors.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** The two directions of a link. */
export type Direction = 'there' | 'back'

/** The faults of a link, each as a number of messages in a hundred. With zeros the network is healthy. */
export interface Weather {
  /** The shortest and the longest delay of a message, in ms. */
  readonly delayMs: readonly [number, number]
  /** Messages in a hundred that take up to a hundred times as long, so that later ones overtake them. */
  readonly late: number
  readonly lost: number
  /**
   * Requests in a hundred that arrive a second time, up to 5 s later, unless the client has its answer by then. A
   * proxy that repeats unanswered requests does this.
   */
  readonly twice: number
  /** Requests in a hundred whose connection is reset, before or after the server applied them. */
  readonly reset: number
}

/** Small delays and no faults. */
export const fairWeather: Weather = { delayMs: [0.1, 1], late: 0, lost: 0, twice: 0, reset: 0 }

/** A server, as the network sees it. */
export interface Host {
  readonly name: string
  /** Runs an arriving request now or when the server can act again. Calls `refused` if no server listens. */
  receive(run: () => void, refused: () => void): void
}

/** A stream that the server opened for a client. Its messages arrive in order, or not at all. */
export interface Channel<T> {
  send(message: T): void
  /** Ends the stream. The client learns of it if the message arrives. */
  fail(): void
}

/** A message that a cut holds back. */
interface Held {
  readonly deliver: () => void
}

/** All links. */
export class Network {
  readonly #world: World
  readonly #random: Random
  readonly #cuts = new Map<string, Held[]>()
  #weather: Weather = fairWeather

  constructor(world: World) {
    this.#world = world
    this.#random = world.random('network')
  }

  /** The faults of messages from now on. */
  set weather(weather: Weather) {
    this.#weather = weather
  }

  /** Cuts one direction of a link: messages are held back, as TCP does, or never arrive. */
  cut(client: string, server: string, direction: Direction): void {
    const link = linkOf(client, server, direction)
    if (this.#cuts.has(link)) return
    this.#cuts.set(link, [])
    this.#world.note(`cut ${link}`)
  }

  /**
   * Heals every link. Half of the messages that were held back arrive now. The others arrive after many later ones of
   * other connections, since TCP repeats at growing intervals.
   */
  heal(): void {
    for (const [link, held] of this.#cuts) {
      this.#world.note(`healed ${link}`)
      this.#cuts.delete(link)
      for (const { deliver } of held) {
        const waitMs = this.#random.percent(50) ? 0 : this.#random.between(0, 3_000)
        if (this.#random.percent(50)) this.#world.after(waitMs + this.#delayMs(), deliver)
      }
    }
  }

  /**
   * One request and its answer. `serve` runs on the server: once, twice or never. The promise settles when the answer
   * arrives. A reset or refused connection rejects it with an UnavailableError, an abort with `signal.reason`.
   * Long: its steps share whether the answer has arrived, which a reset and a repetition must know.
   */
  request<T>(client: SimProcess, server: Host, serve: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      let answered = false
      const arrives = (settle: () => void): void =>
        client.enter(() => {
          answered = !signal.aborted
          signal.removeEventListener('abort', abort)
          settle()
        })
      const back = (settle: () => void): void =>
        this.#carry(client.name, server.name, 'back', () => arrives(settle))
      const failed = (how: string) => (): void =>
        reject(new UnavailableError(`${server.name}: connection ${how}`))
      const answer = (): void => {
        const served = async (): Promise<T> => serve()
        served().then(
          (result) => back(() => resolve(result)),
          (error) => back(() => reject(error)),
        )
      }
      this.#carry(client.name, server.name, 'there', () =>
        server.receive(answer, () => back(failed('refused'))),
      )
      this.#repeat(server, () => (answered ? undefined : serve()))
      if (!this.#random.percent(this.#weather.reset)) return
      this.#world.after(this.#delayMs(), () => arrives(failed('reset')))
    })
  }

  /** Sometimes lets a request arrive a second time. */
  #repeat(server: Host, serve: () => unknown): void {
    if (!this.#random.percent(this.#weather.twice)) return
    this.#world.mark('request arrived twice')
    const again = async (): Promise<unknown> => serve()
    const run = (): void => void again().catch(() => {})
    this.#world.after(this.#random.between(1, 5_000), () => server.receive(run, () => {}))
  }

  /**
   * A stream of messages to a client. `open` runs on the server and gets the channel. The returned function closes the
   * stream from the client's side. `failed` is called if the stream ends in another way.
   * Long: both ends share whether the stream is closed, and when the last message arrives.
   */
  stream<T>(
    client: SimProcess,
    server: Host,
    open: (channel: Channel<T>) => () => void,
    receive: (message: T) => void,
    failed: () => void,
  ): () => void {
    let closed = false
    let closeThere = (): void => {}
    let freeAtUs = 0
    const end = (): void => {
      if (closed) return
      closed = true
      closeThere()
      failed()
    }
    const inOrder = (deliver: () => void): void => {
      const atUs = Math.max(freeAtUs, this.#world.nowUs + this.#delayMs() * 1_000)
      freeAtUs = atUs + 1
      const link = linkOf(client.name, server.name, 'back')
      const arrive = (): void => client.enter(() => void (closed || deliver()))
      // A stream cannot skip messages: a message that a cut held back breaks the stream after the cut is healed.
      this.#world.after((atUs - this.#world.nowUs) / 1_000, () => {
        const cut = this.#cuts.get(link)
        if (cut) cut.push({ deliver: () => client.enter(end) })
        else arrive()
      })
    }
    const channel: Channel<T> = {
      send: (message) => inOrder(() => receive(message)),
      fail: () => inOrder(end),
    }
    const opened = (): void => {
      if (!closed) closeThere = open(channel)
    }
    this.#carry(client.name, server.name, 'there', () => server.receive(opened, () => channel.fail()))
    return () => {
      closed = true
      // The server learns of it later or never. Until then its messages reach no listener.
      this.#carry(client.name, server.name, 'there', () =>
        server.receive(
          () => closeThere(),
          () => {},
        ),
      )
    }
  }

  #carry(client: string, server: string, direction: Direction, deliver: () => void): void {
    const link = linkOf(client, server, direction)
    if (this.#random.percent(this.#weather.lost)) {
      this.#world.mark(direction === 'there' ? 'request lost' : 'answer lost after it was applied')
      return
    }
    this.#world.after(this.#delayMs(), () => {
      const cut = this.#cuts.get(link)
      if (!cut) return deliver()
      this.#world.mark(direction === 'there' ? 'request lost' : 'answer lost after it was applied')
      cut.push({ deliver })
    })
  }

  #delayMs(): number {
    const { delayMs, late } = this.#weather
    const [least, most] = delayMs
    const usual = least + this.#random.fraction() * (most - least)
    return this.#random.percent(late) ? usual + this.#random.fraction() * 100 * most : usual
  }
}

function linkOf(client: string, server: string, direction: Direction): string {
  return `${client} ${direction === 'there' ? '→' : '←'} ${server}`
}
