// The two streams of a connection: one for all renewals, one for all watches. Owns which answer belongs to which
// question; opening a stream and reading errors are client.ts's.
import type {
  IDuplexStream,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import { SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { Change, KeyRange, WatchListener } from './transport.ts'

type KeepAliveStream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>
type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>

const noputFilter = 0

/** Renews leases over one stream. */
export class KeepAlives {
  readonly #open: () => Promise<KeepAliveStream>
  #stream: Promise<KeepAliveStream> | undefined
  #answer = (_: ILeaseKeepAliveResponse | Error): void => {}

  constructor(open: () => Promise<KeepAliveStream>) {
    this.#open = open
  }

  /**
   * Renews once. Rejects with SessionGoneError when the lease is not there. A request that was given up closes the
   * stream with it: a late answer must never pass for the answer to the next request, which left later.
   */
  async renew(lease: string, signal: AbortSignal): Promise<void> {
    try {
      const response = await orAborted(this.#ask(lease), signal)
      if (Number(response.TTL) <= 0) throw new SessionGoneError(`lease ${lease} expired or was revoked`)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.then(hangUp).catch(() => {})
    this.#answer(new UnavailableError('the stream of renewals was closed'))
  }

  async #ask(lease: string): Promise<ILeaseKeepAliveResponse> {
    const opened = (this.#stream ??= this.#connected())
    const stream = await opened
    if (this.#stream !== opened) throw new UnavailableError('given up before its stream was open')
    const answered = new Promise<ILeaseKeepAliveResponse | Error>((resolve) => {
      this.#answer = resolve
    })
    stream.write({ ID: lease })
    const answer = await answered
    if (answer instanceof Error) throw answer
    return answer
  }

  /** Only the present stream has a say; once it broke, the next renewal opens another. */
  #connected(): Promise<KeepAliveStream> {
    const opened = this.#open().then((stream) => {
      const broken = (cause?: unknown): void => {
        if (this.#stream !== opened) return
        this.#stream = undefined
        this.#answer(new UnavailableError('the stream of renewals broke', { cause }))
      }
      stream.on('data', (response) => this.#stream === opened && this.#answer(response))
      stream.on('error', broken)
      stream.on('end', () => broken())
      return stream
    })
    return opened
  }
}

/** Watches many ranges over one stream, each under an id that we choose, so that no answer is ambiguous. */
export class Watches {
  readonly #open: () => Promise<WatchStream>
  readonly #listeners = new Map<string, WatchListener>()
  #stream: Promise<WatchStream> | undefined
  #ids = 0

  constructor(open: () => Promise<WatchStream>) {
    this.#open = open
  }

  watch({ key, end }: KeyRange, listener: WatchListener): () => void {
    this.#ids += 1
    const id = String(this.#ids)
    this.#listeners.set(id, listener)
    this.#write({
      create_request: {
        key: Buffer.from(key),
        ...(end === undefined ? {} : { range_end: Buffer.from(end) }),
        filters: listener.written ? [] : [noputFilter],
        watch_id: id,
      },
    })
    return () => {
      if (this.#listeners.delete(id)) this.#write({ cancel_request: { watch_id: id } })
    }
  }

  /** Ends every watch, which tells each listener. The next watch opens a new stream. */
  reset(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.then(hangUp).catch(() => {})
    const listeners = [...this.#listeners.values()]
    this.#listeners.clear()
    for (const listener of listeners) listener.failed()
  }

  #write(request: IWatchRequest): void {
    const stream = (this.#stream ??= this.#connected())
    stream.then((open) => open.write(request)).catch(() => this.#stream === stream && this.reset())
  }

  #connected(): Promise<WatchStream> {
    const opened = this.#open().then((stream) => {
      const broken = (): void => {
        if (this.#stream === opened) this.reset()
      }
      stream.on('data', (response) => this.#stream === opened && this.#tell(response))
      stream.on('error', broken)
      stream.on('end', broken)
      return stream
    })
    return opened
  }

  #tell(response: IWatchResponse): void {
    // Refused at creation, etcd does not say which one it was: then none of them can be relied on.
    if (response.canceled && response.watch_id === '-1') this.reset()
    const listener = this.#listeners.get(response.watch_id)
    if (!listener) return
    if (response.canceled) {
      this.#listeners.delete(response.watch_id)
      listener.failed()
      return
    }
    if (response.created) listener.created(BigInt(response.header.revision))
    const deletions = changes(response, 'Delete')
    const writes = changes(response, 'Put')
    if (writes.length > 0) listener.written?.(writes)
    if (deletions.length > 0) listener.deleted(deletions)
  }
}

function changes({ events }: IWatchResponse, kind: 'Put' | 'Delete'): Change[] {
  return events
    .filter(({ type }) => type === kind)
    .map(({ kv }) => ({ key: kv.key.toString(), revision: BigInt(kv.mod_revision) }))
}

/** Ends our side before cancelling: etcd3 takes the error of a cancelled stream for a failure of the host. */
function hangUp(stream: KeepAliveStream | WatchStream): void {
  stream.end()
  stream.cancel()
}
