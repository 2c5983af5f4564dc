// gRPC over one HTTP/2 connection: calls with one answer, and streams. Owns the frames and the status; pings.ts finds out that it
// is dead. It knows no etcd; link.ts says what to call. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import { untilAborted } from '../../../../base/abort.ts'
import type { Clock } from '../../../../base/clock.ts'
import { hangUp } from '../hang-up.ts'
import type { Duplex } from '../link.ts'
import { Frames, framed } from './frames.ts'
import type { Method } from './messages.ts'
import { Pings } from './pings.ts'
import { brokenOff, GrpcError, grpcCodes, statusOf, unspoken } from './status.ts'

/** How much may be on its way before the receiver confirms: with HTTP/2's 64 kB a long line of claims takes several trips. */
const windowBytes = 2 ** 20
/** With Node's limit of 10 MB, answers are reset while longer questions wait to be sent: 128 of a client may, with 1 MB of value each. */
const options = { maxSessionMemory: 1_000, settings: { enablePush: false, initialWindowSize: windowBytes } }

/** Headers of one's own, such as a token. */
export type Metadata = Readonly<Record<string, string>>

/** How to reach a server. */
export interface Target {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string
  readonly tls: SecureClientSessionOptions
}

/** A stream that was opened, and the error if it ends without a status. */
interface Started {
  readonly stream: ClientHttp2Stream
  readonly cutOff: () => GrpcError
}

/** A connection that is made by its first call, and again by the first call after it broke. */
export class Connection {
  readonly #target: Target
  readonly #clock: Clock
  #session: ClientHttp2Session | undefined
  readonly #sockets = new Set<Socket>()
  /** The sessions whose server has sent its settings, as every HTTP/2 server does first. */
  readonly #spoken = new WeakSet<ClientHttp2Session>()
  #closed = false
  readonly #pings: Pings

  constructor(target: Target, clock: Clock) {
    this.#target = target
    this.#clock = clock
    this.#pings = new Pings(clock, () => this.#session)
  }

  /**
   * Sends one question and resolves with its answer. Rejects with GrpcError, with the error of the connection, or with
   * `signal.reason` when the signal aborts, and then tells the server to stop.
   */
  call<Question, Answer>(
    { path, encode, decode }: Method<Question, Answer>,
    question: Question,
    { metadata, signal, limitMs }: { metadata: Metadata; signal: AbortSignal; limitMs: number },
  ): Promise<Answer> {
    const body = framed(encode(question))
    return untilAborted(signal, ({ resolve, reject }) => {
      const started = this.#request(path, { ...metadata, 'grpc-timeout': `${limitMs}m` })
      const { stream, cutOff } = started
      let answer: { readonly message: Answer } | undefined
      const settle = outcome(started, (error) => {
        if (answer && !error) resolve(answer.message)
        else reject(error ?? cutOff())
      })
      const tell = (message: Answer): void => {
        answer ??= { message }
      }
      receive(stream, decode, tell, settle)
      stream.end(body)
      return () => {
        if (!stream.readableEnded) this.#cancel(stream)
      }
    })
  }

  /** Opens a stream. Its errors, those of the connection included, come as its event `error`. */
  stream<Question, Answer>(
    { path, encode, decode }: Method<Question, Answer>,
    metadata: Metadata,
  ): Duplex<Question, Answer> {
    const started = this.#request(path, metadata)
    const { stream } = started
    this.#pings.during(stream)
    const said = new Listeners<Answer>()
    const settle = outcome(started, (error) => (error ? said.error(error) : said.end()))
    const damaged = (error: Error): void => {
      settle(error)
      this.#cancel(stream)
    }
    receive(stream, decode, (answer) => said.data(answer), damaged)
    return {
      on: (event: keyof Listeners<Answer>, listener: never) => {
        said[event] = listener
      },
      write: (question) =>
        !stream.writableEnded && !stream.destroyed && stream.write(framed(encode(question))),
      cancel: () => this.#cancel(stream),
    }
  }

  /** Connects, if it is not connected, so that the next call need not. */
  open(): void {
    if (!this.#closed) this.#live()
  }

  /**
   * Breaks everything under way, in the next turn of the event loop. Later calls reject. Not at once: what follows an answer runs
   * while nghttp2 reads. A session that is destroyed there frees streams that nghttp2 goes on to use, which damages the memory of
   * the process (nodejs/node#64113).
   */
  close(): void {
    this.#closed = true
    this.#pings.stop()
    this.#clock.after(0, () => {
      this.#session?.destroy()
      // A session that got GOAWAY waits for its streams and for the server; such sessions may be older than the present one.
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  #cancel(stream: ClientHttp2Stream): void {
    if (stream.closed || stream.destroyed) return
    const { writableFinished } = stream
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL)
    const once = (event: 'finish' | 'close', tell: () => void) => stream.once(event, tell)
    hangUp({ writableFinished, once, end: () => stream.end(), cancel }, this.#clock)
  }

  #request(path: string, metadata: Metadata): Started {
    const session = this.#live()
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    })
    return { stream, cutOff: () => (this.#spoken.has(session) ? brokenOff() : unspoken()) }
  }

  /** A connection that the server is about to end (GOAWAY) finishes its calls, but takes no new ones. */
  #live(): ClientHttp2Session {
    if (this.#closed) throw new GrpcError(grpcCodes.unavailable, 'the connection was closed')
    const present = this.#session
    if (present && !present.closed && !present.destroyed) return present
    const { url, tls } = this.#target
    const session = connect(url, { ...tls, ...options })
    session.on('connect', (_, socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      if (this.#closed) socket.destroy()
      else if (!session.destroyed) session.setLocalWindowSize(windowBytes)
    })
    session.on('remoteSettings', () => this.#spoken.add(session))
    session.on('error', () => {}) // its streams tell their callers
    this.#session = session
    return session
  }
}

/** Reads messages as they arrive. After bytes that are none it reads no more: `damaged` cancels the stream, see `Connection.close`. */
function receive<Answer>(
  stream: ClientHttp2Stream,
  decode: (bytes: Uint8Array) => Answer,
  tell: (answer: Answer) => void,
  damaged: (error: GrpcError) => void,
): void {
  const frames = new Frames()
  let isDamaged = false
  stream.on('data', (chunk: Buffer) => {
    if (isDamaged) return
    try {
      for (const message of frames.push(chunk)) tell(decode(message))
    } catch (cause) {
      isDamaged = true
      damaged(new GrpcError(grpcCodes.internal, 'the answer cannot be read', { cause }))
    }
  })
}

/** The listeners of a stream. */
class Listeners<Answer> {
  data: (answer: Answer) => void = () => {}
  error: (error: Error) => void = () => {}
  end: () => void = () => {}
}

/** Reports how a stream ended, once: without an error if its status is OK. Returns a function by which it ends earlier, with an error. */
function outcome({ stream, cutOff }: Started, settled: (error?: Error) => void): (error: Error) => void {
  let status: Error | 'ok' | undefined
  let failure: Error | undefined
  let done = false
  const settle = (error?: Error): void => {
    if (done) return
    done = true
    settled(error)
  }
  const hear = (headers: IncomingHttpHeaders): void => {
    status ??= statusOf(headers)
  }
  stream.on('response', hear)
  stream.on('trailers', hear)
  stream.on('error', (error) => {
    failure = error
  })
  stream.on('end', () => {
    if (status) settle(status === 'ok' ? undefined : status)
  })
  stream.on('close', () => {
    settle(status === 'ok' ? undefined : (status ?? failure ?? cutOff()))
  })
  return settle
}
