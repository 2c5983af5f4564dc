// The stream of a connection for all renewals. Owns the match of answers and questions. watches.ts has the other
// stream; client.ts opens streams and translates errors.
import type { ILeaseKeepAliveResponse } from 'etcd3'
import { orAborted } from '../../../base/abort.ts'
import { SessionGoneError, UnavailableError } from '../../../base/errors.ts'
import type { KeepAliveStream } from './link.ts'

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
    stream?.then((open) => open.cancel()).catch(() => {})
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

  /** Opens a stream. When it breaks, all its renewals fail, and the next renewal opens another one. */
  #connected(): Promise<KeepAliveStream> {
    const opened = this.#open().then((stream) => {
      const broken = (cause?: unknown): void => {
        if (this.#stream !== opened) return
        this.#stream = undefined
        this.#failAll(new UnavailableError('the stream of renewals broke', { cause }))
      }
      stream.on('data', (response) => this.#stream === opened && this.#receive(response))
      stream.on('error', broken)
      stream.on('end', () => broken())
      return stream
    })
    return opened
  }

  /**
   * Gives an answer to its renewal. If no renewal waits for it, questions and answers are out of step: closes the
   * stream.
   */
  #receive(response: ILeaseKeepAliveResponse): void {
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
