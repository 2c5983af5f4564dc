// The stream of a connection for all watches. Owns the match of answers and watches. client.ts opens the stream.
import type { IWatchRequest, IWatchResponse } from 'etcd3'
import type { WatchStream } from './link.ts'
import type { KeyRange, WatchListener, Write } from './transport.ts'

const noputFilter = 0
/** The ids that we ask for are larger than this. A server that numbers its watches itself never gets so far. */
const idsAbove = 2 ** 32

/** A watch, and its events so far. */
interface Watch {
  /** The id that we ask for. */
  readonly id: string
  readonly range: KeyRange
  readonly listener: WatchListener
  /** The id that the server uses for it, known from its `created` answer on. */
  served?: string
  live: boolean
  /** Whether its caller no longer listens. */
  stopped: boolean
  /** The revision of its last event. */
  revision: bigint
}

/**
 * Watches many ranges over one stream. The client chooses the id of each watch, so every answer is unambiguous. `etcd
 * grpc-proxy` ignores these ids and numbers its watches itself: then only one watch at a time waits for its `created`
 * answer, and the id in that answer is used. A watch whose answers are out of step (an event twice, or after a later
 * one) ends, since it may have missed events.
 */
export class Watches {
  readonly #open: () => Promise<WatchStream>
  /** Watches that were not sent yet. */
  readonly #queued = new Set<Watch>()
  /** Watches that were sent, and have no answer yet, by the id that we asked for. */
  readonly #creating = new Map<string, Watch>()
  /** Watches by the id that the server uses. */
  readonly #served = new Map<string, Watch>()
  #stream: Promise<WatchStream> | undefined
  #ids = idsAbove
  /**
   * The last id of a server that numbers watches itself, so that a repeated answer is not taken for another watch's.
   */
  #lastServerId = -1
  /** Whether the server takes the ids that we ask for. */
  #takesIds = true

  constructor(open: () => Promise<WatchStream>) {
    this.#open = open
  }

  watch(range: KeyRange, listener: WatchListener): () => void {
    this.#ids += 1
    const watch: Watch = {
      ...{ id: String(this.#ids), range, listener },
      ...{ live: false, stopped: false, revision: 0n },
    }
    this.#queued.add(watch)
    this.#create()
    return () => this.#stop(watch)
  }

  /** Ends every watch and tells each listener. The next watch opens a new stream. */
  reset(): void {
    const stream = this.#stream
    this.#stream = undefined
    this.#lastServerId = -1
    stream?.then((open) => open.cancel()).catch(() => {})
    const watches = [...this.#served.values(), ...this.#creating.values(), ...this.#queued]
    for (const kept of [this.#served, this.#creating, this.#queued]) kept.clear()
    for (const { listener, stopped } of watches) if (!stopped) listener.failed()
  }

  /** Sends the queued watches, or the first of them if the next one has to wait for its answer. */
  #create(): void {
    for (const watch of this.#queued) {
      if (!this.#takesIds && this.#creating.size > 0) return
      this.#queued.delete(watch)
      this.#creating.set(watch.id, watch)
      const { key, end } = watch.range
      this.#write({
        create_request: {
          key: Buffer.from(key),
          ...(end === undefined ? {} : { range_end: Buffer.from(end) }),
          filters: watch.listener.written ? [] : [noputFilter],
          watch_id: watch.id,
        },
      })
    }
  }

  #stop(watch: Watch): void {
    watch.stopped = true
    this.#queued.delete(watch)
    // Before its `created` answer the id to cancel is not known: it is cancelled when that answer comes.
    const { served } = watch
    if (served !== undefined && this.#served.get(served) === watch) this.#cancel(served)
  }

  #cancel(id: string): void {
    this.#served.delete(id)
    this.#write({ cancel_request: { watch_id: id } })
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
      stream.on('data', (response) => this.#stream === opened && this.#receive(response))
      stream.on('error', broken)
      stream.on('end', broken)
      return stream
    })
    return opened
  }

  #receive(response: IWatchResponse): void {
    const { canceled, watch_id: id } = response
    // A watch that is refused at its creation has the id -1, which may mean any watch: resets all.
    if (canceled && id === '-1') {
      this.reset()
      return
    }
    const watch = this.#served.get(id) ?? this.#firstAnswer(response)
    if (!watch) return
    const { listener } = watch
    if (canceled || watch.stopped || !continues(watch, response)) {
      if (canceled) this.#served.delete(id)
      else this.#cancel(id)
      if (!watch.stopped) listener.failed()
      return
    }
    if (response.created) listener.created(BigInt(response.header.revision))
    const deletions = changes(response, 'Delete')
    const writes = changes(response, 'Put')
    if (writes.length > 0) listener.written?.(writes)
    if (deletions.length > 0) listener.deleted(deletions)
  }

  /** The watch that this first answer belongs to. Notes its id. Undefined if there is no such watch. */
  #firstAnswer({ watch_id: id, created, canceled }: IWatchResponse): Watch | undefined {
    const ours = this.#creating.get(id)
    const isFirst = created || canceled // a watch that is refused may have no `created` answer
    const numbered = !ours && isFirst && Number(id) <= idsAbove && Number(id) > this.#lastServerId
    if (numbered && this.#takesIds) {
      this.#takesIds = false
      // The answer may be that of any of these watches, and so may the next ones: resets all.
      if (this.#creating.size > 1) {
        this.reset()
        return undefined
      }
    }
    if (numbered) this.#lastServerId = Number(id)
    const [oldest] = this.#creating.values()
    const watch = ours ?? (numbered ? oldest : undefined)
    if (!watch) return undefined
    if (ours && created) this.#takesIds = true
    this.#creating.delete(watch.id)
    watch.served = id
    this.#served.set(id, watch)
    this.#create()
    return watch
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

function changes({ events }: IWatchResponse, kind: 'Put' | 'Delete'): Write[] {
  return events
    .filter(({ type }) => type === kind)
    .map(({ kv: { key, value, mod_revision } }) => {
      return { key: key.toString(), revision: BigInt(mod_revision), value: value.toString() }
    })
}
