// Who stops the command when leasehold itself is killed by a signal that no process can handle. Owns a tiny
// shell that reads from a pipe whose only writer is leasehold: the end of the pipe is leasehold's death,
// however it came.
import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

// $1 is leasehold's process id, for those who read the list of processes; $2 is the grace in tenths of a
// second. Polite signals are ignored: whoever stops a whole service sends them to everybody, and this is the
// last to go. `kill` gets no `--` before the group: not every shell knows it there. Where `sleep` is missing
// or takes no fractions, the group is stopped rather earlier than later.
const script = `
trap '' HUP INT QUIT TERM
read -r group || exit 0
tenths=$2
while read -r word; do
  [ "$word" = stopping ] || exit 0
  tenths=0
done
kill -TERM "-$group"
kill -CONT "-$group"
while [ "$tenths" -gt 0 ] && kill -0 "-$group"; do
  sleep 0.1 || sleep 1 || break
  tenths=$((tenths - 1))
done
kill -KILL "-$group"
`

/** Stops a group of processes when this process dies. Where there is no /bin/sh it does nothing. */
export class Guardian {
  readonly #pipe: Writable | undefined

  /**
   * Starts it, in a session of its own, so that no terminal reaches it, and without the caller's stdio, so
   * that nobody who reads that waits for it. `graceMs` lies between SIGTERM and SIGKILL.
   */
  constructor(graceMs: number) {
    if (process.platform === 'win32') return
    const tenths = String(Math.ceil(graceMs / 100))
    const shell = spawn('/bin/sh', ['-c', script, 'leasehold-guardian', String(process.pid), tenths], {
      cwd: '/',
      detached: true,
      env: { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin` },
      // Node opens its end so that it closes in every program started later: the command cannot hold it open.
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    shell.on('error', () => {})
    shell.unref()
    this.#pipe = shell.stdin
    shell.stdin.on('error', () => {})
    ;(shell.stdin as Writable & { unref?(): void }).unref?.()
  }

  /** Names the group to stop; resolves when that cannot be lost any more. */
  guard(group: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#pipe) this.#pipe.write(`${group}\n`, () => resolve())
      else resolve()
    })
  }

  /** Says that the group is being stopped: from now on it gets no grace if this process dies. */
  stopping(): void {
    this.#pipe?.write('stopping\n')
  }

  /** Ends the guardian: there is nothing left to stop. */
  dismiss(): void {
    this.#pipe?.end('done\n')
  }
}
