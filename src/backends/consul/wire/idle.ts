// The idle sockets of one agent of Node. Owns which of them are closed, and when, if there are more than a client at rest should
// keep. sockets.ts has the agents and their limits.
import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../../base/clock.ts'

/** How often surplus sockets are looked for, in ms. A socket that was idle since the look before is closed. */
const lookMs = 250

/**
 * Closes idle sockets of an agent that were not used for 250 to 500 ms, and leaves `kept` of them to the agent's own time limit. So a
 * burst of requests finds the sockets of the burst before, and a client at rest has few.
 *
 * An agent must never hand out a socket that is being closed. Node's takes the newest idle socket, and drops closed ones only
 * from the other end of its list. So only the oldest ones are closed here, and at least one stays.
 */
export class IdleSockets {
  readonly #agent: Agent
  readonly #kept: number
  readonly #clock: Clock
  /** The number of the look before which each socket became idle. */
  readonly #since = new WeakMap<Socket, number>()
  #look = 1
  #stop: (() => void) | undefined

  /** `kept` is at least 1. */
  constructor(agent: Agent, kept: number, clock: Clock) {
    this.#agent = agent
    this.#kept = kept
    this.#clock = clock
    agent.on('free', (socket: Socket) => {
      this.#since.set(socket, this.#look)
      this.#watch()
    })
  }

  /** Closes all idle sockets now, and every other one when its request is over. */
  retire(): void {
    this.#stop?.()
    this.#agent.maxFreeSockets = 0
    for (const socket of this.#all) socket.destroy()
  }

  /** An agent has a list for each server that it connects to, and these agents have one server. Oldest first. */
  get #all(): readonly Socket[] {
    return Object.values(this.#agent.freeSockets)[0] ?? []
  }

  #watch(): void {
    if (this.#stop || this.#all.length <= this.#kept) return
    this.#stop = this.#clock.after(lookMs, () => this.#sweep(), true)
  }

  #sweep(): void {
    this.#stop = undefined
    const surplus = this.#all.slice(0, -this.#kept)
    const used = surplus.findIndex((socket) => this.#since.get(socket) === this.#look)
    for (const socket of used < 0 ? surplus : surplus.slice(0, used)) socket.destroy()
    this.#look += 1
    this.#watch()
  }
}
