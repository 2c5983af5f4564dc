// @ts-check
// The one place where these tools wait: they ask again until a condition holds, or a deadline passes.

import { setTimeout as pause } from 'node:timers/promises'

/**
 * Resolves with the first truthy answer of `check`, asked every `everyMs`. Rejects when `check`
 * rejects, and with `describe()` in the message once `deadlineMs` have passed.
 *
 * @template T
 * @param {() => Promise<T | undefined | false>} check
 * @param {{ deadlineMs?: number, everyMs?: number, describe: () => string }} options
 * @returns {Promise<T>}
 */
export async function until(check, { deadlineMs = 20_000, everyMs = 20, describe }) {
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await check()
    if (answer) return answer
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${describe()}`)
    await pause(everyMs)
  }
}
