// The two streams of a connection: one for all renewals, one for all watches. Owns which answer belongs to which
// question; opening a stream and reading errors are client.ts's.
import type {
  IDuplexStream,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3'
import { SessionGoneError, UnavailableError } from '../../errors.ts'
import { orAborted } from '../../limits.ts'
import type { Change, KeyRange, WatchListener } from './transport.ts'

type KeepAliveStream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>
type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>

const noputFilter = 0

/** Renews leases over one stream. */
export class KeepAlives {
  readonly #open: () => Promise<KeepAliveStream>
  #stream: Promise<KeepAliveStream> | undefined
  /** The renewals under way, by their lease. */
  readonly #waiting = new Map<string, (answer: ILeaseKeepAliveResponse | Error) => void>()

  constructor(open: () => Promise<KeepAliveStream>) {
    this.#open = open
  }

  /**
   * Renews once; of one lease there is one renewal at a time. Rejects with SessionGoneError when the lease is not there.
   * A request that was given up closes the stream with it: a late answer must never pass for the answer to the next
   * request, which left later.
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
    this.#failAll(new UnavailableError('the stream of renewals was closed'))
  }

  async #ask(lease: string): Promise<ILeaseKeepAliveResponse> {
    const opened = (this.#stream ??= this.#connected())
    const stream = await opened
    if (this.#stream !== opened) throw new UnavailableError('given up before its stream was open')
    const answered = new Promise<ILeaseKeepAliveResponse | Error>((resolve) => {
      this.#waiting.set(lease, resolve)
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
        this.#failAll(new UnavailableError('the stream of renewals broke', { cause }))
      }
      stream.on('data', (response) => this.#stream === opened && this.#hear(response))
      stream.on('error', broken)
      stream.on('end', () => broken())
      return stream
    })
    return opened
  }

  /** An answer that no renewal waits for says that questions and answers are out of step: the stream is of no more use. */
  #hear(response: ILeaseKeepAliveResponse): void {
    const answer = this.#waiting.get(response.ID)
    this.#waiting.delete(response.ID)
    if (answer) answer(response)
    else this.close()
  }

  #failAll(error: UnavailableError): void {
    for (const answer of this.#waiting.values()) answer(error)
    this.#waiting.clear()
  }
}

/** A watch, and what it has told until now. */
interface Watch {
  readonly listener: WatchListener
  live: boolean
  /** That of its last event. */
  revision: bigint
}

/**
 * Watches many ranges over one stream, each under an id that we choose, so that no answer is ambiguous. A watch whose
 * answers are out of step (an event twice, or later than one after it) ends: what happened is unknown then.
 */
export class Watches {
  readonly #open: () => Promise<WatchStream>
  readonly #watches = new Map<string, Watch>()
  #stream: Promise<WatchStream> | undefined
  #ids = 0

  constructor(open: () => Promise<WatchStream>) {
    this.#open = open
  }

  watch({ key, end }: KeyRange, listener: WatchListener): () => void {
    this.#ids += 1
    const id = String(this.#ids)
    this.#watches.set(id, { listener, live: false, revision: 0n })
    this.#write({
      create_request: {
        key: Buffer.from(key),
        ...(end === undefined ? {} : { range_end: Buffer.from(end) }),
        filters: listener.written ? [] : [noputFilter],
        watch_id: id,
      },
    })
    return () => {
      if (this.#watches.delete(id)) this.#write({ cancel_request: { watch_id: id } })
    }
  }

  /** Ends every watch, which tells each listener. The next watch opens a new stream. */
  reset(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.then(hangUp).catch(() => {})
    const watches = [...this.#watches.values()]
    this.#watches.clear()
    for (const { listener } of watches) listener.failed()
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
    const watch = this.#watches.get(response.watch_id)
    if (!watch) return
    const { listener } = watch
    if (response.canceled || !continues(watch, response)) {
      this.#watches.delete(response.watch_id)
      if (!response.canceled) this.#write({ cancel_request: { watch_id: response.watch_id } })
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

/** Whether this is what such a watch may tell next, each event once and in order; takes note of it. */
function continues(watch: Watch, { created, header, events }: IWatchResponse): boolean {
  if (created && (watch.live || !header)) return false
  watch.live ||= created
  for (const [index, { kv }] of events.entries()) {
    const revision = BigInt(kv?.mod_revision ?? -1)
    // What one transaction changed has one revision, and comes in one answer.
    if (!watch.live || revision < watch.revision || (index === 0 && revision === watch.revision)) return false
    watch.revision = revision
  }
  return true
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
