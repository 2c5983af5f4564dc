// A simulated server machine: when it can act, and what happens to requests while it cannot. consul/ and etcd/ have the
// data of the stores.
import type { Host } from './network.ts'
import type { World } from './world.ts'

/** One server, or a cluster that acts as one. */
export class SimHost implements Host {
  readonly name: string
  readonly #world: World
  #state: 'up' | 'paused' | 'down' = 'up'
  #since = 0
  #waiting: (() => void)[] = []

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
  }

  get up(): boolean {
    return this.#state === 'up'
  }

  receive(run: () => void, refused: () => void): void {
    if (this.#state === 'up') run()
    else if (this.#state === 'paused') this.#waiting.push(run)
    else refused()
  }

  /** Stops it for `ms`, or cuts it off from its peers: arriving requests wait. */
  pause(ms: number): void {
    this.#change('paused', ms)
  }

  /** Crashes it, and starts it again after `ms`. Until then requests are refused; requests that waited are lost. */
  crash(ms: number): void {
    this.#waiting = []
    this.#change('down', ms)
  }

  #change(state: 'paused' | 'down', ms: number): void {
    this.#state = state
    this.#since += 1
    const since = this.#since
    this.#world.note(`${this.name} ${state} for ${ms} ms`)
    this.#world.after(ms, () => {
      if (since === this.#since) this.#recover()
    })
  }

  #recover(): void {
    this.#state = 'up'
    this.#world.note(`${this.name} up`)
    const waited = this.#waiting
    this.#waiting = []
    for (const run of waited) this.#world.after(0, () => this.receive(run, () => {}))
  }
}
