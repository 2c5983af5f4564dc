// The AbortSignals of the conformance suite: one that never aborts, and one that a case aborts.
import { roomyController } from '../../base/abort.ts'

/** A signal that does not abort. */
export const never: AbortSignal = roomyController().signal

/** A signal, and a function that aborts it. */
export function abortable(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const controller = roomyController()
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) }
}
