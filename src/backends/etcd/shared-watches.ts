// One watch for all listeners of one client to one range. Owns from which revision on a listener that joins gets every event.
// Without it each permit of a semaphore that a client waits for would get every event of the line by itself. A watch that
// has gone silent must not stay for ever: it takes new listeners only until the first one has left in another way than by an event.
import type { Change, KeyRange, Transport, WatchListener, Write } from './wire/transport.ts'

/** A watch of the transport, and its listeners. */
interface Shared {
  /** The listener of whom the watch takes new ones: it has been here longest. */
  first: WatchListener
  readonly listeners: Set<WatchListener>
  /** Every event after this revision is still to come. Undefined before the watch has begun. */
  revision: bigint | undefined
  /** Whether an event is told now: a listener that leaves meanwhile leaves because of it. */
  isTelling: boolean
  stop: () => void
}

/** The same transport, whose listeners to one range share a watch. */
export function sharingWatches(transport: Transport): Transport {
  const watches = new Map<string, Shared>()
  return withWatch(transport, (range, listener) => join(transport, watches, range, listener))
}

/** The same transport with other watches. */
export function withWatch(transport: Transport, watch: Transport['watch']): Transport {
  return {
    txn: transport.txn.bind(transport),
    grant: transport.grant.bind(transport),
    keepAlive: transport.keepAlive.bind(transport),
    revoke: transport.revoke.bind(transport),
    timeToLive: transport.timeToLive.bind(transport),
    watch,
    close: transport.close.bind(transport),
  }
}

function join(
  transport: Transport,
  watches: Map<string, Shared>,
  range: KeyRange,
  listener: WatchListener,
): () => void {
  const { key, end } = range
  // The key of one claim has one listener, its hold, and a client may have ten thousand holds.
  if (end === undefined) return transport.watch(range, listener)
  const id = `${key.length} ${key}${end} ${listener.written !== undefined}`
  const shared = watches.get(id) ?? begin(transport, watches, id, { range, first: listener })
  shared.listeners.add(listener)
  // Later than this call, as if the watch was its own, and before any event of it.
  if (shared.revision !== undefined)
    void Promise.resolve().then(
      () => shared.listeners.has(listener) && listener.created(shared.revision ?? 0n),
    )
  return () => {
    if (!shared.listeners.delete(listener)) return
    const [next] = shared.listeners
    if (listener === shared.first && next && shared.isTelling) shared.first = next
    else if (listener === shared.first && watches.get(id) === shared) watches.delete(id)
    if (shared.listeners.size === 0) shared.stop()
  }
}

function begin(
  transport: Transport,
  watches: Map<string, Shared>,
  id: string,
  { range, first }: { range: KeyRange; first: WatchListener },
): Shared {
  const shared: Shared = {
    first,
    listeners: new Set(),
    revision: undefined,
    isTelling: false,
    stop: () => {},
  }
  watches.set(id, shared)
  const ended = (): void => {
    if (watches.get(id) === shared) watches.delete(id)
  }
  shared.stop = transport.watch(range, toAll(shared, ended))
  return shared
}

/** Passes each event on to all listeners. `ended` is called when the watch has failed. */
function toAll(shared: Shared, ended: () => void): WatchListener {
  const tell = (what: (listener: WatchListener) => void): void => tellAll(shared, what)
  const happened = (changes: readonly Change[], what: (listener: WatchListener) => void): void => {
    const last = changes.at(-1)?.revision ?? 0n
    if (last > (shared.revision ?? 0n)) shared.revision = last
    tellEvent(shared, what)
  }
  return {
    created(revision) {
      shared.revision = revision
      tell((listener) => listener.created(revision))
    },
    deleted: (deletions) => happened(deletions, (listener) => listener.deleted(deletions)),
    failed() {
      ended()
      tell((listener) => listener.failed())
    },
    ...(shared.first.written && {
      written: (writes: readonly Write[]) => happened(writes, (listener) => listener.written?.(writes)),
    }),
  }
}

/** Tells those that listen now, and not those that leave meanwhile. */
function tellAll({ listeners }: Shared, what: (listener: WatchListener) => void): void {
  for (const listener of [...listeners]) if (listeners.has(listener)) what(listener)
}

/** Tells an event: a listener that leaves meanwhile leaves because of it. */
function tellEvent(shared: Shared, what: (listener: WatchListener) => void): void {
  shared.isTelling = true
  try {
    tellAll(shared, what)
  } finally {
    shared.isTelling = false
  }
}
