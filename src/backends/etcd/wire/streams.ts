// The two streams of a connection: one for all renewals, one for all watches. Owns which answer belongs to which
// question. client.ts opens streams and translates errors.
import type { ILeaseKeepAliveResponse, IWatchRequest, IWatchResponse } from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import { SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { KeepAliveStream, WatchStream } from './link.ts'
import type { Change, KeyRange, WatchListener } from './transport.ts'

const noputFilter = 0

/** Renews leases over one stream. */
export class KeepAlives {
  readonly #open: () => Promise<KeepAliveStream>
  #stream: Promise<KeepAliveStream> | undefined
  /** The running renewals, by their lease. */
  readonly #waiting = new Map<string, (answer: ILeaseKeepAliveResponse | Error) => void>()

  constructor(open: () => Promise<KeepAliveStream>) {
    this.#open = open
  }

  /**
   * Renews a lease once. Each lease has one renewal at a time. Rejects with SessionGoneError if the lease does not
   * exist. An aborted request also closes the stream: otherwise its late answer could pass for the answer to the next
   * request.
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

  /** Only the present stream counts. After it broke, the next renewal opens another. */
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

  /** If no renewal waits for an answer, questions and answers are out of step, so the stream is closed. */
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

/** A watch, and its events so far. */
interface Watch {
  readonly listener: WatchListener
  live: boolean
  /** The revision of its last event. */
  revision: bigint
}

/**
 * Watches many ranges over one stream. The client chooses the id of each watch, so every answer is unambiguous. A
 * watch whose answers are out of step (an event twice, or after a later one) ends: nobody knows which events it
 * missed.
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

  /** Ends every watch and tells each listener. The next watch opens a new stream. */
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
    // A watch that is refused at creation has the id -1, so any of them may be meant: reset all.
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

/** Whether this is a valid next answer of a watch, each event once and in order. Remembers it. */
function continues(watch: Watch, { created, header, events }: IWatchResponse): boolean {
  if (created && (watch.live || !header)) return false
  watch.live ||= created
  for (const [index, { kv }] of events.entries()) {
    const revision = BigInt(kv?.mod_revision ?? -1)
    // All changes of one transaction have one revision, and come in one answer.
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

/**
 * Ends the client's side before cancelling: etcd3 would count the error of a cancelled stream as a failure of the
 * host.
 */
function hangUp(stream: KeepAliveStream | WatchStream): void {
  stream.end()
  stream.cancel()
}
