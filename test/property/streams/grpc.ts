// gRPC by hand over one HTTP/2 stream, so that a test can break it at any place. Owns frames and trailers; peer.ts
// owns their content.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { loadSync, type MethodDefinition } from '@grpc/proto-loader'

type Message = Record<string, unknown>
type Method = MethodDefinition<object, object, Message, Message>

const headBytes = 5
const proto = join(dirname(createRequire(import.meta.url).resolve('etcd3')), '..', 'proto', 'rpc.proto')

/** The methods of etcd's API by their paths, as etcd3 knows them. */
export function etcdMethods(): ReadonlyMap<string, Method> {
  const services = loadSync(proto, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  })
  const methods = Object.values(services).flatMap((service) =>
    'format' in service || '$' in service ? [] : Object.values(service as Record<string, Method>),
  )
  return new Map(methods.filter(({ path }) => path).map((method) => [method.path, method]))
}

/** One call, as its server sees it. */
export class Exchange {
  readonly path: string
  readonly #stream: ServerHttp2Stream
  readonly #method: Method
  #received = Buffer.alloc(0)
  #status: { readonly code: number; readonly message: string } = { code: 0, message: '' }

  /** `heard` is called with each message of the client. */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    methods: ReadonlyMap<string, Method>,
    heard: (message: Message, exchange: Exchange) => void,
  ) {
    this.path = String(headers[':path'])
    this.#stream = stream
    this.#method = methods.get(this.path) as Method
    stream.on('error', () => {}) // the client may reset it at any moment
    stream.on('wantTrailers', () => {
      const { code, message } = this.#status
      stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': encodeURI(message) })
    })
    stream.on('data', (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data])
      for (const bytes of this.#frames()) heard(this.#method.requestDeserialize(bytes) as Message, this)
    })
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  }

  /** Whether the stream can still send. */
  get open(): boolean {
    return !this.#stream.destroyed && !this.#stream.writableEnded
  }

  send(message: Message): void {
    this.#write(frame(this.#method.responseSerialize(message)))
  }

  /** A frame whose message is no protobuf. */
  sendGarbage(): void {
    this.#write(frame(Buffer.alloc(7, 0xff)))
  }

  /** Sends the first half of a message, and then ends. */
  cutShort(message: Message): void {
    const whole = frame(this.#method.responseSerialize(message))
    this.#write(whole.subarray(0, Math.ceil(whole.length / 2)))
    this.end(0, '')
  }

  /** Ends the call with a status. */
  end(code: number, message: string): void {
    this.#status = { code, message }
    if (this.open) this.#stream.end()
  }

  /** Resets the stream with an error code of HTTP/2. */
  reset(code: number): void {
    if (!this.#stream.destroyed) this.#stream.close(code)
  }

  /** Announces that the connection takes no more streams (GOAWAY), and closes it when the existing ones have ended. */
  goAway(): void {
    this.#stream.session?.close()
  }

  /** The client's port, which identifies the connection. Undefined if it is gone. */
  get port(): number | undefined {
    return this.#stream.session?.socket?.remotePort
  }

  #write(bytes: Buffer): void {
    if (this.open) this.#stream.write(bytes)
  }

  *#frames(): Generator<Buffer> {
    while (this.#received.length >= headBytes) {
      const end = headBytes + this.#received.readUInt32BE(1)
      if (this.#received.length < end) return
      yield this.#received.subarray(headBytes, end)
      this.#received = this.#received.subarray(end)
    }
  }
}

function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
